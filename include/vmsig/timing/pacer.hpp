// pace: at least so much time between two runs of one thing, such as the commands of an (endpoint,
// class). A burst of one and no catch-up: time that passed unused, or while the clock stood still
// and then jumped, buys nothing. Not a timer: the caller arms one for `next`.
#pragma once

#include <vmsig/base/time.hpp>

namespace vmsig {

struct pace {
    duration interval{}; ///< between the starts of two runs; 0 or less is no pacing
    instant last{};      ///< when it ran last, if ever

    /// The earliest time of the next run; a new `interval` counts from the last run at once.
    constexpr instant next() const {
        return interval > duration{} && last ? last + interval : instant{};
    }
    constexpr bool may_run(instant now) const { return now >= next(); }
    constexpr void ran(instant now) { last = now; }
};

} // namespace vmsig
