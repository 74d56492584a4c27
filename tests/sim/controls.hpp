// controls: the automation side of the simulation. It remembers what it was given and uses it, also
// when it is no longer worth anything.
#pragma once

#include <array>
#include <vector>

#include <vmsig/control/build.hpp>
#include <vmsig/control/control.hpp>

#include "stage.hpp"

namespace vmsig::sim {

class actor {
public:
    explicit actor(stage& s)
        : on_{s} {}

    void on_event(const event& e, control_handle) {
        on_.ours([&] {
            on_.broken.expect(!detached_, "detach is a barrier: no callback begins",
                              origin().value);
            on_.model.delivered(origin(), e);
            remember(e);
            on_.interfere();
            if (on_.fault(1) && on_.dice.chance(25)) throw scripted_failure{};
        });
    }
    void flush(control_handle) {
        on_.ours([&] {
            on_.broken.expect(!detached_, "detach is a barrier: no flush begins", origin().value);
            on_.log.line("flush", origin().value);
            on_.interfere();
        });
    }
    void on_detached() {
        on_.ours([&] {
            on_.broken.expect(!detached_, "one last on_detached", origin().value);
            detached_ = true;
            on_.log.line("control farewell", origin().value);
            on_.interfere();
            if (on_.fault(5)) throw scripted_failure{};
        });
    }

    void attached(control_handle h) { bus_ = h; }
    bool detached() const { return detached_; }
    origin_id origin() const { return bus_.origin(); }
    control_handle handle() const { return bus_; }

    // What it does.

