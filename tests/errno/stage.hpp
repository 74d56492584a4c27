// What the scenarios share: a core on epoll with small tables, and a control that counts what it is
// told. Neither allocates once it is set up.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include <vmsig/control/build.hpp>
#include <vmsig/core/core.hpp>

#include <support/metered.hpp>

#include "sweep.hpp"

namespace vmsig::test {

struct stage_limits : default_limits {
    static constexpr std::uint16_t endpoints = 2;
    static constexpr std::uint16_t adapters = 8;
    static constexpr std::uint16_t controls = 2;
    static constexpr std::uint16_t commands_per_control = 64;
    static constexpr std::uint16_t host_watches = 4;
    static constexpr std::uint16_t posts = 16;
    static constexpr std::uint16_t payload_blocks = 4;
    static constexpr std::uint32_t payload_bytes = 4096;
};
struct stage_traits : default_traits {
    using reactor = metered<epoll_reactor<>>;
    using limits = stage_limits;
    using audit_sink = ring_sink<64>;
};
using stage_core = core<stage_traits>;

inline constexpr rights everything =
    right::observe | right::memctx | right::memread | right::memwrite | right::input | right::power;

/// Turns until nothing is left, with a bound that a loop which never rests meets.
template <class Core>
void settle(Core& bus) {
    for (int turns = 0; bus.dispatch() && turns < 100;) ++turns;
}

/// Counts events by kind, and keeps the last receipt and the last errno of a memctx.
struct listener {
    void on_event(const event& e, control_handle) {
        const auto k = std::min<std::size_t>(static_cast<std::size_t>(e.kind), counts.size() - 1);
        ++counts[k];
        if (const auto* r = e.as<receipt>()) last = *r;
        if (const auto* u = e.as<memctx_unavailable>()) unavailable = u->error;
        if (const auto* l = e.as<lifecycle>()) state = l->state;
    }
    unsigned count(kind k) const { return counts[static_cast<std::size_t>(k)]; }

    std::array<unsigned, max_kinds> counts{};
    receipt last;
    int unavailable = 0;
    vm_state state = vm_state::unknown;
};

} // namespace vmsig::test
