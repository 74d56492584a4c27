// What a watch asks of a descriptor, and what the reactor tells about it. Not the bits of poll(2):
// each reactor translates.
#pragma once

#include <cstdint>

#include <vmsig/base/bits.hpp>

namespace vmsig {

/// Bit positions of `interests`.
enum class interest : std::uint8_t {
    read,   ///< bytes, a frame, a connection or the end of file can be read without blocking
    write,  ///< there is room to write
    hangup, ///< the peer has closed, which is told unasked, or has shut down its sending side
    error,  ///< an error is pending; told unasked
};

using interests = mask<interest>;

constexpr interests operator|(interest a, interest b) { return interests{a} | interests{b}; }

/// What is told unasked, as by epoll_ctl(2).
inline constexpr interests always_told = interest::hangup | interest::error;

/// One watch that is ready, named by the token that its watch gave.
struct readiness {
    std::uint64_t token = 0;
    interests what;
};

} // namespace vmsig
