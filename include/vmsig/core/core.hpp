// core: the bus itself, the only place where the mechanisms meet. One thread, one loop; a host may
// have several cores. This file is its face; the bodies are in detail/, a file for each concern:
//
//     routing     emission, the deferral queue, delivery to controls
//     admission   submit, cancel, may: what is decided before a command is accepted
//     execution   queue to adapter: order, pacing, the second check, the fence
//     completion  holds, and the one function by which every command ends
//     acquisition what `acquire` answers
//     leases      grant to release, and the one function by which every lease ends
//     input       what a lease holds down, and neutral
//     epochs      lifecycle, and the one function by which every epoch rises
//     memory      memctx publication and export, reads on behalf of a control
//     controls    attach, subscriptions, grants, detach
//     replay      a snapshot, then the stream
//     adapters    attach, roles, quarantine
//     endpoints   add, name, remove                     watches    descriptors of all kinds
//     turn        wait, drain, dispatch, reap, flush
//
// Reentrancy. Whatever changes state and may cause events runs under a `change`: events queue up
// and are delivered when the outermost change is over, so no callback ever sees a half-made one.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include <vmsig/audit/auditor.hpp>
#include <vmsig/base/block_pool.hpp>
#include <vmsig/core/call_watch.hpp>
#include <vmsig/core/command_node.hpp>
#include <vmsig/core/deferral.hpp>
#include <vmsig/core/delivery.hpp>
#include <vmsig/core/post_queue.hpp>
#include <vmsig/core/setup_error.hpp>
#include <vmsig/core/slots.hpp>
#include <vmsig/core/traits.hpp>
#include <vmsig/guest/export_gate.hpp>
#include <vmsig/guest/view.hpp>
#include <vmsig/input/safety_releases.hpp>
#include <vmsig/lease/arbiter.hpp>
#include <vmsig/queue/fair_queue.hpp>
#include <vmsig/reactor/reactor.hpp>
#include <vmsig/timing/timer_heap.hpp>

namespace vmsig {

template <class Traits = default_traits>
class core {
public:
    using traits_type = Traits;
    using limits = typename Traits::limits;
    using reactor_type = typename Traits::reactor;
    using arbitration_type = typename Traits::arbitration;
    using observer_type = typename Traits::observer;
    using audit_sink_type = typename Traits::audit_sink;
    using fd_callback = inline_function<void(interests), post_bytes>;

    static_assert(reactor<reactor_type>);
    static_assert(observer<observer_type>);
    static_assert(limits::endpoints <= 64 && limits::controls <= 64);
    static_assert(limits::controls * limits::commands_per_control < no_node);
    static_assert(limits::commands_per_control % 64 == 0);
    static_assert(limits::deferred_events >= detail::replay_events &&
                  limits::deferred_events >= detail::acquire_events);
    static_assert(limits::pins_per_control <= detail::control_slot::max_pins);

    /// Allocates everything that it will ever use. Throws std::system_error or std::bad_alloc.
    /// `sink_args` make the audit sink.
    template <class... SinkArgs>
    explicit core(arbitration_type policy = {}, SinkArgs&&... sink_args);
    /// Detaches everybody. Not from inside a callback.
    ~core();
    core(const core&) = delete;
    core& operator=(const core&) = delete;

    // Setting up. These throw `setup_error`; nothing has changed then.

    endpoint_id add_endpoint(std::string_view name);
    /// Ends its commands, leases and memctx, detaches its adapters, tells controls: last of all
    /// what there is to tell of it. Total.
    void remove_endpoint(endpoint_id id);
    /// Binds an adapter, which must outlive its detachment. A `vmsig::adapter` type.
    template <adapter A>
    adapter_id attach_adapter(A& a, endpoint_id to);
    void detach(adapter_id id);
    /// Binds a control, which must outlive its detachment. What it may see is replayed first.
    template <control C>
    control_handle attach(C& c, const grant& g, const subscription& s = {});
    /// A barrier: the control's `on_detached` has run and nothing else of it will.
    void detach(origin_id who);
    /// Widening is replayed; narrowing has taken effect when this returns. False: gone.
    bool set_grant(origin_id who, const grant& g);
    /// At least this much time between two commands; 0: as fast as they come.
    void set_pace(endpoint_id e, command_class c, duration interval);
    /// How long an adapter may take to accept neutral input or to complete what it had begun under
    /// a lease that ended, before it is quarantined. 1 s unless set.
    void set_drain_deadline(duration d) { drain_deadline_ = d; }
    /// Whether memory that its receiver could reopen for writing may be exported. Off unless set.
    void allow_weak_export(bool on) { weak_export_ = on; }
    /// A kind of the host's own, by name (`t.name` is not read); the same name and traits give the
    /// same kind. Throws `setup_error`: table full, name too long or taken with other traits, or an
    /// audience, folding or retention that only the bus's own kinds have.
    kind register_kind(std::string_view name, const kind_traits& t);
    /// A source class of the host's own, by name. Throws `setup_error`: all are named, or the name
    /// is empty or too long.
    source name_source(std::string_view name);
    /// Watches a descriptor, which is consumed on success only. `cleanup` runs once, after the last
    /// callback, before the close.
    expected<watch_id, os_error> watch(unique_fd& fd, interests what, fd_callback callback,
                                       posted cleanup = {});
    /// The same for a borrowed descriptor: unwatch it before it is closed.
    expected<watch_id, os_error> watch(int fd, interests what, fd_callback callback);
    void unwatch(watch_id id);

