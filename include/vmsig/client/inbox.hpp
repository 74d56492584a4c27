// inbox: what has come from a server, taken apart: events in order, answers by request, names. A
// state machine without I/O; it trusts nothing of what it is given. It allocates: it lives in the
// control's process.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include <vmsig/client/answers.hpp>
#include <vmsig/transport/event_codec.hpp>
#include <vmsig/transport/replies.hpp>
#include <vmsig/transport/requests.hpp>

namespace vmsig {

class inbox {
public:
    /// What a server has no reason to go beyond; one that does has broken the protocol.
    static constexpr std::size_t most_events = 65'536, most_endpoints = 1024, most_answers = 1024;

    /// An event with what came beside it. Its endpoint is a handle of this connection.
    struct item {
        vmsig::event event;
        std::vector<std::byte> payload;
    };
    /// What the control has been told of an endpoint.
    struct endpoint_view {
        std::string name;
        epoch_number seen; ///< the epoch whose notice `next` has returned
        bool ready = false;
        bool fds_lost = false; ///< those of its last memctx, on their way
    };

    /// `last_request`: the number of the last one.
    explicit inbox(std::uint32_t last_request = 0)
        : last_request_{last_request} {}

    /// One datagram, with the descriptors that came with it. False: not the protocol, or a server
    /// that says no or goodbye (`ended`).
    bool receive(std::span<const std::byte> datagram, std::span<unique_fd> fds);

    bool welcomed() const { return welcomed_; }
    const wire::welcome& welcome() const { return welcome_; }
    wire::farewell ended() const { return ended_; }

    /// The next event, or null. Valid until the next call. What it says of its endpoint counts as
    /// seen from now on.
    const item* next();
    /// The one that `next` returned last, which may lie elsewhere since something came.
    const item* current() const { return held_ ? &ring_[place(0)] : nullptr; }
    std::size_t waiting() const { return waiting_; }
    /// Event frames that `next` has returned, and memctx frames with descriptors, to acknowledge.
    std::uint64_t events_taken() const { return events_taken_; }
    std::uint64_t memctxs_taken() const { return memctxs_taken_; }
    /// A ping to answer; 0: none.
    std::uint64_t take_ping() { return std::exchange(ping_, 0); }

    /// The number of a new request, whose answer is kept from now on. Never 0, nor that of one
    /// whose answer is still to be looked at: the numbers of a long life begin again.
    std::uint32_t ask();
    /// From now on the answer to `request` is kept.
    void expect(std::uint32_t request);
    /// Complete once the last frame has come; null before.
    answers* answered(std::uint32_t request);
    void forget(std::uint32_t request);

    const endpoint_view* view_of(endpoint_id handle) const;
    std::string_view name_of(kind k) const;
    template <class F>
    void for_each_endpoint(F&& f) const {
        for (const auto& [handle, view] : endpoints_) f(endpoint_id{handle}, view);
    }
    void note_fds(endpoint_id handle, bool lost);
    /// By `find`.
    void note_endpoint(endpoint_id handle, std::string_view name);

private:
    bool take(const wire::frame_view& f, std::span<unique_fd> fds);
    bool take_event(const wire::frame_view& f);
    void widen();
    std::size_t place(std::size_t n) const { return (first_ + n) & (ring_.size() - 1); }
    void note(const event& e);
    bool take_answer(const wire::frame_view& f, std::span<unique_fd> fds);

    bool welcomed_ = false;
    wire::welcome welcome_;
    wire::farewell ended_ = wire::farewell::none;
    std::vector<item> ring_; ///< its size is a power of two; first the current one, if it is held
    std::size_t first_ = 0, waiting_ = 0;
    bool held_ = false;
    std::uint64_t events_taken_ = 0, memctxs_taken_ = 0;
    std::uint64_t ping_ = 0;
    std::uint32_t last_request_;
    std::unordered_map<std::uint32_t, answers> answers_;
    decltype(answers_)::node_type spare_; ///< of the request forgotten last, for the next one
    std::unordered_map<std::uint64_t, endpoint_view> endpoints_;
    std::unordered_map<std::uint16_t, std::string> kinds_;
};

} // namespace vmsig

#include <vmsig/client/detail/inbox.ipp>
