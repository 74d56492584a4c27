// view_error: why a guest-memory view could not be opened. Reading through an open one fails with
// guest_error.
#pragma once

#include <cstdint>

#include <vmsig/base/os_error.hpp>
#include <vmsig/guest/region_map.hpp>

namespace vmsig {

enum class view_fault : std::uint8_t {
    bad_regions, ///< `regions` says how
    unsealed,    ///< the descriptor can shrink, and the caller did not accept the risk
    truncated,   ///< the descriptor is shorter than a region says
    system,      ///< `cause`
};

struct view_error {
    view_fault fault{};
    region_fault regions{}; ///< of `bad_regions`
    os_error cause;         ///< of `system`
};

} // namespace vmsig
