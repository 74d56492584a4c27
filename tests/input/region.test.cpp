// Rule: absolute coordinates lie inside the region that they refer to.
#include <vmsig/input/region.hpp>

#include <array>
#include <cstdint>
#include <initializer_list>
#include <limits>

#include <support/catch.hpp>

namespace {

using namespace vmsig;
using codes = std::initializer_list<std::uint16_t>;

constexpr input_region screen{1, 640, 480};

TEST_CASE("positions are inside from 0 to one below the size") {
    for (const std::uint16_t axis : codes{ABS_X, ABS_MT_POSITION_X, ABS_MT_TOOL_X}) {
        CHECK(screen.contains(input_change::abs(axis, 0)));
        CHECK(screen.contains(input_change::abs(axis, 639)));
        CHECK_FALSE(screen.contains(input_change::abs(axis, 640)));
        CHECK_FALSE(screen.contains(input_change::abs(axis, -1)));
    }
    for (const std::uint16_t axis : codes{ABS_Y, ABS_MT_POSITION_Y, ABS_MT_TOOL_Y}) {
        CHECK(screen.contains(input_change::abs(axis, 479)));
        CHECK_FALSE(screen.contains(input_change::abs(axis, 480)));
        CHECK_FALSE(screen.contains(input_change::abs(axis, std::numeric_limits<int>::min())));
    }
}

TEST_CASE("an empty region contains no position") {
    CHECK_FALSE(input_region{}.contains(input_change::abs(ABS_X, 0)));
}

TEST_CASE("what is not a position is not bounded by a region") {
    CHECK(screen.contains(input_change::abs(ABS_PRESSURE, 100'000)));
    CHECK(screen.contains(input_change::rel(REL_X, -100'000)));
    CHECK(screen.contains(input_change::key(KEY_A, true)));
}

TEST_CASE("a frame is inside when all of it is") {
    const std::array inside{input_change::abs(ABS_X, 1), input_change::abs(ABS_Y, 1)};
    const std::array outside{input_change::abs(ABS_X, 1), input_change::abs(ABS_Y, 500)};
    CHECK(screen.contains(inside));
    CHECK_FALSE(screen.contains(outside));
}

} // namespace
