// variants: the cores that are simulated on a simulated kernel.
#pragma once

#include "../sim/simulation.hpp"
#include "ground.hpp"

namespace vmsig::simkernel {

/// All of it: the epoll reactor, the export gate, memory reads.
struct on_kernel : sim::plain {
    static constexpr const char* name = "on_kernel";
    static constexpr const char* program = "vmsig-test-simkernel";
    using reactor = epoll_reactor<sim_calls>;
    using fd_calls = sim_fd_calls;
    using ground = kernel_ground;
};

/// Batches of three, so that whoever is ready must take turns.
struct narrow_limits : sim::sim_limits {
    static constexpr std::uint16_t ready_per_wait = 3;
    static constexpr std::uint16_t watches_per_adapter = 3;
};
struct narrow : on_kernel {
    static constexpr const char* name = "narrow";
    using limits = narrow_limits;
};

/// Counters end at 7, and the audit refuses when it has no room.
struct strict : on_kernel {
    static constexpr const char* name = "strict";
    using limits = sim::seven_limits;
    using audit_sink = fail_closed_sink<1024, 12>;
};

} // namespace vmsig::simkernel
