// scene: two controls and two machines on one core, in the same state at the start of every
// sequence; the model that watches; and what is asked of it in the end.
#pragma once

#include <memory>
#include <vector>

#include <vmsig/audit/ring_sink.hpp>
#include <vmsig/core/core.hpp>
#include <vmsig/reactor/manual_reactor.hpp>

#include <sim/variants.hpp>

#include "cast.hpp"
#include "tally.hpp"

namespace vmsig::exhaustive {

/// Tables are small, since each sequence makes a core of its own, and so that they get full: what
/// has left keeps its place until the end of the turn.
struct limits : sim::sim_limits {
    static constexpr std::uint16_t endpoints = 3;
    static constexpr std::uint16_t adapters = 4;
    static constexpr std::uint16_t controls = 3;
    static constexpr std::uint16_t deferred_events = 32;
    static constexpr std::uint16_t payload_blocks = 1;
    static constexpr std::uint32_t payload_bytes = 64;
    static constexpr std::uint64_t counter_limit = 7;
};
struct traits : default_traits {
    using reactor = manual_reactor;
    using observer = watching;
    using audit_sink = ring_sink<256>;
    using limits = exhaustive::limits;
};

/// How it starts. `fresh`: the first machine idle, B with its power and its memory. `worn`:
/// besides, the counters there are one step from their limit, A holds the input with one key down
/// and one in a hold, and a write of B lies with the machine.
enum class opening : std::uint8_t { fresh, worn };

class scene final : public sim::stage, private sim::oracle {
public:
    explicit scene(opening o)
        : stage{log_, verdict_, shadow_, meter_}
        , shadow_{log_, verdict_, *this, limits::counter_limit}
        , core_{std::make_unique<core<traits>>()} {
        core_->observer().to = &shadow_;
        core_->observer().cost = &meter_;
        core_->set_drain_deadline(milliseconds(20));
        set_up();
        if (o == opening::worn) wear();
        core_->observer().counted = &counted_;
        check();
    }
    ~scene() { core_.reset(); }

    sim::trace& history() { return log_; }
    const sim::verdict& verdict() const { return verdict_; }
    const tally& counted() const { return counted_; }

    /// After each step.
    void check() {
        if (verdict_.broken()) return;
        auto& audit = core_->audit();
        audit.sink().for_each_last(audit.number() - recorded_,
                                   [&](const audit_record& r) { shadow_.audit.recorded(r); });
        recorded_ = audit.number();
        shadow_.audit.check(0);
        shadow_.check_step(audit.reserved());
        verdict_.expect(cost.take() == 0, "I18: steady state allocates nothing");
        for (const endpoint_id e : {first_, second_}) // these machines accept neutral at once
            verdict_.expect(shadow_.keys.all_under(e, serial_of(e)),
                            "I14: what is down is under the lease that is held", e.value);
        for (const player* p : {a_, b_})
            if (!p->detached())
                verdict_.expect(core_->pending_of(p->origin()) ==
                                    shadow_.commands.pending_of(p->origin()),
                                "I8: nothing pending is forgotten", p->origin().value);
    }
    /// The machines finish what they have, until nothing is left to do and no time changes that.
    void settle() {
        presses_in_a_call_ = false;
        bool quiet = false;
        for (unsigned round = 0; round < 50 && !quiet && !verdict_.broken(); ++round) {
            const std::uint64_t before = log_.count();
            for (const auto& m : machines_) {
                m->finish_all();
                m->input_ready();
            }
            turns();
            check();
            const instant next = core_->reactor().armed();
            quiet = log_.count() == before && next == instant::never();
            if (next != instant::never()) core_->reactor().set_time(std::max(next, core_->now()));
        }
        verdict_.expect(quiet, "I25: everything comes to an end");
        if (verdict_.broken()) return;
        shadow_.commands.check_quiet();
        shadow_.views.check_quiet();
        for (const player* p : {a_, b_})
            verdict_.expect(core_->pending_of(p->origin()) == 0, "I8: nothing stays pending");
        const sim::shadow_endpoint* ep = shadow_.cells.find(first_);
        if (ep && ep->exhausted) ++counted_.epochs_at_limit;
    }
    /// The core asserts that everything was refunded.
    void tear_down() {
        core_->observer() = {};
        core_.reset();
        for (const auto& p : players_)
            verdict_.expect(p->detached(), "the destructor detaches everybody");
        for (const auto& m : machines_)
            verdict_.expect(m->detached(), "the destructor detaches everybody");
    }

    // What can happen. False: nothing that it could act upon, and the core was not touched.

