// Rule: time is nanoseconds, sums saturate at never, and chrono's lengths convert exactly.
#include <vmsig/base/time.hpp>

#include <chrono>
#include <type_traits>

#include <support/catch.hpp>

using namespace vmsig;
using namespace std::chrono_literals;

TEST_CASE("units are what they say") {
    CHECK(microseconds(3).ns == 3'000);
    CHECK(milliseconds(3).ns == 3'000'000);
    CHECK(seconds(3).ns == 3'000'000'000);
}

TEST_CASE("chrono's lengths convert exactly") {
    CHECK(duration{7ns} == duration{7});
    CHECK(duration{50ms} == milliseconds(50));
    CHECK(duration{2h} == seconds(7200));
    CHECK(duration{-5us} == microseconds(-5));
    CHECK(duration{0.5s} == milliseconds(500));
    CHECK(duration{std::chrono::duration<std::int32_t>{40}} == seconds(40));
}

TEST_CASE("an integer is not a length by accident") {
    STATIC_REQUIRE(!std::is_convertible_v<std::int64_t, duration>);
    STATIC_REQUIRE(std::is_convertible_v<std::chrono::seconds, duration>);
    STATIC_REQUIRE(!duration_like<int>);
}

TEST_CASE("sums saturate at never") {
    CHECK(instant{5} + duration{7} == instant{12});
    CHECK(instant{5} + duration{-7} == instant{-2});
    CHECK(instant::never() + duration{1} == instant::never());
    CHECK(instant{5} + duration{instant::never().ns} == instant::never());
    CHECK(instant::never() > instant{5} + seconds(1'000'000'000));
}

TEST_CASE("differences are lengths") {
    CHECK(instant{12} - instant{5} == duration{7});
    CHECK(instant{5} - instant{12} == duration{-7});
}

TEST_CASE("the default instant and length are none") {
    CHECK_FALSE(instant{});
    CHECK_FALSE(duration{});
    CHECK(instant::never());
    CHECK(duration{-1});
}

TEST_CASE("lengths and instants are ordered by their nanoseconds") {
    CHECK(duration{1} < duration{2});
    CHECK(duration{2} > duration{1});
    CHECK_FALSE(duration{2} < duration{2});
    CHECK(duration{2} <= duration{2});
    CHECK_FALSE(duration{1} == duration{2});
    CHECK(instant{1} < instant{2});
    CHECK(instant{2} > instant{1});
    CHECK(instant{2} >= instant{2});
    CHECK_FALSE(instant{1} == instant{2});
}
