// Rule: a commanded pause belongs to the power lease, whoever holds it: it outlives the lease under
// which it was commanded, and the next owner resumes.
#include <vmsig/stub/machine.hpp>

#include "harness.hpp"

using namespace vmsig;
using namespace vmsig::test;

namespace {

/// A real machine of the stub, paused by `a`.
struct paused : bench<> {
    stub::machine machine{stub::machine_options{.clock = stub::clocking::manual}};
    agent a, b;
    lease host;
    paused() {
        machine.plug_into(bus, vm);
        host = own(a, lease_class::power);
        join(b, full(vm, 9));
        CHECK(does(a, host, verb::pause) == outcome::done);
        REQUIRE(is_paused());
        b.log.clear();
    }
    ~paused() { machine.unplug(); }
    paused(paused&&) = delete;
    outcome does(agent& who, const lease& l, verb v) {
        const auto s = who.bus.submit(power(l, v));
        REQUIRE(s.why == refusal::none);
        settle();
        return who.outcome_of(s.id);
    }
    bool is_paused() const {
        return machine.state() == vm_state::paused && bus.state_of(vm) == vm_state::paused;
    }
    bool is_running() const {
        return machine.state() == vm_state::running && bus.state_of(vm) == vm_state::running;
    }
    lease taken_by(agent& who) {
        const auto got = who.bus.acquire(vm, lease_class::power);
        REQUIRE(got);
        settle();
        return got.lease;
    }
};

} // namespace

TEST_CASE("a pause outlives the lease under which it was commanded, and the next owner resumes") {
    using way = void (*)(paused&);
    const way ways[] = {
        [](paused&) {}, // preempted
        [](paused& w) { w.a.bus.release(w.host); },
        [](paused& w) { w.a.bus.detach(); },
        [](paused& w) { w.bus.force_release(w.vm, lease_class::power); },
        [](paused& w) {
            w.bus.set_grant(w.a.bus.origin(), grant{}.on(w.vm).allow(right::observe));
        },
        [](paused& w) {
            w.a.bus.renew(w.host, milliseconds(1));
            w.advance(milliseconds(1));
        },
    };
    for (const way loses : ways) {
        paused w;
        loses(w);
        w.settle();
        CHECK(w.is_paused());
        const lease next = w.taken_by(w.b);
        CHECK(w.is_paused());
        CHECK(w.does(w.b, next, verb::resume) == outcome::done);
        CHECK(w.is_running());
        CHECK(w.b.count(kind::lifecycle) == 1);
        CHECK(w.b.last<lifecycle>().what == transition::resumed);
    }
}

TEST_CASE("whoever has lost the power lease does not resume") {
    paused w;
    const auto queued = w.a.bus.submit(power(w.host, verb::resume).delayed(milliseconds(1)));
    REQUIRE(queued);
    const lease next = w.taken_by(w.b);
    CHECK(w.a.outcome_of(queued.id) == outcome::lease_lost);
    CHECK(w.a.bus.submit(power(w.host, verb::resume)).why == refusal::not_holder);
    CHECK(w.b.bus.submit(power(w.host, verb::resume)).why == refusal::not_holder);
    w.advance(milliseconds(2));
    CHECK(w.is_paused());
    CHECK(w.does(w.b, next, verb::resume) == outcome::done);
    CHECK(w.is_running());
}

TEST_CASE("a pause that two owners commanded is one, and one resume undoes it") {
    paused w;
    const lease next = w.taken_by(w.b);
    CHECK(w.does(w.b, next, verb::pause) == outcome::done);
    CHECK(w.b.count(kind::lifecycle) == 0); // nothing happened
    CHECK(w.does(w.b, next, verb::resume) == outcome::done);
    CHECK(w.is_running());
}
