// Names of lease/ with their default template arguments, and nothing else.
#pragma once

#include <cstdint>

namespace vmsig {

struct rank_arbitration;

inline constexpr std::uint32_t default_waiters_per_cell = 8;

template <class Policy = rank_arbitration, std::uint32_t WaitersPerCell = default_waiters_per_cell>
class lease_arbiter;

} // namespace vmsig
