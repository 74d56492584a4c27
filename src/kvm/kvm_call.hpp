// Calls to KVM. In C++, linux-libc-dev 6.1 gives kvm_cpuid2 and kvm_signal_mask a flexible array
// that counts in sizeof, which makes their request numbers wrong: those are spelled out here.
#pragma once

#include <array>
#include <cerrno>
#include <cstdint>

#include <linux/kvm.h>
#include <sys/ioctl.h>

#include <vmsig/base/expected.hpp>

#include "fault.hpp"

namespace vmsig::kvm {

struct cpuid_table {
    static constexpr std::uint32_t capacity = 256;
    std::uint32_t count = capacity;
    std::uint32_t padding = 0;
    std::array<kvm_cpuid_entry2, capacity> entries{};
};
inline constexpr unsigned long get_supported_cpuid = _IOC(_IOC_READ | _IOC_WRITE, KVMIO, 0x05, 8);
inline constexpr unsigned long set_cpuid = _IOC(_IOC_WRITE, KVMIO, 0x90, 8);

/// Signal n is bit n - 1; the kernel's set is 8 bytes on x86-64.
struct signal_table {
    std::uint32_t length = 8;
    std::array<std::uint32_t, 2> blocked{};
};
inline constexpr unsigned long set_signal_mask = _IOC(_IOC_WRITE, KVMIO, 0x8b, 4);

/// For everything but KVM_RUN, which a signal is meant to interrupt.
template <class Argument>
int kvm_call(int fd, unsigned long request, Argument argument) {
    int result;
    do {
        result = ::ioctl(fd, request, argument);
    } while (result < 0 && errno == EINTR);
    return result;
}

/// As `kvm_call`, in set-up.
template <class Argument>
int kvm_must(int fd, unsigned long request, Argument argument, const char* name) {
    return checked(kvm_call(fd, request, argument), name);
}

/// As `kvm_call`, when the machine is up.
template <class Argument>
expected<void, os_error> kvm_try(int fd, unsigned long request, Argument argument,
                                 const char* name) {
    if (kvm_call(fd, request, argument) < 0) return unexpected{os_error::last(name)};
    return {};
}

} // namespace vmsig::kvm
