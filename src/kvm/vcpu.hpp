// One virtual processor: its registers, and a run until it needs somebody.
#pragma once

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <span>

#include <linux/kvm.h>

#include <vmsig/base/expected.hpp>
#include <vmsig/base/os_error.hpp>
#include <vmsig/base/unique_fd.hpp>
#include <vmsig/kvm/registers.hpp>

#include "mapping.hpp"

namespace vmsig::kvm {

/// Interrupts a run. Nothing else uses it on Linux; see vm.hpp.
inline constexpr int kick_signal = SIGSTKFLT;

class vcpu {
public:
    /// Throws system_fault.
    vcpu(int kvm, int vm);

    /// Power-on registers, then 64-bit mode at the guest's entry.
    expected<void, os_error> reset(std::uint64_t entry, std::uint64_t root, std::uint64_t argument);
    expected<vmsig::kvm::registers, os_error> read() const;

    /// 0: `exit()` says why; EINTR: kicked; else an errno.
    int run();
    /// As `run`, but only completes the access of the last exit: then EINTR.
    int complete();
    kvm_run& exit() { return *static_cast<kvm_run*>(shared_.get()); }
    /// The accesses of a KVM_EXIT_IO, one after the other.
    std::span<std::byte> port_data();

private:
    unique_fd fd_;
    mapping shared_;
    kvm_regs regs_{};
    kvm_sregs sregs_{};
    kvm_fpu fpu_{};
    kvm_lapic_state lapic_{};
    kvm_debugregs debug_{};
};

} // namespace vmsig::kvm