    void submit(endpoint_id at) {
        command c = random_command(at);
        if (on_.dice.chance(15)) c.deadline = instant{on_.dice.between(1, 40'000'000)};
        c.deadline_relative = true;
        if (on_.dice.chance(15)) c.not_before = instant{on_.dice.between(1, 40'000'000)};
        c.not_before_relative = true;
        if (on_.dice.chance(10) && !recent_.empty()) c.after = on_.dice.pick(recent_);
        if (on_.dice.chance(4)) c.epoch = {static_cast<std::uint64_t>(on_.dice.between(1, 9))};
        c.lane = static_cast<lane>(on_.dice.below(lane_count));
        c.fenced_by_epoch = c.epoch || on_.dice.chance(10);
        const endpoint_view* seen = view(c.endpoint);
        const submit_result r = on_.bus([&] { return bus_.submit(c); });
        on_.log.line("submit", origin().value, r.id.value, static_cast<std::uint64_t>(r.why));
        if (!r) return;
        on_.broken.expect(r.id == on_.model.commands.latest(), "the id is of this command",
                          r.id.value);
        const bool fenced = class_of(c.verb) == command_class::input ||
                            class_of(c.verb) == command_class::memwrite ||
                            class_of(c.verb) == command_class::memread;
        if (fenced && !c.epoch && seen)
            on_.broken.expect(on_.model.cells.current(c.endpoint, seen->told),
                              "without a pin: the epoch that its issuer has seen", r.id.value,
                              seen->told.value);
        keep(recent_, r.id);
    }
    void cancel() {
        if (recent_.empty()) return;
        const correlation_id id = on_.dice.pick(recent_);
        const tracked_command* t = on_.model.commands.find(id);
        const bool begun = t && t->begun;
        const auto how = on_.bus([&] { return bus_.cancel(id); });
        on_.log.line("cancel", origin().value, id.value, static_cast<std::uint64_t>(how));
        if (how == cancel_result::cancelled)
            on_.broken.expect(!begun || on_.model.commands.opaque,
                              "what has begun is not cancelled", id.value);
    }
    void acquire(endpoint_id at) {
        lease_options o;
        o.wait = on_.dice.chance(60);
        if (on_.dice.chance(40)) o.wait_for = milliseconds(on_.dice.between(1, 200));
        if (on_.dice.chance(30)) o.time_to_live = milliseconds(on_.dice.between(1, 300));
        o.reason = "simulated";
        const auto c = static_cast<lease_class>(on_.dice.below(lease_class_count));
        const acquire_result r = on_.bus([&] { return bus_.acquire(at, c, o); });
        on_.log.line("acquire", origin().value, at.value, static_cast<std::uint64_t>(c),
                     static_cast<std::uint64_t>(r.what) << 8 | static_cast<std::uint64_t>(r.why));
        if (r) keep_lease(r.lease);
        if (r.what == acquire_result::status::waiting) keep(waits_, r.wait);
    }
    void release() {
        if (leases_.empty()) return;
        const lease l = on_.dice.pick(leases_);
        const refusal r = on_.bus([&] { return bus_.release(l); });
        on_.log.line("release", origin().value, l.serial.value, static_cast<std::uint64_t>(r));
    }
    void renew() {
        if (leases_.empty()) return;
        const lease l = on_.dice.pick(leases_);
        const duration d = milliseconds(on_.dice.between(0, 100));
        (void)on_.bus([&] { return bus_.renew(l, d); });
    }
    void withdraw() {
        if (waits_.empty()) return;
        const wait_id w = on_.dice.pick(waits_);
        (void)on_.bus([&] { return bus_.withdraw(w); });
    }
    void ask(endpoint_id at) {
        const auto v = static_cast<verb>(on_.dice.below(14));
        const refusal may = on_.bus([&] { return bus_.may(v, at); });
        if (may == refusal::none)
            on_.broken.expect(on_.model.views.may(origin(), right_of(class_of(v)), at),
                              "may() answers as the grant does", origin().value, at.value);
        const auto c = static_cast<lease_class>(on_.dice.below(lease_class_count));
        const auto s = on_.bus([&] { return bus_.status(at, c); });
        if (s)
            on_.broken.expect(on_.model.views.may(origin(), right::observe, at) &&
                                  s->holder == on_.model.cells.cell(at, unsigned(c)).owner,
                              "status answers those who observe", origin().value, at.value);
    }
    void force(endpoint_id at) {
        const auto c = static_cast<lease_class>(on_.dice.below(lease_class_count));
        const bool may = on_.model.views.may(origin(), right::admin, at);
        const refusal r = on_.bus([&] { return bus_.force_release(at, c); });
        if (r == refusal::none)
            on_.broken.expect(may, "force_release needs admin", origin().value, at.value);
    }
    void export_memctx(endpoint_id at) {
        const auto got = on_.bus([&] { return bus_.memctx(at); });
        on_.log.line("memctx", origin().value, at.value, got ? got->locator.epoch.value : 0,
                     got ? got->locator.version.value : 0);
        if (got) on_.model.views.exported(origin(), got->locator);
    }
    void refresh(endpoint_id at) {
        (void)on_.bus([&] { return bus_.refresh(at); });
    }
    void subscribe(endpoint_id at) {
        subscription s;
        switch (on_.dice.below(4)) {
        case 0: s = subscription::none(); break;
        case 1: s = subscription::none().on(at); break;
        case 2: s = subscription::all().from(sources::of_bits(on_.dice.next())); break;
        default: break;
        }
        control_view* v = on_.model.views.find(origin());
        if (v) v->subscription = s;
        const refusal r = on_.bus([&] { return bus_.subscribe(s); });
        on_.log.line("subscribe", origin().value, at.value, static_cast<std::uint64_t>(r));
    }
    void leave() {
        on_.log.line("leave", origin().value);
        on_.bus([&] { bus_.detach(); });
        if (detached_ || on_.nested == 0) on_.model.check_detached(origin());
    }

protected:
    stage& on_;

private:
    const endpoint_view* view(endpoint_id at) {
        control_view* v = on_.model.views.find(origin());
        return v && at ? &v->of(at) : nullptr;
    }
    template <class T>
    static void keep(std::vector<T>& in, const T& what) {
        if (in.size() == 12) in.erase(in.begin());
        in.push_back(what);
    }
    void keep_lease(const lease& l) {
        std::erase_if(leases_, [&l](const lease& o) {
            return o.endpoint == l.endpoint && o.lease_class == l.lease_class;
        });
        if (leases_.size() == 16) leases_.erase(leases_.begin());
        leases_.push_back(l);
    }
    void remember(const event& e) {
        if (const auto* g = e.as<lease_granted>()) keep_lease(*g);
        const auto* lost = e.as<lease_lost>();
        if (lost && on_.dice.chance(90))
            std::erase_if(leases_, [lost](const lease& o) {
                return o.endpoint == lost->endpoint && o.serial == lost->serial &&
                       o.lease_class == lost->lease_class;
            });
    }
    /// A lease that it has, for a command of that class; else one made up.
    lease lease_for(endpoint_id at, lease_class c) {
        for (const lease& l : leases_)
            if (l.endpoint == at && l.lease_class == c) return l;
        return {at, {static_cast<std::uint64_t>(on_.dice.below(5))}, c};
    }
    command random_command(endpoint_id at) {
        random& d = on_.dice;
        if (!leases_.empty() && d.chance(75)) { // act under one that it has
            const lease l = d.pick(leases_);
            if (l.lease_class == lease_class::input) return random_input(l);
            if (l.lease_class == lease_class::power) return random_power(l);
            return random_write(l);
        }
        switch (d.below(5)) {
        case 0: return random_input(lease_for(at, lease_class::input));
        case 1: return random_power(lease_for(at, lease_class::power));
        case 2: return random_write(lease_for(at, lease_class::memwrite));
        case 3: return read_memory(at, {.address = d.below(1u << 16)}, 1 + d.below(64));
        default: return query_status(at);
        }
    }
    command random_input(const lease& l) {
        static constexpr std::array<std::uint16_t, 8> keys{
            KEY_A, KEY_B, KEY_C, KEY_LEFTSHIFT, KEY_LEFTCTRL, BTN_LEFT, BTN_RIGHT, KEY_D};
        random& d = on_.dice;
        command_builder b{verb::input, l.endpoint, l.serial};
        command& c = b.value;
        if (d.chance(15)) {
            c.frame[c.changes++] = input_change::touch_slot(static_cast<std::int32_t>(d.below(3)));
            c.frame[c.changes++] = input_change::touch_id(d.chance(60) ? 5 : -1);
        } else if (d.chance(15)) {
            c.frame[c.changes++] = input_change::rel(REL_X, 3);
        } else {
            const bool mouse = d.chance(25);
            const unsigned n = 1 + d.below(4);
            for (unsigned i = 0; i < n; ++i) {
                const std::uint16_t key = mouse ? keys[5 + d.below(2)] : keys[d.below(5)];
                c.frame[c.changes++] = input_change::key(key, d.chance(70));
            }
        }
        if (d.chance(25)) c.hold = milliseconds(d.between(1, 60));
        return c;
    }
    command random_power(const lease& l) {
        static constexpr std::array<verb, 9> verbs{
            verb::start,       verb::pause,     verb::resume,        verb::reset,
            verb::reset,       verb::power_off, verb::snapshot_save, verb::snapshot_restore,
            verb::power_button};
        return power(l, verbs[on_.dice.below(verbs.size())]);
    }
    command random_write(const lease& l) {
        random& d = on_.dice;
        if (d.chance(70)) return store(l, {.address = 8u * d.below(1u << 12)}, d.next());
        return write_memory(l, {.address = d.below(1u << 15)}, 8,
                            d.chance(50) ? write_mode::paused : write_mode::best_effort);
    }

    control_handle bus_;
    bool detached_ = false;
    std::vector<correlation_id> recent_;
    std::vector<wait_id> waits_;
    std::vector<lease> leases_;
};

} // namespace vmsig::sim
