// A lease is plain data: copying it gives no second owner, and an empty one proves nothing.
#include <vmsig/event/lease.hpp>

#include <type_traits>

#include <support/catch.hpp>

using namespace vmsig;

static_assert(std::is_trivially_copyable_v<lease>);

TEST_CASE("lease: an empty one names no endpoint and carries no serial") {
    constexpr lease l;
    CHECK_FALSE(l.endpoint);
    CHECK_FALSE(l.serial);
    CHECK(l.lease_class == lease_class::input);
}

TEST_CASE("lease: not ended is the default of how it ended") {
    CHECK(lease_end{} == lease_end::none);
}
