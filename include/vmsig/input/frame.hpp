// Input frames: what makes a run of input changes well-formed, whoever holds whatever. A frame is
// complete in itself: it names the touch slot that it speaks of, and relies on none before it.
#pragma once

#include <linux/input-event-codes.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include <vmsig/event/input_change.hpp>
#include <vmsig/event/outcome.hpp>
#include <vmsig/input/input_codes.hpp>

namespace vmsig {

using input_frame = std::span<const input_change>;

inline constexpr std::size_t max_frame_changes = 256;
inline constexpr std::int32_t max_touches = 10; ///< slots 0 to 9

constexpr bool selects_slot(const input_change& c) {
    return c.type == EV_ABS && c.code == ABS_MT_SLOT;
}
/// Begins or ends a contact.
constexpr bool is_contact(const input_change& c) {
    return c.type == EV_ABS && c.code == ABS_MT_TRACKING_ID;
}
/// Concerns the selected touch slot.
constexpr bool needs_slot(const input_change& c) {
    return c.type == EV_ABS && c.code > ABS_MT_SLOT && c.code <= ABS_MT_TOOL_Y;
}

/// One change by itself: a known code with a value that it can have.
constexpr bool valid_change(const input_change& c) {
    if (!input_codes::known(c.type, c.code)) return false;
    if (c.type == EV_KEY) return c.value == 0 || c.value == 1; // 2, autorepeat, is the guest's
    if (selects_slot(c)) return c.value >= 0 && c.value < max_touches;
    if (is_contact(c)) return c.value >= -1;
    return true;
}

/// `none`, or `invalid`: empty, too long, a change that is not valid, or a touch without a slot.
constexpr refusal check_frame(input_frame frame) {
    if (frame.empty() || frame.size() > max_frame_changes) return refusal::invalid;
    bool slot_selected = false;
    for (const input_change& c : frame) {
        if (!valid_change(c)) return refusal::invalid;
        if (selects_slot(c)) slot_selected = true;
        if (needs_slot(c) && !slot_selected) return refusal::invalid;
    }
    return refusal::none;
}

} // namespace vmsig
