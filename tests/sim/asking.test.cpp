// I15: challengers ask before they preempt, leases end with their epoch; everything else holds.
#include "simulation.hpp"

TEST_CASE("the core keeps its invariants when challengers ask", "[sim][asking]") {
    vmsig::sim::simulate_many<vmsig::sim::asking>();
}
