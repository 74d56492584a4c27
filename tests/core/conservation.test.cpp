// Rule: whatever adapters, controls and the host do, each accepted command ends in exactly one
// receipt, or in one audit record when nobody is left to get it; and every charge is refunded.
#include "harness.hpp"

#include <map>
#include <memory>
#include <random>

using namespace vmsig;
using namespace vmsig::test;

namespace {

/// One adversarial run. Commands are remembered by who issued them and how they were answered.
struct chaos {
    std::mt19937 random;
    bench<> w;
    machine m;
    std::vector<std::unique_ptr<agent>> agents;
    std::map<correlation_id, agent*> issued;
    std::vector<correlation_id> ids;
    std::vector<lease> leases;

    explicit chaos(unsigned seed)
        : random{seed} {
        plug();
        for (std::uint32_t i = 0; i < 3; ++i) enter();
        w.bus.set_drain_deadline(milliseconds(50));
    }
    unsigned roll(unsigned sides) { return static_cast<unsigned>(random() % sides); }
    agent& anybody() { return *agents[agents.size() - 1 - roll(3)]; }
    lease any_lease() { return leases.empty() ? lease{} : leases[roll(unsigned(leases.size()))]; }

    void plug() {
        if (m.bus.endpoint()) return;
        m.does = habit::complete;
        m.republishes = true;
        m.waiting.clear();
        w.bus.attach_adapter(m, w.vm);
        m.bus.publish(w.bus.epoch_of(w.vm));
    }
    void enter() {
        agents.push_back(std::make_unique<agent>());
        agent& a = *agents.back();
        a.bus = w.bus.attach(a, full(w.vm, roll(3)));
        a.script = [this](const event&, control_handle) {
            if (roll(8) == 0) submit();
            if (roll(12) == 0) get_lease();
            if (roll(30) == 0) cancel();
            if (roll(60) == 0) m.bus.emit(lifecycle{transition::reset, cause::guest, {}, 0});
        };
    }
    void get_lease() {
        lease_options o;
        o.wait = roll(2) != 0;
        if (roll(3) == 0) o.time_to_live = milliseconds(roll(40) + 1);
        const auto got = anybody().bus.acquire(w.vm, static_cast<lease_class>(roll(3)), o);
        const beside_the_turn mine;
        if (got) leases.push_back(got.lease);
    }
    void submit() {
        agent& a = anybody();
        command_builder c = query_status(w.vm);
        const lease l = any_lease();
        switch (roll(6)) {
        case 0: c = press(l, static_cast<std::uint16_t>(KEY_A + roll(5))); break;
        case 1: c = press(l, KEY_B).hold(milliseconds(roll(20) + 1)); break;
        case 2: c = power(l, roll(4) == 0 ? verb::reset : verb::pause); break;
        case 3: c = store(l, {0x100, 0}, 1, 1); break;
        case 4: c = read_memory(w.vm, {0x100, 0}, 16); break;
        default: break;
        }
        if (roll(3) == 0) c.delayed(milliseconds(roll(30)));
        if (roll(3) == 0) c.within(milliseconds(roll(30)));
        if (roll(4) == 0 && !ids.empty()) c.following(ids[roll(unsigned(ids.size()))]);
        c.on(static_cast<lane>(roll(4)));
        const auto s = a.bus.submit(c);
        if (!s) return;
        const beside_the_turn mine;
        ids.push_back(s.id);
        REQUIRE(issued.emplace(s.id, &a).second);
    }
    void cancel() {
        if (!ids.empty()) anybody().bus.cancel(ids[roll(unsigned(ids.size()))]);
    }
    void act() {
        switch (roll(16)) {
        case 0:
        case 1:
        case 2:
        case 3: submit(); break;
        case 4:
        case 5: get_lease(); break;
        case 6: anybody().bus.release(any_lease()); break;
        case 7: cancel(); break;
        case 8: m.does = static_cast<habit>(roll(7)); break;
        case 9: w.bus.reactor().advance(milliseconds(roll(15))); break;
        case 10:
            if (!m.executed.empty())
                m.bus.complete(m.executed[roll(unsigned(m.executed.size()))].id);
            break;
        case 11:
            if (!m.waiting.empty()) m.take(m.waiting[roll(unsigned(m.waiting.size()))]);
            break;
        case 12: m.bus.emit(lifecycle{transition::reset, cause::guest, {}, 0}); break;
        case 13:
            m.accepts = roll(2) ? roll(3) : ~std::size_t{0};
            m.bus.input_ready();
            break;
        case 14: rarely(); break;
        default: w.bus.dispatch(roll(20) + 1); break;
        }
    }
    void rarely() {
        agent& a = anybody();
        switch (roll(7)) {
        case 0: a.bus.detach(); break;
        case 1: w.bus.set_grant(a.bus.origin(), grant{}.on(w.vm).allow(right::observe)); break;
        case 2: w.bus.set_grant(a.bus.origin(), full(w.vm, roll(3))); break;
        case 3:
            w.bus.set_pace(w.vm, static_cast<command_class>(roll(5)), milliseconds(roll(10)));
            break;
        case 4: m.throws = static_cast<hook>(roll(11)); break;
        case 5: w.bus.force_release(w.vm, static_cast<lease_class>(roll(3))); break;
        default:
            m.throws = hook::none;
            plug();
            w.settle();
            if (agents.size() < 5) enter();
            break;
        }
    }
    /// Everything comes to rest: an adapter that does nothing any more is quarantined.
    void finish() {
        for (auto& a : agents) a->script = {};
        m.throws = hook::none;
        m.does = habit::complete;
        for (int i = 0; i < 50; ++i) w.advance(milliseconds(100));
        m.bus.detach();
        w.advance(seconds(1));
    }
};

} // namespace

TEST_CASE("each accepted command ends exactly once, whatever happens") {
    for (unsigned seed = 1; seed <= 60; ++seed) {
        CAPTURE(seed);
        chaos c{seed};
        for (int i = 0; i < 400; ++i) c.act();
        c.finish();
        std::map<correlation_id, int> ended;
        std::uint64_t number = 0;
        for (const audit_record& r : c.w.records()) {
            if (number != 0) CHECK(r.number == number + 1);
            number = r.number;
            if (r.what == decision::command_ended) ++ended[r.correlation];
        }
        for (const auto& [id, a] : c.issued) {
            CHECK(ended[id] == 1);
            const std::size_t receipts = a->receipts_of(id).size();
            CHECK(receipts <= 1);
            if (a->farewells == 0) CHECK(receipts == 1);
        }
        for (auto& a : c.agents) CHECK(c.w.bus.pending_of(a->bus.origin()) == 0);
        CHECK(c.w.bus.audit().reserved() <= 2 * lease_class_count);
    }
}
