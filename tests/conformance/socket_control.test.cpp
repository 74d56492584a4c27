// Rule: a control behind a socket gets what the bus promises to every control: the same rules as on
// the loop's thread.
#include "socket_carrier.hpp"

#include "carried.hpp"

using namespace vmsig;

TEST_CASE("a control behind a socket gets what every control is promised") {
    test::keeps_every_rule<testing::socket_carrier<test::carried_bus>>();
}
