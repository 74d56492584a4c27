// Rule: the options say how large the memory is, who lets time pass, and whether it is on.
#include <vmsig/stub/options.hpp>

#include "plugged.hpp"

using namespace vmsig;
using namespace vmsig::test;

TEST_CASE("memory of any size from the least on") {
    plugged p{{.clock = stub::clocking::manual, .low_ram = 3 << 20, .high_ram = 2 << 20}};
    (void)p.root();
    CHECK(p.locator.regions()[0].length == 3 << 20);
    CHECK(p.locator.regions()[1].length == 2 << 20);
    CHECK(p.ended(store(p.of(lease_class::memwrite), {(3 << 20) - 8}, 1)).outcome == outcome::done);
}

TEST_CASE("a manual clock watches one descriptor, a timer two") {
    for (const auto clock : {stub::clocking::manual, stub::clocking::timer}) {
        stub_core bus;
        stub::machine machine{{.clock = clock}};
        machine.plug_into(bus, bus.add_endpoint("vm"));
        CHECK(bus.reactor().watch_count() == (clock == stub::clocking::timer ? 2 : 1));
    }
}
