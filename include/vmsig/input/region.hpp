// input_region: what absolute coordinates refer to, a screen or a part of one, by its number and
// its size. Not a place on anything: where a region is shown is the adapter's affair.
#pragma once

#include <linux/input-event-codes.h>

#include <cstdint>

#include <vmsig/input/frame.hpp>

namespace vmsig {

struct input_region {
    std::uint32_t id = 0;     ///< the adapter's name for it
    std::uint32_t width = 0;  ///< units of ABS_X
    std::uint32_t height = 0; ///< units of ABS_Y

    /// False for a position outside; true for whatever is not a position.
    constexpr bool contains(const input_change& c) const {
        if (c.type != EV_ABS) return true;
        switch (c.code) {
        case ABS_X:
        case ABS_MT_POSITION_X:
        case ABS_MT_TOOL_X: return c.value >= 0 && static_cast<std::uint32_t>(c.value) < width;
        case ABS_Y:
        case ABS_MT_POSITION_Y:
        case ABS_MT_TOOL_Y: return c.value >= 0 && static_cast<std::uint32_t>(c.value) < height;
        default: return true;
        }
    }
    constexpr bool contains(input_frame frame) const {
        for (const input_change& c : frame) {
            if (!contains(c)) return false;
        }
        return true;
    }
    friend constexpr bool operator==(const input_region&, const input_region&) = default;
};

} // namespace vmsig
