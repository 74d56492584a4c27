// I12, I18: no readiness is lost when more is ready than one wait takes; all else holds as ever.
#include "variants.hpp"

TEST_CASE("the core keeps its invariants when more is ready than a wait takes",
          "[simkernel][narrow]") {
    vmsig::simkernel::happened = {};
    vmsig::sim::simulate_many<vmsig::simkernel::narrow>(600);
    vmsig::simkernel::happened.check();
}
