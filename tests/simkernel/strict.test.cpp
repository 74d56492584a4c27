// I9, I21: on a simulated kernel, with counters that end at 7 and a fail-closed audit.
#include "variants.hpp"

TEST_CASE("the core keeps its invariants on a simulated kernel with strict limits",
          "[simkernel][strict]") {
    vmsig::simkernel::happened = {};
    vmsig::sim::simulate_many<vmsig::simkernel::strict>(600);
    vmsig::simkernel::happened.check();
}
