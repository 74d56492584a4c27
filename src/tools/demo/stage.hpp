// stage: what every step of the story works with.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include <fmt/format.h>

#include <vmsig/control/build.hpp>

#include "fd_trials.hpp"
#include "guest_window.hpp"
#include "world.hpp"

namespace demo {

using vmsig::kind;
using vmsig::lease_class;
using vmsig::outcome;
using vmsig::refusal;
using vmsig::right;

template <class Machine>
struct stage {
    stage(timeline& t, std::string_view back_end, std::unique_ptr<Machine> (*make)())
        : out{t}
        , backend{back_end}
        , w{t, make} {}

    /// The machine that the story is about; the other one is `w.vm[1]`.
    vmsig::endpoint_id vm() const { return w.vm[0]; }
    bool done(const participant& p, vmsig::correlation_id id) {
        return w.until([&] { return p.receipt_of(id).has_value(); }) && p.ended(id, outcome::done);
    }
    bool heartbeat_moves(const guest_window& guest) {
        const auto first = guest.word(offsetof(vmsig_guest_state, heartbeat));
        return first && w.until([&] {
            const auto now = guest.word(offsetof(vmsig_guest_state, heartbeat));
            return now && *now > *first;
        });
    }
    vmsig::memory_at mailbox() const {
        return {VMSIG_GUEST_STATE_ADDRESS + offsetof(vmsig_guest_state, mailbox),
                window.locator().roots()[0].root};
    }
    vmsig::lease operator_input() const {
        vmsig::lease found;
        for (const vmsig::event& e : overseer.log()) {
            const auto* g = e.as<vmsig::lease_granted>();
            if (g && g->endpoint == vm() && g->lease_class == lease_class::input) found = *g;
        }
        return found;
    }

    timeline& out;
    std::string_view backend;
    participant agent{"agent"};
    participant overseer{"operator"};
    participant late{"late"};
    world<Machine> w;
    guest_window window;
    guest_window other_window;
    vmsig::epoch_number other_epoch; ///< of the other machine, after it booted
    vmsig::lease agent_memory;
    std::vector<double> echo_us;
};

} // namespace demo
