// thread_link: lets a control on another thread of the host attach. Towards the bus it is a control
// like any other, with the queue and the frames of a peer on a socket (session.hpp); what a socket
// would carry goes through memory. There is no greeting and no authenticator: the host that makes
// the link says what the thread may.
//
//     vmsig::thread_link link{bus, vmsig::grant{}.on(vm).allow(vmsig::right::observe)};
//     std::thread agent{[end = link.take_end()]() mutable {
//         auto bus = vmsig::client::over(std::move(end));
//         while (const vmsig::event* e = (*bus)->next_event(vmsig::seconds(1))) ...
//     }};
//
// A thread that reads slowly, or no more, costs nobody else anything: what waits for it is in the
// link's own fixed memory, where it coalesces, folds, or is told as a gap. When the thread drops
// its end it is detached in the turn that sees it. Like everything of a core the link is the loop
// thread's, but for the end.
#pragma once

#include <vmsig/core/core.hpp>
#include <vmsig/transport/session.hpp>
#include <vmsig/transport/thread_channel.hpp>

namespace vmsig {

template <class Core>
class thread_link final : private session_host {
public:
    /// Attaches a control. Everything that it will need is allocated here. Throws what `attach`
    /// does, std::system_error or std::bad_alloc.
    explicit thread_link(Core& bus, const grant& g, const subscription& s = {});
    /// Detaches it. Not from inside a callback of the bus.
    ~thread_link();
    thread_link(const thread_link&) = delete;
    thread_link& operator=(const thread_link&) = delete;

    /// For the other thread; once.
    thread_end take_end() { return std::move(theirs_); }
    origin_id origin() const { return handle_.origin(); }
    bool attached() const { return attached_; }

    // What the core calls.

    void on_event(const event& e, control_handle) { session_.on_event(e); }
    int fd() const { return mine_.fd(); }
    void on_ready(interests what, control_handle);
    void flush(control_handle);
    void take_back(const grant& g) { session_.take_back(g); }
    void on_detached();

private:
    static constexpr unsigned sent_per_turn = 8;
    static constexpr unsigned received_per_turn = 4;

    // bodies: detail/thread_link.ipp
    expected<control_handle, wire::farewell> admit(const wire::hello&) override;
    std::string_view name_of(endpoint_id e) const override { return bus_.name_of(e); }
    std::string_view name_of(kind k) const override { return bus_.name_of(k); }
    kind_traits traits_of(kind k) const override { return bus_.kind_traits_of(k); }
    void drop(wire::farewell why);
    bool receive_one();
    bool send_one();

    Core& bus_;
    session session_{*this};
    thread_end mine_, theirs_;
    control_handle handle_;
    wire::farewell why_ = wire::farewell::detached;
    bool attached_ = false;
};

} // namespace vmsig

#include <vmsig/transport/detail/thread_link.ipp>
