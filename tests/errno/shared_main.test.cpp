// Rule: the shared main fails a test case that leaves a descriptor open, or in which a core
// allocates in a turn, whatever it asserts. The hidden ones here are run by themselves, and must
// fail.
#include "stage.hpp"

#include <memory>

#include <fcntl.h>
#include <unistd.h>

using namespace vmsig;
using namespace vmsig::test;

TEST_CASE("a test case that leaks", "[.]") { CHECK(::dup(1) >= 0); }

TEST_CASE("a test case that allocates", "[.]") {
    stage_core bus;
    std::unique_ptr<int> made;
    REQUIRE(bus.post([&made] { made = std::make_unique<int>(1); }));
    bus.dispatch();
    CHECK(made);
    if (!failing_allocations::possible()) FAIL("a sanitizer's build does not count");
}

TEST_CASE(
    "what a test leaves open on purpose, or allocates beside the turn, is not held against it") {
    const int kept = ::dup(1);
    CHECK(kept >= 0);
    leaves_descriptors("to show that it can be said");
    stage_core bus;
    std::unique_ptr<int> made;
    REQUIRE(bus.post([&made] {
        const beside_the_turn mine;
        made = std::make_unique<int>(1);
    }));
    bus.dispatch();
    CHECK(made);
}
