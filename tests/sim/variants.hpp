// variants: the cores that are simulated. Tables are small, so that limits are met all the time.
#pragma once

#include <vmsig/audit/fail_closed_sink.hpp>
#include <vmsig/core/core.hpp>
#include <vmsig/reactor/manual_reactor.hpp>

#include "ground.hpp"
#include "shadow.hpp"

namespace vmsig::sim {

struct sim_limits : default_limits {
    static constexpr std::uint16_t endpoints = 4;
    static constexpr std::uint16_t adapters = 12;
    static constexpr std::uint16_t controls = 5;
    static constexpr std::uint16_t commands_per_control = 64;
    static constexpr std::uint16_t host_watches = 2;
    static constexpr std::uint16_t posts = 8;
    static constexpr std::uint16_t waiters_per_cell = 3;
    static constexpr std::uint16_t deferred_events = 48;
    static constexpr std::uint16_t payload_blocks = 12;
    static constexpr std::uint32_t payload_bytes = 512;
};
struct plain : default_traits {
    static constexpr const char* name = "plain";
    static constexpr const char* program = "vmsig-test-sim";
    using reactor = manual_reactor;
    using ground = scripted_ground;
    using limits = sim_limits;
    using observer = observing;
};

/// Epochs, serials and versions end at 7.
struct seven_limits : sim_limits {
    static constexpr std::uint64_t counter_limit = 7;
};
struct seven : plain {
    static constexpr const char* name = "seven";
    using limits = seven_limits;
};

/// Actuation is refused when the audit has no room.
struct fail_closed : plain {
    static constexpr const char* name = "fail_closed";
    using audit_sink = fail_closed_sink<1024, 12>;
};

/// A challenger asks; leases end with their epoch.
struct patient_arbitration : ask_arbitration {
    static constexpr bool ends_with_epoch = true;
    patient_arbitration() { grace = milliseconds(20); }
};
struct asking : plain {
    static constexpr const char* name = "asking";
    using arbitration = patient_arbitration;
};

} // namespace vmsig::sim
