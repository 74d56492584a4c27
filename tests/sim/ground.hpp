// ground: what a simulated core stands on: its clock, and where its descriptors come from. This one
// is the manual reactor, whose time is the script's and which has no descriptors; the folder
// simkernel has one with a kernel.
#pragma once

#include <algorithm>

#include "controls.hpp"

namespace vmsig::sim {

class scripted_ground {
public:
    using control = actor;

    scripted_ground(stage&, std::uint64_t) {}

    /// The core is made; faults may begin.
    template <class Core>
    void begin(Core&) {}
    template <class Core>
    void advance(Core& core, duration d) {
        core.reactor().advance(d);
    }
    /// To the time that the core waits for; false: it waits for none.
    template <class Core>
    bool pass(Core& core) {
        const instant next = core.reactor().armed();
        if (next == instant::never()) return false;
        core.reactor().set_time(std::max(next, core.now()));
        return true;
    }
    /// Perhaps does something in place of the core's own actors.
    template <class Core>
    bool act(Core&) {
        return false;
    }
    /// A turn of the core has ended, at the top.
    template <class Core>
    void turned(Core&, bool) {}
    /// After each step, and whether a host would call for another turn, once faults are off.
    template <class Core>
    void check(Core&) {}
    template <class Core>
    bool calls(Core&) {
        return false;
    }
    void calm() {}
    /// Attached, or refused.
    void attached(control&) {}
    void refused(control&) {}
    /// The core is gone.
    void end() {}
};

} // namespace vmsig::sim
