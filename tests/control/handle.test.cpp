// Rule: a handle that leads nowhere, because it is empty or its core is gone, answers `gone` to
// every verb and does nothing.
#include <vmsig/control/handle.hpp>

#include <support/catch.hpp>

namespace {

using namespace vmsig;

const endpoint_id vm = endpoint_id::make(0, 1);
const lease held{vm, serial_number{1}, lease_class::input};

void check_inert(const control_handle& bus) {
    CHECK(bus.submit(command{}).why == refusal::gone);
    CHECK(bus.cancel(correlation_id::make(0, 1)) == cancel_result::gone);
    const acquire_result acquired = bus.acquire(vm, lease_class::input);
    CHECK(acquired.why == refusal::gone);
    CHECK_FALSE(acquired.lease.serial);
    CHECK(bus.release(held) == refusal::gone);
    CHECK(bus.renew(held, seconds(1)) == refusal::gone);
    CHECK(bus.withdraw(wait_id::make(0, 1)) == refusal::gone);
    CHECK(bus.status(vm, lease_class::input).error() == refusal::gone);
    CHECK(bus.force_release(vm, lease_class::input) == refusal::gone);
    const auto nothing = [](const audit_record&) { FAIL("there is nothing to read"); };
    CHECK(bus.read_audit(vm, 10, nothing).error() == refusal::gone);
    CHECK(bus.statistics(vm).error() == refusal::gone);
    CHECK(bus.subscribe(subscription::all()) == refusal::gone);
    CHECK(bus.may(verb::reset, vm) == refusal::gone);
    CHECK(bus.memctx(vm).error() == refusal::gone);
    CHECK(bus.refresh(vm) == refusal::gone);
    CHECK(bus.pin(payload_id::make(0, 1)) == refusal::gone);
    bus.unpin(payload_id::make(0, 1));
    CHECK(bus.bytes(payload_id::make(0, 1)).empty());
    CHECK(bus.want_write(true) == refusal::gone);
    CHECK(bus.find("vm").error() == refusal::gone);
    bus.detach();
    bus.fault();
}

TEST_CASE("an empty handle is inert") {
    const control_handle bus;
    CHECK_FALSE(bus.origin());
    check_inert(bus);
}

TEST_CASE("a handle whose core is gone is inert, and still says whose it was") {
    const anchor core;
    const control_handle bus{core, origin_id::make(4, 2)};
    CHECK(bus.origin() == origin_id::make(4, 2));
    check_inert(bus);
}

TEST_CASE("two handles are one only for the same control of the same core") {
    const anchor one;
    const anchor other;
    const auto who = origin_id::make(0, 1);
    CHECK(control_handle{one, who} == control_handle{one, who});
    CHECK_FALSE(control_handle{one, who} == control_handle{other, who});
    CHECK_FALSE(control_handle{one, who} == control_handle{one, origin_id::make(0, 2)});
    CHECK(control_handle{} == control_handle{});
}

} // namespace
