// session: one connection of a peer, from its first byte to its last, as a state machine without
// I/O: datagrams in, datagrams out. Towards the bus it is a control like any other: the same
// admission, leases, audit and receipts as one in process.
//
//     greeting --hello--> open --bye, or what is not the protocol--> over
//
// Whatever a peer sends costs a bounded amount of work and memory: a datagram is read only when
// there is room for every answer that it can ask for, and a command is submitted only when there is
// a place for its receipt. What it may not see or do is the core's business; here it only names
// endpoints by handles of its own.
#pragma once

#include <optional>

#include <vmsig/control/handle.hpp>
#include <vmsig/grant/grant.hpp>
#include <vmsig/transport/command_codec.hpp>
#include <vmsig/transport/event_codec.hpp>
#include <vmsig/transport/handle_table.hpp>
#include <vmsig/transport/locator_codec.hpp>
#include <vmsig/transport/outbox.hpp>
#include <vmsig/transport/replies.hpp>
#include <vmsig/transport/reply_buffer.hpp>
#include <vmsig/transport/requests.hpp>

namespace vmsig {

/// What a session needs of its surroundings.
class session_host {
public:
    /// Decides who the peer is and attaches it; the handle through which it acts from then on.
    virtual expected<control_handle, wire::farewell> admit(const wire::hello& h) = 0;
    virtual std::string_view name_of(endpoint_id e) const = 0;
    virtual std::string_view name_of(kind k) const = 0;
    virtual kind_traits traits_of(kind k) const = 0;

protected:
    ~session_host() = default;
};

class session {
public:
    explicit session(session_host& host);
    /// For a peer that the host has attached by itself: there is no hello, but there is a welcome.
    void open(control_handle as);

    // From the peer.

    /// Whether there is room for the answers to one more datagram.
    bool can_receive() const { return replies_.room() >= answers_of_a_datagram; }
    /// One datagram. `none`: go on; else the connection is over, for this reason.
    wire::farewell receive(std::span<const std::byte> datagram);

    // From the bus.

    void on_event(const event& e);
    /// What waits and the grant no longer lets it see.
    void take_back(const grant& g);
    /// Asks whether it is still there.
    void ping(std::uint64_t token);

    // To the peer.

    /// Something could be sent now.
    bool wants_to_send() const;
    /// Fills a datagram; how many bytes, 0: nothing to send now. `sent` or `not_sent` must follow.
    std::size_t fill(std::span<std::byte> datagram);
    /// The same for one that carries descriptors: at most one of them is unacknowledged. `fds`: as
    /// many as are to travel with it, borrowed until `sent` or `not_sent`.
    std::size_t fill_memctx(std::span<std::byte> datagram, std::span<int> fds,
                            std::size_t& fd_count);
    /// Hands over the descriptors of the datagram just filled, to somebody who sends them in any
    /// case.
    void move_fds(std::span<unique_fd> fds);
    /// There is nobody to send them to any more.
    void drop_export() { export_.reset(); }
    void sent();
    void not_sent();

    bool greeted() const { return greeted_; }
    control_handle bus() const { return bus_; }
    /// For another connection.
    void reset();

private:
    static constexpr std::size_t most_kinds = max_kinds;
    static constexpr std::size_t most_memctx_requests = 8;
    static constexpr unsigned most_audit_records = 128;
    static constexpr std::size_t largest_answer = wire::frame_bytes<wire::lease_state>();
    static constexpr std::size_t answers_of_a_datagram =
        (wire::max_requests_per_datagram + most_memctx_requests) * largest_answer;
    static constexpr std::size_t reply_bytes = 64 * 1024;

    struct memctx_request {
        std::uint32_t request = 0;
        endpoint_id endpoint;
    };

    // bodies: detail/session.ipp
    wire::farewell greet(const wire::frame_view& f);
    void welcome(control_handle as, std::uint16_t version);
    wire::farewell request(const wire::frame_view& f);
    wire::farewell acknowledge(const wire::acknowledge& a);
    bool visible(const event& e, const grant& g) const;
    void forget_untold(endpoint_id gone);
    std::size_t put_names(wire::writer& to, const event& e, bool count_only);
    void fill_events(wire::writer& to);
    static bool revokes(const event& e);
    void on_sent(const event& e);
    void next_memctx();
    void refuse_memctx(refusal why);
    bool window_open() const { return events_sent_ - events_acknowledged_ < wire::event_window; }
    template <class Frame>
    void reply(const Frame& f);

    // The requests: detail/requests.ipp
    template <class Frame, class Answer>
    bool with(const wire::frame_view& f, Answer (session::*verb)(const Frame&));
    bool submit(const wire::frame_view& f);
    bool subscribe(const wire::frame_view& f);
    bool may(const wire::may& q);
    void cancel(const wire::cancel& q);
    void acquire(const wire::acquire& q);
    void release(const wire::release& q);
    void renew(const wire::renew& q);
    void withdraw(const wire::withdraw& q);
    void status(const wire::status& q);
    void force_release(const wire::force_release& q);
    void read_audit(const wire::read_audit& q);
    void statistics(const wire::statistics& q);
    bool take_memctx(const wire::take_memctx& q);
    void refresh(const wire::refresh& q);
    void find(const wire::find& q);
    endpoint_id named(endpoint_id handle) const { return handles_.endpoint_of(handle); }

    session_host& host_;
    control_handle bus_;
    outbox outbox_;
    reply_buffer replies_{reply_bytes};
    handle_table handles_;
    std::array<std::uint64_t, most_kinds / 64> kinds_named_{};
    bool greeted_ = false;

    std::uint16_t commands_open_ = 0; ///< submitted, and the receipt is not sent
    std::uint16_t reads_open_ = 0;    ///< of them
    std::uint64_t events_sent_ = 0, events_acknowledged_ = 0;
    std::uint64_t memctxs_sent_ = 0, memctxs_acknowledged_ = 0;

    // Of the datagram that was filled last.
    std::size_t reply_bytes_filled_ = 0;
    std::uint64_t events_filled_ = 0;
    std::array<endpoint_id, 64> names_filled_{};
    std::uint8_t name_count_ = 0;
    std::array<std::uint64_t, most_kinds / 64> kinds_filled_{};

    std::array<memctx_request, most_memctx_requests> memctx_wanted_{};
    std::uint8_t memctx_count_ = 0;
    std::optional<memctx_export> export_; ///< taken from the bus, not sent yet
    bool export_filled_ = false;
};

} // namespace vmsig

#include <vmsig/transport/detail/requests.ipp>
#include <vmsig/transport/detail/session.ipp>
