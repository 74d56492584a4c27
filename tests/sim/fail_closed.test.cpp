// I9: with a fail-closed audit no actuation without its record; everything else holds as ever.
#include "simulation.hpp"

TEST_CASE("the core keeps its invariants with a fail-closed audit", "[sim][fail_closed]") {
    vmsig::sim::simulate_many<vmsig::sim::fail_closed>();
}
