// Rule: a handle that leads nowhere, because it is empty or its core is gone, does nothing: no
// event leaves, nothing is watched, and a command can't be taken.
#include <vmsig/adapter/handle.hpp>

#include <cerrno>

#include <support/catch.hpp>

namespace {

using namespace vmsig;

void check_inert(const adapter_handle& bus) {
    const auto watched = bus.watch(0, interest::read, cookie{1});
    REQUIRE_FALSE(watched);
    CHECK(watched.error().code == ENODEV);
    CHECK(bus.rearm(watch_id{}, interest::read).error().code == ENODEV);
    bus.unwatch(watch_id{});
    CHECK_FALSE(bus.emit(lifecycle{transition::started, cause::host}));
    CHECK_FALSE(bus.emit(kind{200}, 7));
    CHECK_FALSE(bus.emit(kind{200}, payload_id::make(0, 1), 8));
    CHECK_FALSE(bus.allocate(16));
    CHECK(bus.bytes(payload_id::make(0, 1)).empty());
    bus.discard(payload_id::make(0, 1));
    CHECK_FALSE(bus.publish(epoch_number{1}));
    bus.complete(correlation_id::make(0, 1));
    bus.input_ready();
    CHECK_FALSE(bus.endpoint());
    CHECK_FALSE(bus.epoch());
    CHECK_FALSE(bus.now());
    bus.detach();
    bus.fault();
}

TEST_CASE("a command whose core is gone can't be taken") {
    const anchor core;
    const fenced_command late{core, adapter_id::make(0, 1), correlation_id::make(0, 1)};
    const auto taken = late.take();
    REQUIRE_FALSE(taken);
    CHECK(taken.error() == outcome::endpoint_gone);
}

TEST_CASE("an empty handle is inert") {
    const adapter_handle bus;
    CHECK_FALSE(bus.id());
    check_inert(bus);
}

TEST_CASE("a handle whose core is gone is inert, and still says whose it was") {
    const anchor core;
    const adapter_handle bus{core, adapter_id::make(4, 2)};
    CHECK(bus.id() == adapter_id::make(4, 2));
    check_inert(bus);
}

} // namespace
