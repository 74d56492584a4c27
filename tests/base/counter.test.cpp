// Rule: counters only rise, and refuse at their limit instead of wrapping.
#include <vmsig/base/counter.hpp>

#include <limits>
#include <type_traits>

#include <support/catch.hpp>

using namespace vmsig;

TEST_CASE("a counter rises to its limit and stays there") {
    constexpr std::uint64_t limit = 7;
    epoch_number epoch;
    CHECK_FALSE(epoch);
    for (std::uint64_t n = 1; n <= limit; ++n) {
        const epoch_number before = epoch;
        CHECK(epoch.rise(limit));
        CHECK(epoch.value == n);
        CHECK(epoch > before);
        CHECK(epoch);
    }
    CHECK_FALSE(epoch.rise(limit));
    CHECK(epoch.value == limit);
}

TEST_CASE("a counter does not wrap at 64 bits") {
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    serial_number serial{most};
    CHECK_FALSE(serial.rise(most));
    CHECK(serial.value == most);
}

TEST_CASE("counters of different things do not mix") {
    STATIC_REQUIRE(!std::is_convertible_v<epoch_number, serial_number>);
    STATIC_REQUIRE(!std::is_constructible_v<epoch_number, version_number>);
}
