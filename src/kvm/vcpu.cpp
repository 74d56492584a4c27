// KVM_CREATE_VCPU and what follows: Documentation/virt/kvm/api.rst; 64-bit mode: Intel SDM vol.
// 3A 9.8.5.
#include "vcpu.hpp"

#include <memory>

#include "guest/image.h"
#include "kvm_call.hpp"

namespace vmsig::kvm {

namespace {

void copy_cpuid(int kvm, int vcpu) {
    const auto table = std::make_unique<cpuid_table>();
    kvm_must(kvm, get_supported_cpuid, table.get(), "KVM_GET_SUPPORTED_CPUID");
    kvm_must(vcpu, set_cpuid, table.get(), "KVM_SET_CPUID2");
}

void unblock_kick_in_guest(int vcpu) {
    signal_table all_but_kick{.blocked = {~(1u << (kick_signal - 1)), ~0u}};
    static_assert(kick_signal <= 32);
    kvm_must(vcpu, set_signal_mask, &all_but_kick, "KVM_SET_SIGNAL_MASK");
}

kvm_segment flat_segment(std::uint16_t selector, std::uint8_t type) {
    kvm_segment s{};
    s.limit = 0xffff'ffff;
    s.selector = selector;
    s.type = type;
    s.present = 1;
    s.s = 1;
    s.g = 1;
    return s;
}

} // namespace

vcpu::vcpu(int kvm, int vm)
    : fd_{kvm_must(vm, KVM_CREATE_VCPU, 0, "KVM_CREATE_VCPU")}
    , shared_{fd_.get(), static_cast<std::size_t>(
                             kvm_must(kvm, KVM_GET_VCPU_MMAP_SIZE, 0, "KVM_GET_VCPU_MMAP_SIZE"))} {
    const int fd = fd_.get();
    copy_cpuid(kvm, fd);
    unblock_kick_in_guest(fd);
    kvm_must(fd, KVM_GET_REGS, &regs_, "KVM_GET_REGS");
    kvm_must(fd, KVM_GET_SREGS, &sregs_, "KVM_GET_SREGS");
    kvm_must(fd, KVM_GET_FPU, &fpu_, "KVM_GET_FPU");
    kvm_must(fd, KVM_GET_LAPIC, &lapic_, "KVM_GET_LAPIC");
    kvm_must(fd, KVM_GET_DEBUGREGS, &debug_, "KVM_GET_DEBUGREGS");
}

expected<void, os_error> vcpu::reset(std::uint64_t entry, std::uint64_t root,
                                     std::uint64_t argument) {
    const int fd = fd_.get();
    kvm_sregs s = sregs_;
    s.cs = flat_segment(VMSIG_IMAGE_CODE_SELECTOR, 11);
    s.cs.l = 1;
    s.ds = s.es = s.fs = s.gs = s.ss = flat_segment(VMSIG_IMAGE_DATA_SELECTOR, 3);
    s.ss.db = 1;
    s.cr0 = 0x8000'0011; // PG, ET, PE
    s.cr3 = root;
    s.cr4 = 0x20;   // PAE
    s.efer = 0x500; // LMA, LME
    kvm_regs r = regs_;
    r.rip = entry;
    r.rdi = argument;
    r.rflags = 2;
    kvm_vcpu_events events{};
    events.flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW;
    kvm_mp_state runnable{KVM_MP_STATE_RUNNABLE};
    return kvm_try(fd, KVM_SET_SREGS, &s, "KVM_SET_SREGS")
        .and_then([&] { return kvm_try(fd, KVM_SET_REGS, &r, "KVM_SET_REGS"); })
        .and_then([&] { return kvm_try(fd, KVM_SET_FPU, &fpu_, "KVM_SET_FPU"); })
        .and_then([&] { return kvm_try(fd, KVM_SET_LAPIC, &lapic_, "KVM_SET_LAPIC"); })
        .and_then([&] { return kvm_try(fd, KVM_SET_DEBUGREGS, &debug_, "KVM_SET_DEBUGREGS"); })
        .and_then([&] { return kvm_try(fd, KVM_SET_MP_STATE, &runnable, "KVM_SET_MP_STATE"); })
        .and_then([&] { return kvm_try(fd, KVM_SET_VCPU_EVENTS, &events, "KVM_SET_VCPU_EVENTS"); });
}

expected<vmsig::kvm::registers, os_error> vcpu::read() const {
    kvm_sregs s{};
    if (auto got = kvm_try(fd_.get(), KVM_GET_SREGS, &s, "KVM_GET_SREGS"); !got)
        return unexpected{got.error()};
    return vmsig::kvm::registers{.cr0 = s.cr0, .cr3 = s.cr3, .cr4 = s.cr4, .efer = s.efer};
}

int vcpu::run() { return ::ioctl(fd_.get(), KVM_RUN, 0) < 0 ? errno : 0; }

int vcpu::complete() {
    exit().immediate_exit = 1;
    const int result = run();
    exit().immediate_exit = 0;
    return result;
}

std::span<std::byte> vcpu::port_data() {
    auto* bytes = static_cast<std::byte*>(shared_.get()) + exit().io.data_offset;
    return {bytes, std::size_t{exit().io.size} * exit().io.count};
}

} // namespace vmsig::kvm
