// Rule: adapters serve roles that do not clash; one that throws, whatever the hook, is quarantined,
// its commands and the leases of its classes end, and everybody is told.
#include "harness.hpp"

using namespace vmsig;
using namespace vmsig::test;

namespace {

setup_fault fault_of(const std::function<void()>& f) {
    try {
        f();
    } catch (const setup_error& e) {
        return e.fault();
    }
    FAIL("nothing was thrown");
    return {};
}
template <class A>
setup_fault attach_fault(bench<>& w, A& a) {
    return fault_of([&] { w.bus.attach_adapter(a, w.vm); });
}

} // namespace

TEST_CASE("one adapter per role for memory and host management") {
    bench<> w;
    machine m;
    host_device host;
    memory_device memory;
    w.bus.attach_adapter(m, w.vm);
    CHECK(attach_fault(w, host) == setup_fault::role_taken);
    CHECK(attach_fault(w, memory) == setup_fault::role_taken);
    CHECK(host.farewells == 0);
    CHECK(w.records(decision::adapter_refused).size() == 2);
    const endpoint_id other = w.bus.add_endpoint("other");
    w.bus.attach_adapter(host, other);
    m.bus.detach();
    w.settle();
    w.bus.attach_adapter(memory, w.vm);
}

TEST_CASE("a refused adapter has claimed nothing") {
    bench<> w;
    host_device host;
    machine m; // its memory roles are free, its host management is not
    memory_device memory;
    input_device keyboard;
    w.bus.attach_adapter(host, w.vm);
    CHECK(attach_fault(w, m) == setup_fault::role_taken);
    w.bus.attach_adapter(memory, w.vm);
    w.bus.attach_adapter(keyboard, w.vm);
}

TEST_CASE("input adapters of an endpoint take disjoint codes, at most so many") {
    bench<> w;
    input_device keyboard, mouse, clash;
    keyboard.takes = input_codes::keyboard();
    mouse.takes = input_codes::pointer();
    clash.takes = input_codes::tablet();
    w.bus.attach_adapter(keyboard, w.vm);
    w.bus.attach_adapter(mouse, w.vm);
    CHECK(attach_fault(w, clash) == setup_fault::codes_clash);
    input_device more[3];
    more[0].takes = input_codes{}.add(EV_ABS, ABS_X);
    more[1].takes = input_codes{}.add(EV_ABS, ABS_Y);
    more[2].takes = input_codes{}.add(EV_ABS, ABS_Z);
    w.bus.attach_adapter(more[0], w.vm);
    w.bus.attach_adapter(more[1], w.vm);
    CHECK(attach_fault(w, more[2]) == setup_fault::table_full);
}

TEST_CASE("no endpoint, no room: typed, and nothing changed") {
    bench<> w;
    sensor s;
    CHECK(fault_of([&] { w.bus.attach_adapter(s, endpoint_id{}); }) ==
          setup_fault::no_such_endpoint);
    CHECK(fault_of([&] { w.bus.attach_adapter(s, endpoint_id::make(0, 99)); }) ==
          setup_fault::no_such_endpoint);
    std::vector<std::unique_ptr<sensor>> crowd;
    for (unsigned i = 0; i < small_limits::adapters; ++i) {
        crowd.push_back(std::make_unique<sensor>());
        w.bus.attach_adapter(*crowd.back(), w.vm);
    }
    CHECK(attach_fault(w, s) == setup_fault::table_full);
    crowd[0]->bus.detach();
    w.settle();
    w.bus.attach_adapter(s, w.vm);
}

TEST_CASE("one that throws in on_attach, or detaches itself there, is not attached") {
    bench<> w;
    machine m;
    m.throws = hook::on_attach;
    CHECK(attach_fault(w, m) == setup_fault::adapter_failed);
    m.throws = hook::codes;
    CHECK(attach_fault(w, m) == setup_fault::adapter_failed);
    struct leaver : sensor {
        void on_attach(adapter_handle b) { b.detach(); }
    } l;
    CHECK(attach_fault(w, l) == setup_fault::adapter_failed);
    CHECK(l.farewells == 1);
    w.settle();
    m.throws = hook::none;
    w.bus.attach_adapter(m, w.vm);
}

