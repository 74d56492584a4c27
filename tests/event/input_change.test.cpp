// Input changes are evdev triples, built by name.
#include <vmsig/event/input_change.hpp>

#include <type_traits>

#include <support/catch.hpp>

using namespace vmsig;

static_assert(sizeof(input_change) == 8 && std::is_trivially_copyable_v<input_change>);
static_assert(std::has_unique_object_representations_v<input_change>, "no padding");

TEST_CASE("input_change: each builder gives the evdev triple of its name") {
    CHECK(input_change::key(KEY_A, true) == input_change{EV_KEY, KEY_A, 1});
    CHECK(input_change::key(BTN_LEFT, false) == input_change{EV_KEY, BTN_LEFT, 0});
    CHECK(input_change::rel(REL_WHEEL, -1) == input_change{EV_REL, REL_WHEEL, -1});
    CHECK(input_change::abs(ABS_X, 640) == input_change{EV_ABS, ABS_X, 640});
    CHECK(input_change::touch_slot(3) == input_change{EV_ABS, ABS_MT_SLOT, 3});
    CHECK(input_change::touch_id(-1) == input_change{EV_ABS, ABS_MT_TRACKING_ID, -1});
}
