// stage: what every step of the story works with.
#pragma once

#include <vector>

#include "casting.hpp"
#include "tally.hpp"
#include "timeline.hpp"
#include "watching.hpp"
#include "world.hpp"

namespace demo {

/// Puts somebody into the operator's part.
using operator_maker = std::unique_ptr<operator_player> (*)(world&, timeline&);

struct stage {
    stage(timeline& t, machine_maker make, operator_maker cast, tally& counts)
        : out{t}
        , total{counts}
        , w{t, make}
        , overseer{cast(w, t)} {}
    ~stage() {
        agent.bus.detach();
        late.bus.detach();
    }
    stage(const stage&) = delete;
    stage& operator=(const stage&) = delete;

    /// The machine that the story is about; the other one is `w.vm[1]`.
    vmsig::endpoint_id vm() const { return w.vm[0]; }
    /// What the host itself sees.
    bool check(bool held, std::string_view what) { return out.check(held, "host", what); }
    /// Whether the story goes on after it.
    bool operator_plays(cue c) {
        overseer->play(c);
        return !out.failed();
    }
    bool operator_has(lease_class c) const {
        return w.bus.lease_of(vm(), c).owner.who == overseer->origin();
    }

    timeline& out;
    tally& total;
    world w;
    std::unique_ptr<operator_player> overseer;
    seat<vmsig::control_handle> agent{"agent", out, w};
    seat<vmsig::control_handle> late{"late", out, w};
    guest_window window; ///< the agent's
    guest_window other_window;
    vmsig::epoch_number other_epoch; ///< of the other machine, after it booted
    vmsig::lease agent_input, agent_memory;
};

// The steps, in order. Files: steps_<what they are about>.cpp.
void boot(stage& s);
void look(stage& s);
void type(stage& s);
void preempt(stage& s);
void write(stage& s);
void reset(stage& s);
void late(stage& s);
void let_go(stage& s);
void other(stage& s);

} // namespace demo