    // The loop. One thread calls everything here but `stop`, `wake`, `post` and `calls`; it may be
    // any thread, one at a time (a debug build asserts that during a turn). What a closure or
    // callback of the host throws leaves `dispatch` or `run`, and the core goes on at the next
    // turn; what adapters and controls throw is caught.

    /// One turn. For a host with its own loop: call when `fd()` is readable. At most about `budget`
    /// callbacks. True when work is left (and `fd()` is readable). False at once inside a callback.
    bool dispatch(std::uint32_t budget = limits::callbacks_per_turn) { return turn(false, budget); }
    /// Turns until `stop()`.
    void run();
    int fd() const { return reactor_.fd(); }
    /// Any thread, and signal handlers. Sticky: `run()` returns after the current turn.
    void stop() noexcept;
    bool stopped() const { return stop_.load(std::memory_order_relaxed); }
    void restart() { stop_.store(false, std::memory_order_relaxed); }
    /// Any thread, and signal handlers: makes one turn happen.
    void wake() noexcept {
        if (!inert()) reactor_.wake();
    }
    /// Any thread: names an adapter that blocks the loop.
    call_watch& calls() noexcept { return calls_; }
    /// Any thread: runs `f` on the loop thread. False: the ring is full and `f` was destroyed.
    template <class F>
    bool post(F&& f);
    /// Any thread: runs `n` on the loop thread; never full, and copies nothing. What one thread
    /// posts, of either kind, runs in order. False in a forked child.
    bool post(post_node& n) noexcept;

    // Questions of the host.

    instant now() const { return now_; }
    expected<endpoint_id, refusal> find_endpoint(std::string_view name) const;
    /// Also of a removed one, until another has its place; else empty.
    std::string_view name_of(endpoint_id e) const;
    std::string_view name_of(kind k) const;   ///< the bus's own, or as registered
    kind_traits kind_traits_of(kind k) const; ///< likewise; without a name: not registered
    epoch_number epoch_of(endpoint_id e) const;
    vm_state state_of(endpoint_id e) const;
    template <class F>
    void for_each_endpoint(F&& f) const; ///< f(endpoint_id, name)
    template <class F>
    void for_each_control(F&& f) const; ///< f(origin_id, const grant&)
    lease_status lease_of(endpoint_id e, lease_class c) const;
    void force_release(endpoint_id e, lease_class c);
    std::uint32_t pending_of(origin_id who) const;
    basic_auditor<audit_sink_type>& audit() { return audit_; }
    observer_type& observer() { return observer_; }
    reactor_type& reactor() { return reactor_; }
    arbitration_type& arbitration() { return arbiter_.policy(); }

private:
#include <vmsig/core/detail/members.ipp>
};

} // namespace vmsig

#include <vmsig/core/detail/acquisition.ipp>
#include <vmsig/core/detail/adapters.ipp>
#include <vmsig/core/detail/admission.ipp>
#include <vmsig/core/detail/completion.ipp>
#include <vmsig/core/detail/controls.ipp>
#include <vmsig/core/detail/endpoints.ipp>
#include <vmsig/core/detail/epochs.ipp>
#include <vmsig/core/detail/execution.ipp>
#include <vmsig/core/detail/input.ipp>
#include <vmsig/core/detail/leases.ipp>
#include <vmsig/core/detail/memory.ipp>
#include <vmsig/core/detail/replay.ipp>
#include <vmsig/core/detail/routing.ipp>
#include <vmsig/core/detail/turn.ipp>
#include <vmsig/core/detail/visibility.ipp>
#include <vmsig/core/detail/watches.ipp>
