// Counters of 64 bits that never wrap: epochs, lease serials, versions. At its limit a counter
// refuses to rise; the limit is a policy, so that a test can reach it.
#pragma once

#include <compare>
#include <cstdint>

namespace vmsig {

/// A strictly rising number of one `Tag`. 0 means "none yet".
template <class Tag>
struct counter {
    std::uint64_t value = 0;

    constexpr explicit operator bool() const { return value != 0; }
    /// Rises by one, or stays and says false at `limit`.
    [[nodiscard]] constexpr bool rise(std::uint64_t limit) {
        if (value >= limit) return false;
        ++value;
        return true;
    }
    friend constexpr auto operator<=>(const counter&, const counter&) = default;
};

using epoch_number = counter<struct epoch_tag>; ///< one incarnation of a VM's memory and CPU state
using serial_number =
    counter<struct serial_tag>; ///< one lease of an (endpoint, class): the fencing number
using version_number =
    counter<struct version_tag>; ///< one publication of a memctx within its epoch

} // namespace vmsig
