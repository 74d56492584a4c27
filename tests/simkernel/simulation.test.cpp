// R7, R9, I18, I20: on a simulated kernel whose calls fail, whose numbers are used again and whose
// peers hang up, the core keeps every invariant, and its turns are bounded.
#include "variants.hpp"

TEST_CASE("the core keeps its invariants on a simulated kernel", "[simkernel][on_kernel]") {
    vmsig::simkernel::happened = {};
    vmsig::sim::simulate_many<vmsig::simkernel::on_kernel>(600);
    vmsig::simkernel::happened.check();
}