    bool a_acquires() { return acquires(*a_, {true, milliseconds(40), milliseconds(60), "a"}); }
    bool b_acquires() { return acquires(*b_, {}); }
    bool a_acquires_power() { return acquires(*a_, {}, lease_class::power); }
    bool b_acquires_power() { return acquires(*b_, {}, lease_class::power); }
    bool a_releases() { return releases(*a_); }
    bool b_releases() { return releases(*b_); }
    bool a_presses() { return presses(*a_, KEY_A); }
    bool b_presses() { return presses(*b_, KEY_A); }
    bool a_holds_a_key() {
        const auto& l = a_->last(lease_class::input);
        return l && submits(*a_, press(*l, KEY_B).hold(milliseconds(20)).within(milliseconds(15)));
    }
    bool b_resets() {
        const auto& l = b_->last(lease_class::power);
        return l && submits(*b_, power(*l, verb::reset));
    }
    bool b_writes_memory() {
        const auto& l = b_->last(lease_class::memwrite);
        return l && submits(*b_, store(*l, {.address = 64}, 7).pinned(seen_by_b_));
    }
    bool b_reads_memory() { return submits(*b_, read_memory(first_, {.address = 64}, 8)); }
    bool b_forces_a_release() {
        counted_.refused(
            bus([&] { return b_->handle().force_release(first_, lease_class::input); }));
        return true;
    }
    bool a_types_elsewhere() {
        const acquire_result got =
            bus([&] { return a_->handle().acquire(second_, lease_class::input, {}); });
        counted_.refused(got.why);
        return got ? submits(*a_, press(got.lease, KEY_C)) : true;
    }
    bool a_will_press_in_a_call() {
        if (presses_in_a_call_ || !a_->last(lease_class::input)) return false;
        return presses_in_a_call_ = true;
    }
    bool a_cancels() {
        if (!a_->submitted) return false;
        (void)bus([&] { return a_->handle().cancel(*a_->submitted); });
        return true;
    }
    bool b_takes_the_memctx() {
        auto got = bus([&] { return b_->handle().memctx(first_); });
        counted_.refused(got ? refusal::none : got.error());
        if (got) shadow_.views.exported(b_->origin(), got->locator);
        return true;
    }
    bool machine_proceeds() { return machine_->proceed(); }
    bool machine_fails() { return machine_->fail(); }
    bool machine_publishes() {
        if (machine_->detached()) return false;
        counted_.published(machine_->publish());
        return true;
    }
    bool machine_will_throw() { return machine_->will_throw(); }
    bool guest_resets() {
        if (machine_->detached()) return false;
        const std::uint64_t before = core_->epoch_of(first_).value;
        const bool commanded = is_commanded();
        machine_->is_reset_by_its_guest();
        const sim::shadow_endpoint* ep = shadow_.cells.find(first_);
        verdict_.expect(commanded || ep->epoch.value > before || ep->exhausted,
                        "a destructive event raises the epoch in its turn");
        if (!commanded)
            verdict_.expect(!shadow_.keys.anything_down(first_), "no key survives a reset");
        return true;
    }
    bool machine_leaves_or_comes() {
        if (!core_->epoch_of(first_)) return false;
        if (machine_->detached()) return sets_up([&] { attach_machine(first_, false); });
        bus([&] { core_->detach(machine_->id()); });
        return verdict_.expect(machine_->detached(), "detach is a barrier"), true;
    }
    bool a_is_narrowed_or_restored() {
        if (a_->detached()) return false;
        narrowed_ = !narrowed_;
        grant_to(*a_);
        return true;
    }
    bool a_leaves_or_comes() {
        if (a_->detached()) return sets_up([&] { a_ = attach_player(grant_of_a()); });
        bus([&] { core_->detach(a_->origin()); });
        shadow_.check_detached(a_->origin());
        return verdict_.expect(a_->detached(), "detach is a barrier"), true;
    }
    bool endpoint_leaves_or_comes() {
        if (core_->epoch_of(first_)) {
            shadow_.views.removing(first_);
            bus([&] { core_->remove_endpoint(first_); });
            return verdict_.expect(!core_->epoch_of(first_), "a removed endpoint is gone"), true;
        }
        return sets_up([&] {
            first_ = bus([&] { return core_->add_endpoint("first"); });
            for (player* p : {a_, b_})
                if (!p->detached()) grant_to(*p);
            attach_machine(first_, false);
        });
    }
    bool dispatches_one() {
        return bus([&] { return core_->dispatch(1); }), true;
    }
    bool dispatches() {
        return bus([&] { return core_->dispatch(); }), true;
    }
    bool time_passes() { return core_->reactor().advance(milliseconds(25)), true; }

private:
    /// In any call of the core.
    void interfere() override {
        if (std::exchange(presses_in_a_call_, false)) a_presses();
    }
    serial_number serial_of(endpoint_id e) const {
        return core_->lease_of(e, lease_class::input).owner.who
                   ? core_->lease_of(e, lease_class::input).serial
                   : serial_number{};
    }

    instant now() const override { return core_->now(); }
    epoch_number epoch_of(endpoint_id e) const override { return core_->epoch_of(e); }
    lease_status lease_of(endpoint_id e, lease_class c) const override {
        return core_->lease_of(e, c);
    }
    std::uint32_t pending_of(origin_id o) const override { return core_->pending_of(o); }

