// Rule: without any disturbance the workload of these tests ends, and rightly so; what the others
// show is therefore due to what they disturb it with.
#include "workload.hpp"

using namespace vmsig::test;

TEST_CASE("the workload ends rightly, in the bus's own loop and in a host's") {
    workload w;
    w.post_from_beside(2'000);
    w.run(100);
    w.dispatch(100);
    w.check_all();
    CHECK(w.drives.resets == 40);
    CHECK(w.comes.typed() > 50);
}
