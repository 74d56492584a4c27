// Rule: a control on another thread gets what the bus promises to every control: the same rules as
// on the loop's thread.
#include "thread_carrier.hpp"

#include "carried.hpp"

using namespace vmsig;

TEST_CASE("a control on another thread gets what every control is promised") {
    test::keeps_every_rule<testing::thread_carrier<test::carried_bus>>();
}
