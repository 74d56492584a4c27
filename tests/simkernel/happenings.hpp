// happenings: how often the things came about that a simulation on a kernel is there for. One in
// which they did not shows nothing.
#pragma once

#include <cstdint>

#include <support/catch.hpp>

namespace vmsig::simkernel {

struct happenings {
    std::uint64_t turns = 0;
    std::uint64_t sleeps = 0;    ///< waits that would have been for ever
    std::uint64_t told = 0;      ///< callbacks for descriptors
    std::uint64_t withdrawn = 0; ///< told by the kernel, and unwatched before it was passed on
    std::uint64_t reused = 0;    ///< numbers that were watched anew within a batch that named them
    std::uint64_t behind = 0;    ///< closed behind the bus
    std::uint64_t ghosts = 0;    ///< what was left in the epoll by that
    std::uint64_t of_ghosts = 0; ///< what was told of them
    std::uint64_t hangups = 0;
    std::uint64_t refused = 0; ///< watches
    std::uint64_t clean_ups = 0;
    std::uint64_t mishaps = 0; ///< calls that failed by ill luck

    /// When there were enough turns to expect anything.
    void check() const {
        if (turns < 20'000) return;
        CAPTURE(turns, told);
        CHECK(sleeps > 1000);
        CHECK(told > 10'000);
        CHECK(withdrawn > 200);
        CHECK(reused > 50);
        CHECK(behind > 500);
        CHECK(ghosts > 20);
        CHECK(of_ghosts > 20);
        CHECK(hangups > 500);
        CHECK(refused > 50);
        CHECK(clean_ups > 200);
        CHECK(mishaps > 1000);
    }
};

/// In all simulations of a test so far.
inline happenings happened;

} // namespace vmsig::simkernel
