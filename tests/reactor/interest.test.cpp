// Rule: interests are a set of bit positions; hangup and error are told unasked.
#include <vmsig/reactor/interest.hpp>

#include <support/catch.hpp>

using namespace vmsig;

TEST_CASE("interests are written with a bar") {
    constexpr interests both = interest::read | interest::write;
    STATIC_REQUIRE(both.has(interest::read));
    STATIC_REQUIRE(both.has(interest::write));
    STATIC_REQUIRE(!both.has(interest::hangup));
    STATIC_REQUIRE(!both.has(interest::error));
    STATIC_REQUIRE((both | interest::hangup).has(interest::hangup));
}

TEST_CASE("hangup and error are always told, data is not") {
    STATIC_REQUIRE(always_told == (interest::hangup | interest::error));
    STATIC_REQUIRE((always_told & (interest::read | interest::write)) == interests{});
}
