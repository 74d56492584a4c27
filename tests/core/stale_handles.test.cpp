// Rule: after its detach every verb of a handle answers `gone` and does nothing, though the core
// lives and the slot has another tenant.
#include "harness.hpp"

namespace {

using namespace vmsig;
using namespace vmsig::test;

TEST_CASE("every verb of a detached control answers gone, also when its slot has a new tenant") {
    machine m;
    bench<> b;
    b.bus.attach_adapter(m, b.vm);
    agent before, after;
    const control_handle stale = b.join(before, full(b.vm));
    const lease held = stale.acquire(b.vm, lease_class::input).lease;
    stale.detach();
    b.settle();
    b.join(after, full(b.vm));
    REQUIRE(after.bus.origin().slot() == stale.origin().slot());
    const lease theirs = after.bus.acquire(b.vm, lease_class::input).lease;
    b.settle();
    const auto records = b.bus.audit().number();

    CHECK(stale.submit(press(held, KEY_A)).why == refusal::gone);
    CHECK(stale.cancel(correlation_id::make(0, 1)) == cancel_result::gone);
    CHECK(stale.acquire(b.vm, lease_class::power).why == refusal::gone);
    CHECK(stale.release(theirs) == refusal::gone);
    CHECK(stale.renew(theirs, seconds(1)) == refusal::gone);
    CHECK(stale.withdraw(wait_id::make(0, 1)) == refusal::gone);
    CHECK(stale.status(b.vm, lease_class::input).error() == refusal::gone);
    CHECK(stale.force_release(b.vm, lease_class::input) == refusal::gone);
    CHECK(stale.read_audit(b.vm, 5, [](const audit_record&) {}).error() == refusal::gone);
    CHECK(stale.statistics(b.vm).error() == refusal::gone);
    CHECK(stale.subscribe(subscription::none()) == refusal::gone);
    CHECK(stale.may(verb::status, b.vm) == refusal::gone);
    CHECK(stale.memctx(b.vm).error() == refusal::gone);
    CHECK(stale.refresh(b.vm) == refusal::gone);
    CHECK(stale.pin(payload_id::make(0, 1)) == refusal::gone);
    stale.unpin(payload_id::make(0, 1));
    CHECK(stale.bytes(payload_id::make(0, 1)).empty());
    CHECK(stale.want_write(true) == refusal::gone);
    CHECK(stale.find("vm").error() == refusal::gone);
    stale.detach();
    stale.fault();
    b.settle();

    CHECK(after.farewells == 0);
    CHECK(b.bus.lease_of(b.vm, lease_class::input).owner.who == after.bus.origin());
    CHECK(b.bus.audit().number() == records); // nothing was decided for a stranger
}

TEST_CASE(
    "a detached adapter does nothing through its handle, also when its slot has a new tenant") {
    machine before, after;
    agent a;
    bench<> b;
    b.bus.attach_adapter(before, b.vm);
    const adapter_handle stale = before.bus;
    stale.detach();
    b.settle();
    b.bus.attach_adapter(after, b.vm);
    REQUIRE(after.bus.id().slot() == stale.id().slot());
    b.join(a, full(b.vm));

    CHECK_FALSE(stale.watch(5, interest::read, cookie{1}));
    CHECK_FALSE(stale.rearm(watch_id::make(0, 1), interest::read));
    stale.unwatch(watch_id::make(0, 1));
    CHECK_FALSE(stale.emit(lifecycle{transition::reset, cause::guest}));
    CHECK_FALSE(stale.allocate(8));
    CHECK(stale.bytes(payload_id::make(0, 1)).empty());
    stale.discard(payload_id::make(0, 1));
    CHECK_FALSE(stale.publish(epoch_number{1}));
    stale.complete(correlation_id::make(0, 1));
    stale.input_ready();
    CHECK_FALSE(stale.endpoint());
    CHECK_FALSE(stale.epoch());
    stale.detach();
    stale.fault();
    b.settle();
    CHECK(after.farewells == 0);
    CHECK(a.log.empty());
    CHECK(b.bus.epoch_of(b.vm) == epoch_number{1});
}

TEST_CASE("an adapter gives back a block that it did not use, and only its own") {
    sensor s, other;
    bench<> b;
    b.bus.attach_adapter(s, b.vm);
    b.bus.attach_adapter(other, b.vm);
    std::vector<payload_id> blocks;
    while (const payload_id p = s.bus.allocate(16)) blocks.push_back(p);
    REQUIRE(blocks.size() > 1);
    other.bus.discard(blocks.front());
    CHECK(s.bus.bytes(blocks.front()).size() == 16);
    CHECK(other.bus.bytes(blocks.front()).empty());
    CHECK_FALSE(s.bus.allocate(16));
    s.bus.discard(blocks.front());
    s.bus.discard(blocks.front()); // once
    CHECK(s.bus.bytes(blocks.front()).empty());
    CHECK(s.bus.allocate(16));
    CHECK_FALSE(s.bus.allocate(16));
}

} // namespace
