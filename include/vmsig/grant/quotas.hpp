// quotas: how much of the bus one control may hold at a time. Part of its grant.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace vmsig {

/// What is charged to a control before it is taken.
enum class resource : std::uint8_t {
    pending, ///< commands queued, timed, or begun and not completed
    pinned,  ///< pooled payloads kept beyond their callback
    waiter,  ///< waits for a lease
    timer,   ///< not-before times, holds, deadlines
    payload, ///< pooled payloads of commands whose receipt is to come
};
inline constexpr unsigned resource_count = 5;

inline constexpr std::uint32_t default_pending_commands = 256;
inline constexpr std::uint32_t default_pinned_payloads = 8;
inline constexpr std::uint32_t default_waiters = 8;
inline constexpr std::uint32_t default_timers = 256;
inline constexpr std::uint32_t default_payloads = 8;

struct quotas {
    std::array<std::uint32_t, resource_count> most{default_pending_commands,
                                                   default_pinned_payloads, default_waiters,
                                                   default_timers, default_payloads};

    constexpr std::uint32_t& operator[](resource r) { return most[static_cast<unsigned>(r)]; }
    constexpr std::uint32_t operator[](resource r) const { return most[static_cast<unsigned>(r)]; }

    /// The smaller of each.
    friend constexpr quotas narrower(quotas a, const quotas& b) {
        for (unsigned r = 0; r < resource_count; ++r) a.most[r] = std::min(a.most[r], b.most[r]);
        return a;
    }
    constexpr bool contains(const quotas& other) const { return narrower(*this, other) == other; }
    friend constexpr bool operator==(const quotas&, const quotas&) = default;
};

} // namespace vmsig
