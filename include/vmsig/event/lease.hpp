// lease: proof of exclusive ownership of one (endpoint, class), as its owner carries it in
// commands. Plain data: what counts is the serial, compared again when a command begins.
#pragma once

#include <cstdint>

#include <vmsig/base/counter.hpp>
#include <vmsig/base/ids.hpp>
#include <vmsig/event/right.hpp>

namespace vmsig {

struct lease {
    endpoint_id endpoint;
    serial_number serial;
    vmsig::lease_class lease_class = lease_class::input;
};

/// Why a lease or a wait for one ended, or a lease changed hands.
enum class lease_end : std::uint8_t {
    none,       ///< it did not: the lease was granted
    released,   ///< by its owner
    preempted,  ///< by a challenger that the policy preferred
    expired,    ///< time to live, or a wait's deadline
    owner_gone, ///< the owner was detached
    revoked,    ///< the grant no longer covers it
    endpoint_gone,
    forced,       ///< by the host or a control with `admin`
    epoch,        ///< the policy ends leases with the epoch
    adapter_gone, ///< the adapter that served the class failed
    cancelled,    ///< the waiter withdrew
    exhausted,    ///< the serial reached its limit
};

} // namespace vmsig
