// core, turn: wait, drain, dispatch, reap, flush. The loop in one sitting.
#pragma once

namespace vmsig {

template <class Traits>
template <class... SinkArgs>
core<Traits>::core(arbitration_type policy, SinkArgs&&... sink_args)
    : audit_{std::forward<SinkArgs>(sink_args)...}
    , arbiter_{lease_cells, std::move(policy), limits::counter_limit}
    , timers_{timer_count}
    , pool_{all_blocks, limits::payload_bytes}
    , block_owners_(all_blocks)
    , posts_{limits::posts}
    , deferred_{node_count, limits::deferred_events, safety_events}
    , rows_(limits::endpoints)
    , endpoints_(limits::endpoints)
    , cells_(class_cells)
    , adapters_(limits::adapters)
    , controls_{new detail::control_slot[limits::controls]}
    , nodes_{new detail::command_node[node_count]}
    , free_nodes_{new std::uint64_t[node_count / 64]}
    , losses_(std::size_t{limits::endpoints} * limits::controls)
    , watches_(watch_count)
    , watched_(std::bit_ceil(std::size_t{watch_count}))
    , host_watches_(limits::host_watches) {
    anchor_ = &detail::new_anchor(); // last of what can fail, for it is never given back
    for (std::uint32_t w = 0; w < node_count / 64; ++w) free_nodes_[w] = ~std::uint64_t{0};
    for (std::uint16_t w = watch_count; w > 0; --w) {
        watches_[w - 1u].next = free_watch_;
        free_watch_ = w;
    }
    for (const kind k : {kind::lifecycle, kind::leds_changed, kind::console_output})
        kinds_[static_cast<unsigned>(k)] = {traits_of(k).audience, traits_of(k).source,
                                            traits_of(k).lane};
    now_ = reactor_.now();
    anchor_->control_api = &control_functions();
    anchor_->adapter_api = &adapter_functions();
    anchor_->core.store(this);
}

template <class Traits>
core<Traits>::~core() {
    VMSIG_ASSERT(depth_ == 0 || inert());
    if (anchor_->core.load() == this) { // not in a forked child, whose kernel objects are shared
        closing_ = true;
        bool any = true; // a farewell or a clean-up may attach somebody
        while (std::exchange(any, false)) {
            for (unsigned i = 0; i < limits::controls; ++i) {
                any = any || controls_[i].live;
                detach(controls_[i].id);
            }
            for (endpoint_type& ep : endpoints_) {
                any = any || ep.live;
                remove_endpoint(ep.id);
            }
            for (std::uint16_t place = 0; place < limits::host_watches; ++place) {
                any = any || host_watches_[place].fd || host_watches_[place].callback;
                drop_watch(host_watches_[place].id);
                try {
                    end_host_watch(place);
                } catch (...) { // there is no `dispatch` left to throw it
                }
            }
        }
        audit_.settle(now_);
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
        if (!finished_ && !core_.inert()) {
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
    if (!deferred_.empty()) {
        part(0);
        settle_deferred();
    }
    if (!posts_.empty()) {
        part(1);
        run_posts();
    }
    if (count != 0) {
        part(4);
        for (std::size_t i = 0; i < count; ++i) {
            on_ready(ready_[i]);
            if (!deferred_.empty()) settle_deferred();
            if (inert()) break;
        }
    }
    if (timers_.earliest() <= now_ || replaying_ != 0) {
        part(2);
        run_timers();
        part(2);
        run_replays();
    }
    if (!queue_.empty()) {
        budget_ = std::max<std::uint32_t>(budget, callbacks_ + (favourite == 3));
        dispatch_commands();
    }
    budget_ = budget;
    if (!deferred_.empty()) settle_deferred();
    if (inert()) return false; // forked in a callback: the rest is the parent's to do
    if (lost_endpoints_ != 0) {
        for_each_bit(lost_endpoints_, [this](unsigned slot) { tell_gaps(endpoints_[slot]); });
        settle_deferred();
    }
    if (touched_ != 0) flush();
    if (inert()) return false;
    if (reap_needed_) reap();
    audit_.settle(now_);

    armed_ = timers_.earliest();
    reactor_.arm(armed_);
    reactor_.prepare_sleep();
    // What a full batch left out needs no ring: it keeps the host's descriptor readable itself.
    const bool cut_short = count == wanted.size() && count < ready_.size();
    const bool left = work_left() || cut_short;
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
    while (!stop_.load(std::memory_order_acquire) && !inert())
        left = turn(!left, limits::callbacks_per_turn);
    if (left && !inert()) reactor_.ring(); // the host may go on with a loop of its own
}

template <class Traits>
void core<Traits>::stop() noexcept {
    stop_.store(true, std::memory_order_seq_cst);
    wake();
}

template <class Traits>
template <class F>
bool core<Traits>::post(F&& f) {
    if constexpr (std::is_base_of_v<post_node, std::remove_cvref_t<F>>) {
        static_assert(std::is_lvalue_reference_v<F>, "a node stays where it is until it is run");
        return post(static_cast<post_node&>(f));
    } else {
        if (inert() || !posts_.push_closure(std::forward<F>(f))) {
            [[maybe_unused]] const std::remove_cvref_t<F> destroyed(std::forward<F>(f));
            return false;
        }
        wake_for_post();
        return true;
    }
}

template <class Traits>
bool core<Traits>::post(post_node& n) noexcept {
    if (inert()) return false;
    posts_.push(n);
    wake_for_post();
    return true;
}

/// What this thread left to itself, timers apart.
template <class Traits>
bool core<Traits>::work_owed() const {
    return (replaying_ | lost_endpoints_ | (touched_ & flushers_)) != 0 || reap_needed_ ||
           !deferred_.empty() || !queue_.empty();
}

template <class Traits>
void core<Traits>::wake_for_post() noexcept {
    if constexpr (requires { reactor_.wake_ordered(); })
        reactor_.wake_ordered();
    else
        reactor_.wake();
}

template <class Traits>
bool core<Traits>::work_left() const {
    return work_owed() || timers_.earliest() <= now_ || !posts_.empty() ||
           (running_ && stop_.load(std::memory_order_seq_cst));
}

/// A change outside any turn left work: the next turn must come.
template <class Traits>
void core<Traits>::ring_once() {
    if (rung_ || closing_ || inert()) return;
    rung_ = true;
    reactor_.ring();
}

/// The outermost change outside a turn is over. (What was due before is known to the reactor.)
template <class Traits>
void core<Traits>::settle() {
    callbacks_ = 0;
    if (!deferred_.empty()) settle_deferred();
    if (!rung_ && (work_owed() || timers_.earliest() < armed_)) ring_once();
}

template <class Traits>
void core<Traits>::run_posts() {
    for (std::uint16_t i = 0; i < limits::posts && callbacks_ < budget_ && !inert(); ++i) {
        {
            post_queue::taken next = posts_.take();
            if (!next) return;
            ++callbacks_;
            next.run();
        }
        settle_deferred();
    }
}

template <class Traits>
void core<Traits>::run_timers() {
    while (callbacks_ < budget_ && !inert()) {
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
        settle_deferred();
    }
}

/// What was detached in this turn can be reused from now on.
template <class Traits>
void core<Traits>::reap() {
    // A clean-up may throw: the next turn goes on with those of others.
    for (unsigned n = limits::host_watches; ending_watch_ != 0 && n > 0; --n) {
        const auto place = static_cast<std::uint16_t>(ending_watch_ - 1);
        ending_watch_ = host_watches_[place].next_ending;
        end_host_watch(place);
    }
    reap_needed_ = ending_watch_ != 0;
    for_each_bit(std::exchange(leaving_controls_, 0),
                 [this](unsigned slot) { controls_[slot].leaving = false; });
    for_each_bit(std::exchange(leaving_endpoints_, 0), [this](unsigned slot) {
        endpoints_[slot].leaving = endpoints_[slot].live; // its removal is under way
        if (endpoints_[slot].live) leaving_endpoints_ |= bit(slot);
    });
    for (std::uint16_t at = std::exchange(leaving_adapter_, 0); at != 0;) {
        detail::adapter_slot& a = adapters_[at - 1u];
        a.leaving = false;
        at = a.next_leaving;
    }
}

template <class Traits>
void core<Traits>::flush() {
    for_each_bit(std::exchange(touched_, 0) & flushers_, [this](unsigned slot) {
        detail::control_slot& c = controls_[slot];
        const change guard{*this};
        if (has_bit(flushers_, slot) && !inert()) c.table->flush(&c.binding);
    });
}

} // namespace vmsig
