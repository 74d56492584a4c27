// input_change: one change of an input frame, in Linux evdev terms (linux/input-event-codes.h).
// A frame is a run of changes that an adapter applies whole, in order, with one timestamp.
#pragma once

#include <linux/input-event-codes.h>

#include <compare>
#include <cstdint>

namespace vmsig {

struct input_change {
    std::uint16_t type = 0; ///< EV_KEY, EV_REL, EV_ABS
    std::uint16_t code = 0; ///< KEY_*, BTN_*, REL_*, ABS_*
    std::int32_t value = 0; ///< EV_KEY: 1 down, 0 up; EV_ABS: in the region's units

    static constexpr input_change key(std::uint16_t code, bool down) {
        return {EV_KEY, code, down ? 1 : 0};
    }
    static constexpr input_change rel(std::uint16_t code, std::int32_t by) {
        return {EV_REL, code, by};
    }
    static constexpr input_change abs(std::uint16_t code, std::int32_t to) {
        return {EV_ABS, code, to};
    }
    /// Selects the touch slot that following ABS_MT_* changes speak of.
    static constexpr input_change touch_slot(std::int32_t slot) {
        return {EV_ABS, ABS_MT_SLOT, slot};
    }
    /// Begins (`id` >= 0) or ends (-1) the contact of the selected slot.
    static constexpr input_change touch_id(std::int32_t id) {
        return {EV_ABS, ABS_MT_TRACKING_ID, id};
    }
    friend constexpr auto operator<=>(const input_change&, const input_change&) = default;
};
static_assert(sizeof(input_change) == 8);

} // namespace vmsig
