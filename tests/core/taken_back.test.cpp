// Rule: what is on its way to a control that is not to get it any more leaves no trace, and whoever
// waits for notices waits for those alone.
#include "harness.hpp"

using namespace vmsig;
using namespace vmsig::test;

namespace {

lease_options waiting() {
    lease_options o;
    o.wait = true;
    return o;
}
/// One that was given the memctx, and another in whose callback things happen.
struct given : bench<> {
    memory_device m;
    sensor s;
    agent a, trigger;
    given() {
        m.republishes = true;
        bus.attach_adapter(m, vm);
        bus.attach_adapter(s, vm);
        REQUIRE(m.bus.publish(bus.epoch_of(vm)));
        join(trigger, full(vm));
        join(a, full(vm));
        REQUIRE(a.bus.memctx(vm));
    }
};

} // namespace

// Contract 6: "Delivered to and replayed for exactly those whose grant has `memctx`".
TEST_CASE("who loses the memctx while its invalidation is on its way can have the next one") {
    given w;
    inside(w, w.trigger, w.s, [&] {
        w.s.happened(transition::reset);
        w.bus.set_grant(w.a.bus.origin(), grant{}.on(w.vm).allow(right::observe));
    });
    w.bus.set_grant(w.a.bus.origin(), full(w.vm));
    w.settle();
    REQUIRE(w.a.count(kind::memctx_published) == 1);
    CHECK(w.a.bus.memctx(w.vm).has_value());
}
// Contract 2: a detached slot's "next tenant gets nothing of the last".
TEST_CASE("the next tenant of a slot does not wait for its predecessor's invalidation") {
    given w;
    agent next;
    inside(w, w.trigger, w.s, [&] {
        w.s.happened(transition::reset);
        w.a.bus.detach();
    });
    w.settle();
    w.join(next, full(w.vm));
    REQUIRE(next.bus.origin().slot() == w.a.bus.origin().slot());
    CHECK(next.bus.memctx(w.vm).has_value());
}

// Contract 5: "the core raises it, sends the invalidation, re-stamps this one command and hands it
// over": whatever else was taken back from the queue meanwhile.
TEST_CASE("a commanded reset goes through when a publication behind its notice is taken back") {
    bench<> w;
    memory_device m;
    host_device h;
    agent a;
    m.republishes = true;
    w.bus.attach_adapter(m, w.vm);
    w.bus.attach_adapter(h, w.vm);
    REQUIRE(m.bus.publish(w.bus.epoch_of(w.vm)));
    w.join(a, grant{}.on(w.vm).allow(right::memctx | right::power));
    const lease l = a.bus.acquire(w.vm, lease_class::power).lease;
    a.script = [&](const event& e, control_handle) {
        if (e.is(kind::epoch_changed)) m.bus.detach();
    };
    const auto id = a.bus.submit(power(l, verb::reset)).id;
    REQUIRE(id);
    int turns = 1;
    while (w.bus.dispatch() && turns < 50) ++turns;
    CHECK(a.outcome_of(id) == outcome::done);
    CHECK(turns < 50);
}

// Contract 2: "Lifecycle, lease and epoch events are never dropped"; "safety events have room of
// their own".
TEST_CASE("who waits is told that the wait is over, also when the ring is full") {
    bench<> w;
    sensor s;
    agent owner, waiter, trigger;
    w.bus.attach_adapter(s, w.vm);
    w.own(owner, lease_class::power, 5);
    w.join(waiter, full(w.vm, 1));
    w.join(trigger, full(w.vm));
    REQUIRE(waiter.bus.acquire(w.vm, lease_class::power, waiting()).wait);
    inside(w, trigger, s, [&] {
        for (int i = 0; i < 100; ++i) s.bus.emit(console_output{});
        w.bus.set_grant(waiter.bus.origin(), grant{}.on(w.vm).allow(right::observe));
    });
    CHECK(waiter.count(kind::lease_wait_ended) == 1);
}

// Contract 8: "nothing stays stuck": also a key whose release failed when the epoch had risen.
TEST_CASE("a release that fails after a reset leaves its key to go up with the lease") {
    bench<> w;
    machine m;
    agent a;
    w.bus.attach_adapter(m, w.vm);
    const lease l = w.own(a, lease_class::input);
    REQUIRE(a.bus.submit(press(l, KEY_A)));
    w.settle();
    m.does = habit::later;
    const auto id = a.bus.submit(release_key(l, KEY_A)).id;
    w.settle();
    m.bus.emit(lifecycle{transition::memory_replaced, cause::host, {}, 0});
    m.bus.complete(id, completion::failed(failure::io, EIO));
    w.settle();
    a.bus.release(l);
    REQUIRE(m.released.size() == 1);
    CHECK(m.released.front() == input_change::key(KEY_A, false));
}

// Contract 2: "so that a loss is seen and hidden traffic stays hidden": it was another's loss.
TEST_CASE("the next tenant of a slot, or of an endpoint's, is not told of what the last one lost") {
    for (const bool endpoint_goes : {false, true}) {
        bench<> w;
        sensor s, fresh;
        agent trigger, loser, next;
        w.bus.attach_adapter(s, w.vm);
        w.join(trigger, full(w.vm));
        w.join(loser, full(w.vm));
        const unsigned slot = loser.bus.origin().slot();
        inside(w, trigger, s, [&] {
            for (int i = 0; i < small_limits::deferred_events + 9; ++i)
                s.bus.emit(console_output{});
            if (endpoint_goes)
                w.bus.remove_endpoint(w.vm);
            else
                loser.bus.detach();
        });
        w.settle();
        endpoint_id vm = w.vm;
        if (endpoint_goes) {
            vm = w.bus.add_endpoint("next");
            REQUIRE(vm.slot() == w.vm.slot());
            loser.bus.detach();
            w.settle();
            w.bus.attach_adapter(fresh, vm);
        }
        w.join(next, full(vm));
        REQUIRE(next.bus.origin().slot() == slot);
        CHECK(next.count(kind::gap) == 0);
        sensor& source = endpoint_goes ? fresh : s;
        w.bus.set_grant(trigger.bus.origin(), full(vm));
        w.settle();
        inside(w, trigger, source, [&] { // one that it loses itself
            for (int i = 0; i <= small_limits::deferred_events; ++i)
                source.bus.emit(console_output{});
        });
        w.settle();
        REQUIRE(next.count(kind::gap) == 1);
        CHECK(next.last<gap>().count < small_limits::deferred_events);
        const std::uint64_t got = next.count(kind::console_output) + next.last<gap>().count;
        CHECK(got == small_limits::deferred_events + 2u); // and the one that set it off
    }
}

// Contract 2: "Detaching oneself [...] from inside any callback is legal."
TEST_CASE(
    "a control that leaves while something is taken back from it is gone, and nothing spins") {
    struct queued : agent {
        control_handle leaves;
        void take_back(const grant&) { leaves.detach(); }
        void flush(control_handle) {}
    };
    static_assert(control_with_queue<queued>);
    bench<> w;
    queued a;
    a.bus = w.bus.attach(a, full(w.vm));
    w.settle();
    a.leaves = a.bus;
    CHECK(w.bus.set_grant(a.bus.origin(), full(w.vm)));
    CHECK(a.bus.may(verb::status, w.vm) == refusal::gone);
    CHECK(a.farewells == 1);
    CHECK(w.settle() < 10);
    CHECK_FALSE(w.bus.dispatch());
}
