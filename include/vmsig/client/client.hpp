// client: a control in a process of its own, or on a thread of its own in the host's. The verbs are
// those of `control_handle`; each sends its request and waits for the answer, while events that
// come meanwhile are kept in order.
//
//     auto bus = client::connect("/run/vmsig.sock");   // or client::over(link.take_end())
//     while (const event* e = (*bus)->next_event(seconds(1))) ...
//
// With a loop of its own: `dispatch()`, then poll `fd()` for reading; or `receive()`, and
// `next_event()` for what is `waiting()`. Between a verb, or a `send`, and the next poll comes one
// of these, or `try_flush()`: a verb may take in events while it waits for its answer, of which
// `fd()` says nothing any more, and what was sent does not go by itself. An event counts as seen
// when `next_event` has returned it: what is submitted then acts upon its epoch. An endpoint's id
// here is a handle of this connection and means nothing on another one. After the connection is
// lost every verb answers `gone`; `connect` again is a new control with a new origin, about which
// nothing is known. Where there is no memory for what comes, std::bad_alloc leaves the call, and
// the connection is lost. One thread at a time.
#pragma once

#include <memory>

#include <vmsig/base/os_error.hpp>
#include <vmsig/client/connection.hpp>
#include <vmsig/client/inbox.hpp>
#include <vmsig/control/answers.hpp>
#include <vmsig/control/build.hpp>
#include <vmsig/grant/subscription.hpp>
#include <vmsig/transport/command_codec.hpp>
#include <vmsig/transport/locator_codec.hpp>
#include <vmsig/transport/same_process.hpp>
#include <vmsig/transport/thread_channel.hpp>

namespace vmsig {

struct client_options {
    std::string_view name = {};    ///< what it calls itself, at most 63 bytes
    duration answer = seconds(10); ///< how long connecting, or a verb, waits for its answer
};

/// Why there is no connection.
struct client_error {
    wire::farewell why = wire::farewell::none; ///< the server said so
    os_error cause{};                          ///< or a system call failed
};

class client {
public:
    /// Connects, says hello and waits for the welcome.
    static expected<std::unique_ptr<client>, client_error> connect(std::string_view path,
                                                                   const client_options& o = {});
    /// The same over a connected socket of the caller's.
    static expected<std::unique_ptr<client>, client_error> over(unique_fd socket,
                                                                const client_options& o = {});
    /// The same on another thread of the host, over a link of its (transport/thread_link.hpp).
    static expected<std::unique_ptr<client>, client_error> over(thread_end end,
                                                                const client_options& o = {});
    /// Says bye, if there is still somebody to hear it. A forked child's copy says nothing: the
    /// connection is its parent's.
    ~client();
    client(const client&) = delete;
    client& operator=(const client&) = delete;

    /// Readable when something is to be received.
    int fd() const { return connection_ ? connection_->fd() : -1; }
    origin_id origin() const { return inbox_.welcome().origin; }
    bool connected() const { return connection_ != nullptr; }
    /// Once it is not connected.
    client_error lost() const { return lost_; }

    /// Once per readiness of `fd()`: reads without waiting, not always all; acknowledges what was
    /// taken. False: not connected.
    bool receive();
    /// So many events `next_event` has without reading.
    std::size_t waiting() const { return inbox_.waiting(); }
    /// The next event; waits for it at most so long. Null: none came, or the connection is lost.
    /// Valid until the next call of anything here.
    const event* next_event(duration at_most = {});
    /// What came beside the event that `next_event` returned last.
    std::span<const std::byte> payload() const;
    /// Calls c.on_event(e, *this) for what has come, and sends what that has left to send.
    template <class Control>
    void dispatch(Control& c) {
        receive();
        while (waiting() != 0) {
            const event copy = *next_event();
            c.on_event(copy, *this);
        }
        (void)try_flush();
    }

    submit_result submit(const command& c, std::span<const std::byte> bulk = {});
    /// Sends without waiting, with the next call that reads, or, if the server takes no more now,
    /// with a later one; `submitted` has the answer when it has come. 0: it is `invalid`, and
    /// nothing is sent.
    std::uint32_t send(const command& c, std::span<const std::byte> bulk = {});
    /// What was sent goes, and waits for room for it as long as a verb for its answer. False: not
    /// connected.
    bool flush() { return write(now() + answer_) != writing::lost; }
    /// The same without waiting. False: something is left, and goes when the server has taken the
    /// rest and has answered, or there is no connection.
    bool try_flush() { return write({}) == writing::done; }
    /// False: not yet.
    bool submitted(std::uint32_t request, submit_result& out);
    cancel_result cancel(correlation_id id);
    acquire_result acquire(endpoint_id e, lease_class c, const lease_options& o = {});
    refusal release(const lease& l);
    refusal renew(const lease& l, duration time_to_live);
    refusal withdraw(wait_id w);
    expected<lease_view, refusal> status(endpoint_id e, lease_class c);
    refusal force_release(endpoint_id e, lease_class c);
    expected<std::vector<audit_record>, refusal> read_audit(endpoint_id e, std::uint32_t last);
    expected<endpoint_statistics, refusal> statistics(endpoint_id e);
    refusal subscribe(const subscription& s);
    refusal may(verb v, endpoint_id e);
    /// `exhausted`: this process had no room for the descriptors, and those that came are closed.
    /// Once there is room, ask again.
    expected<memctx_export, refusal> memctx(endpoint_id e);
    refusal refresh(endpoint_id e);
    expected<endpoint_id, refusal> find(std::string_view name);

    /// "" for what it was not told of.
    std::string_view name_of(endpoint_id e) const;
    std::string_view name_of(kind k) const { return inbox_.name_of(k); }
    template <class F>
    void for_each_endpoint(F&& f) const { ///< f(endpoint_id, name)
        inbox_.for_each_endpoint([&f](endpoint_id e, const inbox::endpoint_view& v) {
            if (v.ready) f(e, std::string_view{v.name});
        });
    }

private:
    /// A server that talks faster than it is read keeps nobody in `receive`.
    static constexpr int datagrams_per_receive = 64;

    client(std::unique_ptr<connection> by, const client_options& o);

    // bodies: detail/client.ipp, detail/verbs.ipp
    template <class Frame>
    std::span<std::byte> put(const Frame& f, std::size_t tail = 0);
    template <class Reply, class Frame>
    bool ask(Frame f, Reply& out, std::span<const std::byte> tail = {});
    answers* await(std::uint32_t request, bool with_descriptors = false);
    void rest();
    static expected<std::unique_ptr<client>, client_error> begin(std::unique_ptr<connection> by,
                                                                 const client_options& o);
    bool greet(std::string_view name);
    enum class writing : std::uint8_t { done, waited, left, lost };
    writing write(instant until);
    bool read(receiving how = {});
    bool wait(instant until, bool for_room = false);
    void acknowledge();
    bool reply();
    void lose(client_error why);
    static instant now();

    const same_process here_;
    std::unique_ptr<connection> connection_;
    duration answer_;
    client_error lost_;
    inbox inbox_;
    std::uint64_t events_acknowledged_ = 0, memctxs_acknowledged_ = 0;
    std::vector<std::byte> to_send_; ///< whole frames
};

} // namespace vmsig

#include <vmsig/client/detail/client.ipp>
#include <vmsig/client/detail/verbs.ipp>