TEST_CASE("one that throws is quarantined, whatever the hook") {
    for (const hook h : {hook::on_ready, hook::on_hangup, hook::execute, hook::neutral,
                         hook::describe, hook::share_fds, hook::invalidate, hook::on_detached}) {
        bench<> w;
        machine m;
        agent a, b;
        w.bus.attach_adapter(m, w.vm);
        const lease keys = w.own(a, lease_class::input);
        const lease host = w.own(a, lease_class::power);
        w.own(a, lease_class::memwrite);
        w.join(b, full(w.vm));
        m.bus.publish(w.bus.epoch_of(w.vm));
        REQUIRE(a.bus.submit(press(keys, KEY_A)));
        w.settle();
        REQUIRE(m.bus.watch(5, interest::read, cookie{3}).has_value());
        const auto waiting = a.bus.submit(power(host, verb::pause).delayed(seconds(9))).id;
        m.throws = h;
        switch (h) {
        case hook::on_ready: w.bus.reactor().make_ready(5, interest::read); break;
        case hook::on_hangup: w.bus.reactor().make_ready(5, interest::hangup); break;
        case hook::execute: REQUIRE(a.bus.submit(power(host, verb::pause))); break;
        case hook::neutral: a.bus.release(keys); break;
        case hook::describe:
        case hook::share_fds: CHECK_FALSE(a.bus.memctx(w.vm).has_value()); break;
        case hook::invalidate: m.bus.emit(lifecycle{transition::reset, cause::guest, {}, 0}); break;
        default: m.bus.detach(); break;
        }
        w.settle();
        CHECK(m.farewells == 1);
        CHECK(a.outcome_of(waiting) == outcome::adapter_fault);
        for (const auto c : {lease_class::input, lease_class::power, lease_class::memwrite})
            CHECK_FALSE(w.bus.lease_of(w.vm, c).owner.who);
        CHECK(b.last<adapter_detached>().fault == (h == hook::on_detached ? 0 : 1));
        CHECK(a.count(kind::memctx_invalidated) == 1);
        CHECK_FALSE(w.bus.reactor().watched(5));
        CHECK(w.records(decision::adapter_quarantined).size() ==
              (h == hook::on_detached ? 0u : 1u));
        CHECK_FALSE(m.bus.emit(console_output{}));
        machine next;
        w.bus.attach_adapter(next, w.vm);
        w.own(b, lease_class::power);
    }
}

TEST_CASE("a quarantined input adapter ends the input lease though another one is left") {
    bench<> w;
    input_device keyboard, mouse;
    agent a;
    keyboard.takes = input_codes::keyboard();
    mouse.takes = input_codes::pointer();
    w.bus.attach_adapter(keyboard, w.vm);
    w.bus.attach_adapter(mouse, w.vm);
    const lease l = w.own(a, lease_class::input);
    REQUIRE(a.bus.submit(press(l, KEY_A)));
    w.settle();
    mouse.throws = hook::execute;
    const auto id = a.bus.submit(press(l, BTN_LEFT)).id;
    w.settle();
    CHECK(a.outcome_of(id) == outcome::adapter_fault);
    CHECK(a.last<lease_lost>().why == lease_end::adapter_gone);
    CHECK(keyboard.released == std::vector{input_change::key(KEY_A, false)});
}

TEST_CASE("an input adapter that leaves in peace leaves the lease to those that stay") {
    bench<> w;
    input_device keyboard, mouse;
    agent a;
    keyboard.takes = input_codes::keyboard();
    mouse.takes = input_codes::pointer();
    w.bus.attach_adapter(keyboard, w.vm);
    w.bus.attach_adapter(mouse, w.vm);
    const lease l = w.own(a, lease_class::input);
    mouse.bus.detach();
    const auto id = a.bus.submit(press(l, KEY_A)).id;
    w.settle();
    CHECK(a.outcome_of(id) == outcome::done);
    CHECK(a.bus.submit(press(l, BTN_LEFT)).why == refusal::unsupported);
}

TEST_CASE("detach is a barrier: no callback begins, completions are ignored, commands end") {
    bench<> w;
    machine m;
    agent a;
    const adapter_id id = w.bus.attach_adapter(m, w.vm);
    w.join(a, full(w.vm));
    m.does = habit::later;
    const auto begun = a.bus.submit(query_status(w.vm)).id;
    w.settle();
    REQUIRE(m.bus.watch(5, interest::read, cookie{}).has_value());
    w.bus.reactor().make_ready(5, interest::read);
    w.bus.detach(id);
    CHECK(m.farewells == 1);
    CHECK(a.outcome_of(begun) == outcome::adapter_fault);
    m.bus.complete(begun);
    w.settle();
    CHECK(m.ready.empty());
    CHECK(a.receipts_of(begun).size() == 1);
    w.bus.detach(id);
    CHECK(m.farewells == 1);
}

TEST_CASE("observers are told of adapters that come and go") {
    bench<> w;
    agent a;
    machine m;
    w.join(a, full(w.vm));
    const adapter_id id = w.bus.attach_adapter(m, w.vm);
    CHECK(a.last<adapter_attached>().adapter == id.value);
    CHECK(a.last<adapter_attached>().roles == machine::serves.bits);
    m.bus.detach();
    CHECK(a.last<adapter_detached>().adapter == id.value);
    CHECK(a.last<adapter_detached>().fault == 0);
}

TEST_CASE("a handle says where its adapter is, in which epoch, at what time") {
    bench<> w;
    sensor s;
    w.bus.attach_adapter(s, w.vm);
    CHECK(s.bus.endpoint() == w.vm);
    CHECK(s.bus.epoch() == w.bus.epoch_of(w.vm));
    CHECK(s.bus.now() == w.bus.now());
}
