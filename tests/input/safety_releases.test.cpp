// Rule: after a restore the eight modifiers and the buttons are released, those that the adapter
// takes and no other key.
#include <vmsig/input/safety_releases.hpp>

#include <array>
#include <set>

#include <support/catch.hpp>

namespace {

using namespace vmsig;

std::set<unsigned> released(const input_codes& declared) {
    std::array<input_change, all_safety_releases.size()> out;
    std::set<unsigned> codes;
    for (const input_change& c : safety_releases(declared, out)) {
        CHECK(c.type == EV_KEY);
        CHECK(c.value == 0);
        CHECK(codes.insert(c.code).second);
    }
    return codes;
}

TEST_CASE("a keyboard gets its eight modifiers, a pointer its buttons, a sensor of none nothing") {
    const std::set<unsigned> modifiers{KEY_LEFTCTRL,  KEY_LEFTSHIFT,  KEY_LEFTALT,  KEY_LEFTMETA,
                                       KEY_RIGHTCTRL, KEY_RIGHTSHIFT, KEY_RIGHTALT, KEY_RIGHTMETA};
    const std::set<unsigned> buttons{BTN_LEFT,  BTN_RIGHT,   BTN_MIDDLE, BTN_SIDE,
                                     BTN_EXTRA, BTN_FORWARD, BTN_BACK,   BTN_TASK};
    CHECK(released(input_codes::keyboard()) == modifiers);
    CHECK(released(input_codes::pointer()) == buttons);
    CHECK(released(input_codes{}.add(EV_KEY, KEY_LEFTALT)) == std::set<unsigned>{KEY_LEFTALT});
    CHECK(released(input_codes{}).empty());
}

TEST_CASE("it is a frame that anybody may send") {
    CHECK(check_frame(all_safety_releases) == refusal::none);
}

} // namespace
