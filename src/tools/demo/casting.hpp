// casting: who plays the operator: a control in the host's process, or a process of its own that
// comes over the socket. The stage gives cues and does not know which it is.
#pragma once

#include <memory>
#include <string>

#include "cue.hpp"
#include "timeline.hpp"
#include "world.hpp"

namespace demo {

class operator_player {
public:
    virtual ~operator_player() = default;
    /// Returns when the piece is played, or the story has failed.
    virtual void play(cue c) = 0;
    /// It leaves the bus.
    virtual void leave() = 0;
    /// Who it is there.
    virtual vmsig::origin_id origin() const = 0;
};

/// `w` and `out` outlive what these make.
std::unique_ptr<operator_player> operator_in_process(world& w, timeline& out);
/// Throws std::system_error.
std::unique_ptr<operator_player> operator_of_its_own(world& w, timeline& out);

/// What the operator may do, wherever it is: everything but to write memory.
vmsig::grant operator_grant(const world& w);

} // namespace demo
