// Safety releases: the keys that make everything that follows mean something else. After a restore
// a machine may believe them down although nobody holds them, so they are released.
#pragma once

#include <linux/input-event-codes.h>

#include <array>
#include <cstddef>
#include <span>

#include <vmsig/base/assert.hpp>
#include <vmsig/input/frame.hpp>
#include <vmsig/input/input_codes.hpp>

namespace vmsig {

/// The eight modifiers (the order of the HID boot keyboard's modifier byte, HID 1.11 appendix B)
/// and the buttons of a mouse.
inline constexpr std::array<input_change, 16> all_safety_releases = {
    input_change::key(KEY_LEFTCTRL, false),  input_change::key(KEY_LEFTSHIFT, false),
    input_change::key(KEY_LEFTALT, false),   input_change::key(KEY_LEFTMETA, false),
    input_change::key(KEY_RIGHTCTRL, false), input_change::key(KEY_RIGHTSHIFT, false),
    input_change::key(KEY_RIGHTALT, false),  input_change::key(KEY_RIGHTMETA, false),
    input_change::key(BTN_LEFT, false),      input_change::key(BTN_RIGHT, false),
    input_change::key(BTN_MIDDLE, false),    input_change::key(BTN_SIDE, false),
    input_change::key(BTN_EXTRA, false),     input_change::key(BTN_FORWARD, false),
    input_change::key(BTN_BACK, false),      input_change::key(BTN_TASK, false),
};

/// Those that an adapter declared, in `out`, which has room for all of them.
constexpr input_frame safety_releases(const input_codes& declared, std::span<input_change> out) {
    VMSIG_ASSERT(out.size() >= all_safety_releases.size());
    std::size_t n = 0;
    for (const input_change& c : all_safety_releases) {
        if (declared.has(c)) out[n++] = c;
    }
    return out.first(n);
}

} // namespace vmsig
