// I21: counters end at 7 and refuse; everything else holds as ever.
#include "simulation.hpp"

TEST_CASE("the core keeps its invariants when counters end at 7", "[sim][seven]") {
    vmsig::sim::simulate_many<vmsig::sim::seven>();
}
