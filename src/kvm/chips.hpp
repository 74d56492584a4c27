// What KVM emulates in the kernel around the vCPU: interrupt controllers, timer, and the eventfds
// that are wired to them.
#pragma once

#include <array>

#include <linux/kvm.h>

#include <vmsig/base/expected.hpp>
#include <vmsig/base/os_error.hpp>
#include <vmsig/base/unique_fd.hpp>

namespace vmsig::kvm {

/// An interrupt line that is pulsed by writing to an eventfd.
class interrupt_line {
public:
    /// Throws system_fault.
    interrupt_line(int vm, unsigned gsi);
    void pulse() const;

private:
    unique_fd fd_;
};

/// Before the vCPU is created.
class chips {
public:
    /// Throws system_fault.
    explicit chips(int vm);
    /// As right after creation.
    expected<void, os_error> reset();

private:
    int vm_;
    std::array<kvm_irqchip, 3> controllers_{};
    kvm_pit_state2 timer_{};
};

/// An eventfd that counts 32-bit writes to a port. Throws system_fault.
unique_fd make_doorbell(int vm, unsigned port);

} // namespace vmsig::kvm
