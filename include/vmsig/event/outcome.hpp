// How a command ends: refused at submission without a receipt, or accepted and ended by exactly
// one receipt. Two enums that never mix.
#pragma once

#include <cstdint>

namespace vmsig {

/// Why `submit`, `acquire` and the other verbs did not take effect. Absent and forbidden answer
/// alike (`denied`).
enum class refusal : std::uint8_t {
    none,
    invalid,           ///< malformed: no such verb, length, mode, or time; mend the command
    denied,            ///< no right, or no such endpoint
    not_holder,        ///< the lease is not (or no longer) yours
    held,              ///< somebody else owns it and may keep it
    busy,              ///< at your cap (commands, timers, waits, payloads), or a queue is full
    stale_epoch,       ///< the VM was reset or restored since what you act upon
    not_ready,         ///< your replay has not ended
    unsupported,       ///< no adapter of the endpoint does this
    gone,              ///< you are detached, or the bus is destroyed
    exhausted,         ///< a counter or a table is at its limit
    audit_unavailable, ///< the audit has no room for your decision
};

/// The terminal outcome in a receipt. When several apply, the one declared later wins among
/// expired .. endpoint_gone.
enum class outcome : std::uint8_t {
    none,
    done, ///< the adapter applied it: the device took the input, the memory was written, the VM
          ///< went through the reset
    failed,
    expired,
    cancelled,
    stale_epoch,
    lease_lost,
    revoked,
    adapter_fault,
    endpoint_gone,
    issuer_gone, ///< audit only: the control is detached and nothing is delivered
};

/// What a `failed` receipt failed of.
enum class failure : std::uint8_t {
    none,
    unsupported,    ///< the adapter does not do this verb, mode, or length
    not_translated, ///< the virtual address maps to nothing, or the page tables are malformed
    outside_ram,    ///< the physical address is not in a RAM region
    misaligned,     ///< `atomic` wants natural alignment and 1, 2, 4 or 8 bytes
    mismatch,       ///< the expected bytes were not there; nothing was written
    unavailable,    ///< the memory or device is not there now
    refused_by_vm,  ///< the VM is in a state in which the verb means nothing
    io,             ///< a system call failed; `receipt::error` is its errno
};

/// The stronger of two outcomes that apply to one command.
constexpr outcome stronger(outcome a, outcome b) { return a < b ? b : a; }

} // namespace vmsig
