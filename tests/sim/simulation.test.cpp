// I1-I26: whatever controls, adapters, guests and the host do, and in whatever order, the
// invariants of the core hold after every step. Seeded, on a virtual clock, and repeatable.
#include "simulation.hpp"

TEST_CASE("the core keeps its invariants", "[sim][plain]") {
    vmsig::sim::simulate_many<vmsig::sim::plain>();
}
