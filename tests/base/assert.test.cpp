// Rule: the check of a caller's bug is a macro that a host may define before including anything.
#define VMSIG_ASSERT(condition) (++((condition) ? kept : broken))
static int kept = 0;
static int broken = 0;
#include <vmsig/base/assert.hpp>

#include <support/catch.hpp>

TEST_CASE("a host's own assertion is used") {
    VMSIG_ASSERT(1 + 1 == 2);
    VMSIG_ASSERT(1 + 1 == 3);
    CHECK(kept == 1);
    CHECK(broken == 1);
}
