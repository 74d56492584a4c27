// delivery: the event that is being delivered, and to whom. What may change while receivers are
// called, one after the other in the order of their slots, is here, so that the loop over them
// keeps the rest in registers.
#pragma once

#include <cstdint>

#include <vmsig/base/bits.hpp>
#include <vmsig/event/event.hpp>

namespace vmsig::detail {

struct delivery {
    const event* what = nullptr;                    ///< null: none is under way
    vmsig::audience audience = audience::addressee; ///< who may see it, as long as it is under way
    std::uint64_t receivers = 0;                    ///< control slots
    unsigned receiver = 0;                          ///< the one that is being called
    /// Of the receivers, who was not detached and has not lost the right since.
    std::uint64_t entitled = 0;

    /// It has not reached this control yet, and will.
    bool still_comes(unsigned slot) const { return slot > receiver && has_bit(entitled, slot); }
    /// It brings this control that payload.
    bool brings(payload_id p, unsigned slot) const {
        return what && what->payload == p && has_bit(receivers, slot);
    }
};

} // namespace vmsig::detail
