// What a kvm::vm tells its owner, one record per change. Not a bus event: an adapter makes those.
#pragma once

#include <cstdint>

#include <vmsig/base/os_error.hpp>

namespace vmsig::kvm {

enum class run_state : std::uint8_t {
    off, ///< never started, or powered off
    running,
    paused,
    at_reset, ///< stopped between two incarnations until `proceed()`
    failed,   ///< KVM could not go on; a reset may help
};

enum class status_kind : std::uint8_t {
    started, ///< a new incarnation from power on, RAM empty but for the image
    paused,
    resumed,
    registers_read,  ///< `last_registers()` is fresh
    reset_requested, ///< the vCPU stands still and waits for `proceed()`
    was_reset,       ///< a new incarnation; it runs once this record is queued
    powered_off,
    failed,
    console_readable, ///< at most one is queued; read until nothing is left
    leds_changed,     ///< at most one is queued
    keys_taken,       ///< the guest has read the last byte; at most one is queued
};

/// Who wanted a reset or a power off.
enum class stop_cause : std::uint8_t { host, guest, triple_fault };

struct status {
    status_kind kind = status_kind::started;
    stop_cause cause = stop_cause::host;
    std::uint64_t incarnation = 0; ///< from 1; of the one that stops for `reset_requested`
    os_error error{};              ///< of `failed`; code 0 when KVM gave an exit reason instead
    std::uint32_t exit_reason = 0; ///< of `failed`: KVM_EXIT_*, linux/kvm.h
};

} // namespace vmsig::kvm