    bool acquires(player& p, const lease_options& o, lease_class c = lease_class::input) {
        const auto got = bus([&] { return p.handle().acquire(first_, c, o); });
        counted_.refused(got.why);
        if (got) p.remember(got.lease);
        if (got.what == acquire_result::status::waiting) p.waits = got.wait;
        return true;
    }
    /// Waits no longer, or ends its lease.
    bool releases(player& p) {
        const auto& l = p.last(lease_class::input);
        if (!l && !p.waits) return false;
        if (p.waits) counted_.refused(bus([&] { return p.handle().withdraw(*p.waits); }));
        p.waits.reset();
        if (l) counted_.refused(bus([&] { return p.handle().release(*l); }));
        return true;
    }
    bool presses(player& p, std::uint16_t key) {
        const auto& l = p.last(lease_class::input);
        return l && submits(p, press(*l, key));
    }
    bool submits(player& p, const command& c) {
        const submit_result r = bus([&] { return p.handle().submit(c); });
        counted_.refused(r.why);
        if (!r) return true;
        p.submitted = r.id;
        verdict_.expect(r.id == shadow_.commands.latest(), "the id is of this command", r.id.value);
        return true;
    }
    bool is_commanded() {
        bool any = false;
        shadow_.commands.for_each_live([&](const sim::tracked_command& t) {
            any = any || (t.what.endpoint == first_ && t.raised);
        });
        return any;
    }

    grant grant_of_a() const {
        grant g;
        g.on(first_).allow(right::observe);
        if (!narrowed_) g.on(first_).allow(right::observe | right::input | right::power);
        g.on(second_).allow(right::observe | right::input);
        return g.rank(1).pending(2);
    }
    grant grant_of_b() const { return grant{}.on(first_).allow(rights::of_bits(0x7f)).rank(5); }
    void grant_to(const player& p) {
        const grant g = &p == a_ ? grant_of_a() : grant_of_b();
        shadow_.views.regranted(p.origin(), g);
        if (bus([&] { return core_->set_grant(p.origin(), g); })) shadow_.check_grant(p.origin());
    }
    /// Refused for want of a place, it changes nothing.
    template <class F>
    bool sets_up(F&& f) {
        try {
            f();
        } catch (const setup_error& e) {
            verdict_.expect(e.fault() == setup_fault::table_full, "only a full table refuses",
                            static_cast<std::uint64_t>(e.fault()));
            ++counted_.full_tables;
            (void)cost.take(); // the exception
        }
        return true;
    }
    player* attach_player(const grant& g) {
        auto p = std::make_unique<player>(*this);
        const control_handle h = bus([&] { return core_->attach(*p, g); });
        shadow_.views.attached(h.origin(), g, {});
        p->attached(h);
        return players_.emplace_back(std::move(p)).get();
    }
    void attach_machine(endpoint_id at, bool eager) {
        auto m = std::make_unique<machine>(*this, eager);
        bus([&] { core_->attach_adapter(*m, at); });
        (void)m->publish();
        machine* const made = machines_.emplace_back(std::move(m)).get();
        if (!eager) machine_ = made;
    }
    void turns() {
        unsigned n = 0;
        while (bus([&] { return core_->dispatch(); }))
            if (!verdict_.expect(++n < 100, "I18: the loop comes to rest")) return;
    }

    void set_up() {
        first_ = core_->add_endpoint("first");
        second_ = core_->add_endpoint("second");
        attach_machine(first_, false);
        attach_machine(second_, true);
        a_ = attach_player(grant_of_a());
        b_ = attach_player(grant_of_b());
        turns();
        for (const lease_class c : {lease_class::power, lease_class::memwrite})
            b_->remember(b_->handle().acquire(first_, c, {}).lease);
        turns();
        seen_by_b_ = core_->epoch_of(first_);
    }
    void wear() {
        for (int i = 0; i < 5; ++i) machine_->is_reset_by_its_guest();
        for (int i = 0; i < 5; ++i) machine_->publish();
        turns();
        seen_by_b_ = core_->epoch_of(first_);
        a_acquires();
        a_releases();
        a_acquires();
        a_presses();
        turns();
        while (machine_->proceed()) {}
        a_holds_a_key();
        turns();
        machine_->proceed();
        b_writes_memory();
        turns();
    }

    sim::trace log_;
    sim::verdict verdict_{log_};
    sim::meter meter_;
    sim::shadow shadow_;
    std::unique_ptr<core<traits>> core_;
    tally counted_;

    endpoint_id first_;
    endpoint_id second_;
    epoch_number seen_by_b_; ///< at the start
    std::vector<std::unique_ptr<player>> players_;
    std::vector<std::unique_ptr<machine>> machines_;
    player* a_ = nullptr;
    player* b_ = nullptr;
    machine* machine_ = nullptr;
    bool narrowed_ = false;
    bool presses_in_a_call_ = false;
    std::uint64_t recorded_ = 0;
};

} // namespace vmsig::exhaustive
