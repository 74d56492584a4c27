// core, turn: wait, drain, dispatch, reap, flush. The loop in one sitting.
#pragma once

namespace vmsig {

template <class Traits>
template <class... SinkArgs>
core<Traits>::core(arbitration_type policy, SinkArgs&&... sink_args)
    : anchor_{&detail::new_anchor()}
    , audit_{std::forward<SinkArgs>(sink_args)...}
    , arbiter_{lease_cells, std::move(policy), limits::counter_limit}
    , timers_{timer_count}
    , pool_{all_blocks, limits::payload_bytes}
    , block_owners_(all_blocks)
    , posts_{limits::posts}
    , deferred_{node_count, limits::deferred_events, safety_events}
    , rows_(limits::endpoints)
    , endpoints_(limits::endpoints)
    , adapters_(limits::adapters)
    , controls_{new detail::control_slot[limits::controls]}
    , nodes_{new detail::command_node[node_count]}
    , free_nodes_{new std::uint64_t[node_count / 64]}
    , losses_(std::size_t{limits::endpoints} * limits::controls)
    , watches_(watch_count)
    , host_watches_(limits::host_watches) {
    for (std::uint32_t w = 0; w < node_count / 64; ++w) free_nodes_[w] = ~std::uint64_t{0};
    for (std::uint16_t w = watch_count; w > 0; --w) {
        watches_[w - 1u].next_free = free_watch_;
        free_watch_ = w;
    }
    for (const kind k : {kind::lifecycle, kind::leds_changed, kind::console_output})
        kinds_[static_cast<unsigned>(k)] = {traits_of(k).audience, traits_of(k).source,
                                            traits_of(k).lane, true};
    now_ = reactor_.now();
    anchor_->control_api = &control_functions();
    anchor_->adapter_api = &adapter_functions();
    anchor_->core.store(this);
}

template <class Traits>
core<Traits>::~core() {
    VMSIG_ASSERT(depth_ == 0);
    if (anchor_->core.load() == this) { // not in a forked child, whose kernel objects are shared
        closing_ = true;
        bool any = true; // a farewell may attach somebody
        while (std::exchange(any, false)) {
            for (unsigned i = 0; i < limits::controls; ++i) {
                any = any || controls_[i].live;
                detach_control(controls_[i].id, lease_end::owner_gone);
            }
            for (endpoint_type& ep : endpoints_) {
                any = any || ep.live;
                remove_endpoint(ep.id);
            }
        }
        for (std::uint16_t place = 0; place < limits::host_watches; ++place) {
            for (detail::watch_slot& w : watches_)
                if (w.owner == detail::watch_owner::host && w.place == place) drop_watch(w.id);
            end_host_watch(place);
        }
        anchor_->core.store(nullptr);
    } else {
        for (unsigned i = 0; i < limits::controls; ++i) controls_[i].ledger.abandon();
    }
}

/// Ends a turn, also one that a closure of the host threw out of.
template <class Traits>
class core<Traits>::turn_scope {
public:
    explicit turn_scope(core& c)
        : core_{c} {
        core_.in_turn_ = true;
        core_.turn_thread_.store(this_thread(), std::memory_order_relaxed);
    }
    turn_scope(const turn_scope&) = delete;
    turn_scope& operator=(const turn_scope&) = delete;
    /// Nothing was thrown.
    void finished() { finished_ = true; }
    ~turn_scope() {
        core_.in_turn_ = false;
        if (!finished_) {
            core_.armed_ = core_.timers_.earliest();
            core_.reactor_.arm(core_.armed_);
            core_.reactor_.ring();
        }
        core_.turn_thread_.store(nullptr, std::memory_order_relaxed);
        core_.budget_ = limits::callbacks_per_turn;
    }

private:
    core& core_;
    bool finished_ = false;
};

/// `block`: sleep until there is something to do. True when work is left.
template <class Traits>
bool core<Traits>::turn(bool block, std::uint32_t budget) {
    if (in_turn_ || depth_ != 0 || inert()) return false;
    turn_scope scope{*this};
    rung_ = false;
    callbacks_ = 0;
    const std::span wanted{ready_.data(), std::clamp<std::size_t>(budget, 1, ready_.size())};
    const auto ready = reactor_.wait(wanted, block);
    reactor_.awake();
    now_ = reactor_.now();
    const std::size_t count = ready ? *ready : 0;

    // Each part uses up at most a quarter of what is left, so that none starves the next.
    // In turn, each may make one callback more: a small budget starves nobody either.
    const unsigned favourite = turns_++ % 4;
    const auto part = [this, budget, favourite](unsigned which) {
        const std::uint32_t left = budget - std::min(budget, callbacks_);
        budget_ = callbacks_ + std::max<std::uint32_t>((left + 3) / 4, which == favourite);
    };
    part(0);
    drain();
    part(1);
    run_posts();
    part(4);
    for (std::size_t i = 0; i < count; ++i) {
        on_ready(ready_[i]);
        drain();
    }
    part(2);
    run_timers();
    run_replays();
    budget_ = std::max<std::uint32_t>(budget, callbacks_ + (favourite == 3));
    dispatch_commands();
    budget_ = budget;
    drain();
    if (lost_endpoints_ != 0) {
        tell_gaps();
        drain();
    }
    flush();
    reap();
    audit_.settle(now_);

    armed_ = timers_.earliest();
    reactor_.arm(armed_);
    reactor_.prepare_sleep();
    const bool left = work_left() || count == wanted.size();
    if (left) {
        reactor_.awake();
        if (!running_) reactor_.ring();
    }
    scope.finished();
    return left;
}

template <class Traits>
void core<Traits>::run() {
    if (in_turn_ || depth_ != 0 || inert()) return;
    running_ = true;
    struct leave {
        bool& running;
        ~leave() { running = false; }
    } const at_the_end{running_};
    bool left = true; // the first turn does not sleep: something may have been set up
    while (!stop_.load(std::memory_order_acquire)) left = turn(!left, limits::callbacks_per_turn);
    if (left) reactor_.ring(); // the host may go on with a loop of its own
}

template <class Traits>
void core<Traits>::stop() noexcept {
    stop_.store(true, std::memory_order_seq_cst);
    wake();
}

template <class Traits>
template <class F>
bool core<Traits>::post(F&& f) {
    posted work{std::forward<F>(f)};
    if (inert() || !posts_.push(work)) return false;
    reactor_.wake();
    return true;
}

template <class Traits>
bool core<Traits>::work_left() const {
    return !deferred_.empty() || !queue_.empty() || replaying_ != 0 || !posts_.empty() ||
           reap_needed_ || lost_endpoints_ != 0 || (touched_ & flushers_) != 0 ||
           timers_.earliest() <= now_ || (running_ && stop_.load(std::memory_order_seq_cst));
}

/// A change outside any turn left work: the next turn must come.
template <class Traits>
void core<Traits>::ring_once() {
    if (rung_ || closing_) return;
    rung_ = true;
    reactor_.ring();
}

/// The outermost change is over.
template <class Traits>
void core<Traits>::settle() {
    if (!in_turn_) callbacks_ = 0;
    drain();
    if (!in_turn_ && loop_must_hear()) ring_once();
}

template <class Traits>
void core<Traits>::run_posts() {
    for (std::uint16_t i = 0; i < limits::posts && callbacks_ < budget_; ++i) {
        posted f;
        if (!posts_.pop(f)) return;
        ++callbacks_;
        f();
        drain();
    }
}

template <class Traits>
void core<Traits>::run_timers() {
    while (callbacks_ < budget_) {
        const std::uint32_t key = timers_.pop_due(now_);
        if (key == timer_heap::no_key) return;
        if (key < lease_timers)
            on_command_timer(static_cast<node_index>(key));
        else if (key < pace_timers)
            on_lease_timer(key - lease_timers);
        else if (key < drain_timers)
            unpark(key - pace_timers);
        else
            on_drain_timer(key - drain_timers);
        drain();
    }
}

/// What was detached in this turn can be reused from now on.
template <class Traits>
void core<Traits>::reap() {
    if (!reap_needed_) return;
    reap_needed_ = false;
    for (unsigned i = 0; i < limits::controls; ++i) controls_[i].leaving = false;
    for (detail::adapter_slot& a : adapters_) a.leaving = false;
    for (endpoint_type& ep : endpoints_) ep.leaving = ep.leaving && ep.live;
    for (std::uint16_t place = 0; place < limits::host_watches; ++place)
        if (host_watches_[place].ending) end_host_watch(place);
}

template <class Traits>
void core<Traits>::flush() {
    for_each_bit(std::exchange(touched_, 0), [this](unsigned slot) {
        detail::control_slot& c = controls_[slot];
        const change guard{*this};
        if (c.live && c.table->flush) c.table->flush(&c.binding);
    });
}

} // namespace vmsig
