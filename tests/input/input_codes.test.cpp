// Rule: input adapters declare the codes that they take, and a clash is seen.
#include <vmsig/input/input_codes.hpp>

#include <array>
#include <cstdint>
#include <initializer_list>
#include <set>
#include <utility>

#include <support/catch.hpp>

namespace {

using namespace vmsig;
using codes = std::initializer_list<std::uint16_t>;

static_assert(input_codes{}.empty());
static_assert(input_codes::keyboard().has(EV_KEY, KEY_A), "presets are constants");

TEST_CASE("each known code is a member of its own, from 0 to the maximum of its type") {
    const std::array<std::pair<std::uint16_t, std::uint16_t>, 3> types{
        {{EV_KEY, KEY_MAX}, {EV_REL, REL_MAX}, {EV_ABS, ABS_MAX}}};
    input_codes all;
    for (const auto& [type, last] : types) {
        for (unsigned c = 0; c <= last; ++c) {
            const auto code = static_cast<std::uint16_t>(c);
            REQUIRE(input_codes::known(type, code));
            REQUIRE_FALSE(all.has(type, code));
            const input_codes before = all;
            all.add(type, code);
            REQUIRE(all.has(type, code));
            REQUIRE(all != before);
            REQUIRE(before.intersects(all) == !before.empty());
        }
        CHECK_FALSE(input_codes::known(type, static_cast<std::uint16_t>(last + 1)));
        CHECK_FALSE(all.has(type, static_cast<std::uint16_t>(last + 1)));
    }
    for (unsigned code = 0; code <= 0xffff; ++code) {
        const auto c = static_cast<std::uint16_t>(code);
        REQUIRE(all.has(EV_REL, c) == (code <= REL_MAX));
        REQUIRE(all.has(EV_ABS, c) == (code <= ABS_MAX));
        REQUIRE(all.has(EV_KEY, c) == (code <= KEY_MAX));
        REQUIRE_FALSE(all.has(EV_MSC, c));
    }
    const input_codes full = all;
    all.add(EV_KEY, KEY_A);
    CHECK(all == full); // repeated: no effect
}

TEST_CASE("other types can't be declared") {
    for (const std::uint16_t type : codes{EV_SYN, EV_MSC, EV_SW, EV_LED, EV_SND, EV_REP, 0xffff}) {
        CHECK_FALSE(input_codes::known(type, 0));
        CHECK_FALSE(input_codes::keyboard().has(type, 0));
    }
}

TEST_CASE("a clash is a code in both, whatever else they have") {
    CHECK_FALSE(input_codes::keyboard().intersects(input_codes::pointer()));
    CHECK_FALSE(input_codes::keyboard().intersects(input_codes::touchscreen()));
    CHECK_FALSE(input_codes::tablet().intersects(input_codes::touchscreen()));
    CHECK(input_codes::pointer().intersects(input_codes::tablet())); // the buttons
    input_codes one_key;
    one_key.add(EV_KEY, KEY_Q);
    CHECK(one_key.intersects(input_codes::keyboard()));
    CHECK(input_codes::keyboard().intersects(one_key));
    input_codes same_number;
    same_number.add(EV_REL, 5).add(EV_ABS, 5);
    CHECK_FALSE(same_number.intersects(input_codes{}.add(EV_KEY, 5)));
}

TEST_CASE("a range has both of its ends and nothing beside them") {
    const input_codes buttons = input_codes{}.add_range(EV_KEY, BTN_LEFT, BTN_TASK);
    CHECK(buttons.has(EV_KEY, BTN_LEFT));
    CHECK(buttons.has(EV_KEY, BTN_TASK));
    CHECK_FALSE(buttons.has(EV_KEY, BTN_LEFT - 1));
    CHECK_FALSE(buttons.has(EV_KEY, BTN_TASK + 1));
    CHECK(input_codes{}.add_range(EV_KEY, KEY_A, KEY_A) == input_codes{}.add(EV_KEY, KEY_A));
}

TEST_CASE("what several adapters take together covers a frame or does not") {
    const input_codes both = input_codes::keyboard() | input_codes::pointer();
    const std::array frame{input_change::key(KEY_LEFTSHIFT, true), input_change::rel(REL_X, -4),
                           input_change::key(BTN_LEFT, true)};
    CHECK(both.has_all(frame));
    CHECK_FALSE(input_codes::pointer().has_all(frame));
    CHECK(input_codes{}.has_all({}));
}

} // namespace
