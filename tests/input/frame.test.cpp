// Rule: a frame that is malformed is refused, whoever holds whatever: unknown types, codes out of
// range, values that a code can't have, touches without a slot.
#include <vmsig/input/frame.hpp>

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <vector>

#include <support/catch.hpp>

namespace {

using namespace vmsig;
using codes = std::initializer_list<std::uint16_t>;

refusal check(std::vector<input_change> frame) { return check_frame(frame); }

TEST_CASE("a frame has at least one change and at most the limit") {
    CHECK(check({}) == refusal::invalid);
    std::vector<input_change> frame(max_frame_changes, input_change::rel(REL_X, 1));
    CHECK(check_frame(frame) == refusal::none);
    frame.push_back(frame.front());
    CHECK(check_frame(frame) == refusal::invalid);
}

TEST_CASE("types and codes must be known") {
    CHECK(check({{EV_KEY, KEY_MAX, 1}}) == refusal::none);
    CHECK(check({{EV_KEY, KEY_MAX + 1, 1}}) == refusal::invalid);
    CHECK(check({{EV_REL, REL_MAX + 1, 1}}) == refusal::invalid);
    CHECK(check({{EV_ABS, ABS_MAX + 1, 1}}) == refusal::invalid);
    for (const std::uint16_t type : codes{EV_SYN, EV_MSC, EV_LED, EV_REP, 0xffff}) {
        CHECK(check({{type, 0, 0}}) == refusal::invalid);
    }
    CHECK(check({input_change{}}) == refusal::invalid);
}

TEST_CASE("a key is up or down and nothing else") {
    CHECK(check({{EV_KEY, KEY_A, 0}}) == refusal::none);
    CHECK(check({{EV_KEY, KEY_A, 1}}) == refusal::none);
    CHECK(check({{EV_KEY, KEY_A, 2}}) == refusal::invalid);
    CHECK(check({{EV_KEY, KEY_A, -1}}) == refusal::invalid);
}

TEST_CASE("relative and absolute values are not bounded here") {
    constexpr auto least = std::numeric_limits<std::int32_t>::min();
    constexpr auto most = std::numeric_limits<std::int32_t>::max();
    CHECK(check({input_change::rel(REL_X, least), input_change::abs(ABS_X, most)}) ==
          refusal::none);
}

TEST_CASE("an absolute code beyond those of touches needs no slot") {
    CHECK(check({input_change::abs(ABS_MT_TOOL_Y, 1)}) == refusal::invalid);
    CHECK(check({input_change::abs(ABS_MT_TOOL_Y + 1, 1)}) == refusal::none);
    CHECK(check({input_change::abs(ABS_MAX, 1)}) == refusal::none);
    CHECK(check({input_change::abs(ABS_X, 1)}) == refusal::none);
}

TEST_CASE("a touch names a slot that exists, in the same frame and before it") {
    using c = input_change;
    CHECK(check({c::touch_slot(0), c::touch_id(5)}) == refusal::none);
    CHECK(check({c::touch_slot(max_touches - 1), c::touch_id(-1)}) == refusal::none);
    CHECK(check({c::touch_slot(max_touches), c::touch_id(5)}) == refusal::invalid);
    CHECK(check({c::touch_slot(-1), c::touch_id(5)}) == refusal::invalid);
    CHECK(check({c::touch_slot(0), c::touch_id(-2)}) == refusal::invalid);
    CHECK(check({c::touch_id(5)}) == refusal::invalid);
    CHECK(check({c::touch_id(5), c::touch_slot(0)}) == refusal::invalid);
    CHECK(check({c::abs(ABS_MT_POSITION_X, 5)}) == refusal::invalid);
    CHECK(check({c::abs(ABS_X, 5), c::key(BTN_TOUCH, true)}) == refusal::none); // single touch
}

} // namespace
