// Identifiers: a slot and the generation of its occupant in 64 bits. Not an index: a reused slot
// gives another id, and an id is never reused.
#pragma once

#include <compare>
#include <cstdint>

namespace vmsig {

/// `generation << 16 | slot + 1`; 0 is nobody. `Tag` keeps ids of different things apart.
template <class Tag>
struct slot_id {
    std::uint64_t value = 0;

    static constexpr slot_id make(std::uint32_t slot, std::uint64_t generation) {
        return {generation << 16 | (slot + 1)};
    }
    /// Of nobody's id: beyond every table.
    constexpr std::uint32_t slot() const { return static_cast<std::uint32_t>(value & 0xffff) - 1; }
    constexpr std::uint64_t generation() const { return value >> 16; }
    constexpr explicit operator bool() const { return value != 0; }
    friend constexpr auto operator<=>(const slot_id&, const slot_id&) = default;
};

/// Generations share 64 bits with the slot: the largest that fits.
inline constexpr std::uint64_t max_generation = (std::uint64_t{1} << 48) - 1;

using endpoint_id = slot_id<struct endpoint_tag>;
using origin_id =
    slot_id<struct control_tag>; ///< who issued a command: one attachment of a control
using adapter_id = slot_id<struct adapter_tag>;
using watch_id = slot_id<struct watch_tag>;

/// Names one accepted command: `counter << 16 | node + 1`.
using correlation_id = slot_id<struct correlation_tag>;

/// A wait for a lease, as told to the waiter.
using wait_id = slot_id<struct wait_tag>;

/// What an adapter attaches to a descriptor it watches, handed back with each readiness.
struct cookie {
    std::uint64_t value = 0;
    friend constexpr auto operator<=>(const cookie&, const cookie&) = default;
};

} // namespace vmsig
