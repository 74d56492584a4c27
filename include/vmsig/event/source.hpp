// Sources: where an event comes from, one of 64 classes, a bit in every source mask. The first
// are the bus's own; the host names the others.
#pragma once

#include <cstdint>

#include <vmsig/base/bits.hpp>

namespace vmsig {

enum class source : std::uint8_t { lifecycle, memory, lease, command, input, console, screen };
using sources = mask<source>;
constexpr sources operator|(source a, source b) { return sources{a} | sources{b}; }

inline constexpr std::uint8_t first_host_source = 16;
inline constexpr std::uint8_t max_sources = 64;

} // namespace vmsig
