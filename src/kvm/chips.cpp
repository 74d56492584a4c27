// KVM_CREATE_IRQCHIP, KVM_CREATE_PIT2, KVM_IRQFD, KVM_IOEVENTFD: Documentation/virt/kvm/api.rst.
#include "chips.hpp"

#include <sys/eventfd.h>

#include "kvm_call.hpp"

namespace vmsig::kvm {

namespace {

unique_fd make_eventfd() {
    return unique_fd{checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")};
}

} // namespace

interrupt_line::interrupt_line(int vm, unsigned gsi)
    : fd_{make_eventfd()} {
    kvm_irqfd wire{};
    wire.fd = static_cast<std::uint32_t>(fd_.get());
    wire.gsi = gsi;
    kvm_must(vm, KVM_IRQFD, &wire, "KVM_IRQFD");
}

void interrupt_line::pulse() const {
    // It can only fail when the counter is full: the line is then pulsed already.
    ::eventfd_write(fd_.get(), 1);
}

chips::chips(int vm)
    : vm_{vm} {
    kvm_must(vm, KVM_CREATE_IRQCHIP, 0, "KVM_CREATE_IRQCHIP");
    kvm_pit_config config{};
    config.flags = KVM_PIT_SPEAKER_DUMMY;
    kvm_must(vm, KVM_CREATE_PIT2, &config, "KVM_CREATE_PIT2");
    for (std::uint32_t id = 0; id < controllers_.size(); ++id) {
        controllers_[id].chip_id = id;
        kvm_must(vm, KVM_GET_IRQCHIP, &controllers_[id], "KVM_GET_IRQCHIP");
    }
    kvm_must(vm, KVM_GET_PIT2, &timer_, "KVM_GET_PIT2");
}

expected<void, os_error> chips::reset() {
    for (kvm_irqchip& chip : controllers_)
        if (auto set = kvm_try(vm_, KVM_SET_IRQCHIP, &chip, "KVM_SET_IRQCHIP"); !set) return set;
    return kvm_try(vm_, KVM_SET_PIT2, &timer_, "KVM_SET_PIT2");
}

unique_fd make_doorbell(int vm, unsigned port) {
    unique_fd bell = make_eventfd();
    kvm_ioeventfd wire{};
    wire.addr = port;
    wire.len = 4;
    wire.fd = bell.get();
    wire.flags = KVM_IOEVENTFD_FLAG_PIO;
    kvm_must(vm, KVM_IOEVENTFD, &wire, "KVM_IOEVENTFD");
    return bell;
}

} // namespace vmsig::kvm
