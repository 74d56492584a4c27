// The default quotas are the documented ones, and narrowing takes the smaller of each.
#include <vmsig/grant/quotas.hpp>

#include <support/catch.hpp>

using namespace vmsig;

TEST_CASE("quotas: the defaults") {
    constexpr quotas q;
    CHECK(q[resource::pending] == 256);
    CHECK(q[resource::pinned] == 8);
    CHECK(q[resource::waiter] == 8);
    CHECK(q[resource::timer] == 256);
}

TEST_CASE("quotas: the narrower of two is within both") {
    quotas a;
    quotas b;
    a[resource::pending] = 1;
    b[resource::timer] = 2;
    const quotas both = narrower(a, b);
    CHECK(both[resource::pending] == 1);
    CHECK(both[resource::timer] == 2);
    CHECK(a.contains(both));
    CHECK(b.contains(both));
    CHECK_FALSE(a.contains(b));
    CHECK_FALSE(b.contains(a));
    CHECK(a.contains(a));
}
