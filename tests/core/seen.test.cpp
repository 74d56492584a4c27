// Rule: an event says of which epoch it is from its emission on, and a control acts in the epoch
// that it has seen: from the very callback that tells it, and not before.
#include "harness.hpp"

using namespace vmsig;
using namespace vmsig::test;

namespace {

console_output line(char c) {
    console_output o;
    o.size = 1;
    o.text[0] = c;
    return o;
}

struct guarded : bench<> {
    agent a, b;
    machine m;
    sensor s;
    lease keys, writes;
    guarded() {
        m.republishes = true;
        bus.attach_adapter(m, vm);
        bus.attach_adapter(s, vm);
        keys = own(a, lease_class::input);
        writes = own(b, lease_class::memwrite);
        REQUIRE(m.bus.publish(now()));
        settle();
        a.log.clear();
        b.log.clear();
    }
    epoch_number now() { return bus.epoch_of(vm); }
    refusal of_a() { return a.bus.submit(press(keys, KEY_A)).why; }
    refusal of_b() { return b.bus.submit(store(writes, {0, 0}, 1)).why; }
};

} // namespace

TEST_CASE("an event that waits while the VM is reset keeps the epoch of its emission") {
    guarded w;
    const epoch_number old = w.now();
    inside(w, w.a, w.s, [&] {
        w.s.bus.emit(line('y'));
        w.s.bus.emit(leds_changed{1});
        w.s.happened(transition::paused);
        w.s.happened(transition::reset);
        w.s.bus.emit(line('z'));
        w.s.bus.emit(leds_changed{2});
    });
    REQUIRE(w.now() > old);
    for (const agent* one : {&w.a, &w.b}) {
        bool told = false;
        std::size_t before = 0, after = 0;
        for (const event& e : one->log) {
            told = told || e.is(kind::epoch_changed);
            if (!e.is(kind::console_output) && !e.is(kind::leds_changed) && !e.is(kind::lifecycle))
                continue;
            CHECK(e.epoch == (told ? w.now() : old));
            ++(told ? after : before);
        }
        CHECK(before == 4); // with the one that caused the callback
        CHECK(after == 3);
    }
}

TEST_CASE("a control acts in the new epoch from the callback that tells it, and not before") {
    guarded w;
    struct answer {
        bool to_a;
        kind what;
        refusal of_a, of_b;
        bool operator==(const answer&) const = default;
    };
    std::vector<answer> got;
    const auto asks = [&](bool to_a) {
        return [&w, &got, to_a](const event& e, control_handle) {
            if (w.now().value > 1) got.push_back({to_a, e.kind, w.of_a(), w.of_b()});
        };
    };
    bool once = false;
    w.b.script = asks(false);
    w.a.script = [&, ask = asks(true)](const event& e, control_handle bus) {
        ask(e, bus);
        if (!e.is(kind::console_output) || std::exchange(once, true)) return;
        w.s.bus.emit(line('y')); // on its way when the machine is reset
        w.s.happened(transition::reset);
        ask(e, bus);
    };
    w.s.bus.emit(line('x'));
    w.a.script = w.b.script = {};
    const auto no = refusal::stale_epoch, yes = refusal::none;
    const std::vector<answer> expected{
        {true, kind::console_output, no, no},     {false, kind::console_output, no, no},
        {true, kind::console_output, no, no},     {false, kind::console_output, no, no},
        {true, kind::memctx_invalidated, no, no}, {false, kind::memctx_invalidated, no, no},
        {true, kind::epoch_changed, yes, no},     {false, kind::epoch_changed, yes, yes},
        {true, kind::memctx_published, yes, yes}, {false, kind::memctx_published, yes, yes},
        {true, kind::lifecycle, yes, yes},        {false, kind::lifecycle, yes, yes},
    };
    CHECK(got.size() == expected.size());
    CHECK(got == expected);
}

TEST_CASE("what was submitted in the callback that tells the epoch is of that epoch") {
    guarded w;
    submit_result s;
    w.a.script = [&](const event& e, control_handle bus) {
        if (e.is(kind::epoch_changed)) s = bus.submit(press(w.keys, KEY_A));
    };
    w.s.happened(transition::reset);
    w.settle();
    REQUIRE(s.why == refusal::none);
    CHECK(w.a.outcome_of(s.id) == outcome::done);
    CHECK(w.m.executed.back().what.epoch == w.now());
}
