// call_sites: every system call that the library makes, and the errnos by which it can fail there.
// The errnos are those of the manual pages (man-pages 6.03) and of Documentation/virt/kvm/api.rst
// that the state of the machine can cause; what only a wrong argument causes (EBADF, EFAULT,
// EINVAL) is listed where a host could bring it about, or an old kernel.
#pragma once

#include <array>
#include <cerrno>
#include <cstdint>
#include <string_view>

#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

namespace vmsig::test {

/// A call site: a function of the C library, and, where one function is many calls, which of them
/// (operation of epoll_ctl, command of fcntl, request of ioctl).
struct call_site {
    static constexpr std::uint64_t any = ~std::uint64_t{0};

    std::string_view function;
    std::uint64_t which = any;
    std::array<int, 10> errnos{}; ///< leading ones
};

inline constexpr std::uint64_t kvm_get_supported_cpuid =
    _IOC(_IOC_READ | _IOC_WRITE, KVMIO, 0x05, 8);
inline constexpr std::uint64_t kvm_set_cpuid = _IOC(_IOC_WRITE, KVMIO, 0x90, 8);
inline constexpr std::uint64_t kvm_set_signal_mask = _IOC(_IOC_WRITE, KVMIO, 0x8b, 4);
inline constexpr std::uint64_t add_seals = 1033; ///< F_ADD_SEALS, linux/fcntl.h
inline constexpr std::uint64_t get_seals = 1034;

inline constexpr call_site call_sites[] = {
    // reactor/
    {"epoll_create1", call_site::any, {EMFILE, ENFILE, ENOMEM}},
    {"epoll_ctl", EPOLL_CTL_ADD, {ENOMEM, ENOSPC, EPERM, EBADF, EEXIST, ELOOP}},
    {"epoll_ctl", EPOLL_CTL_MOD, {ENOMEM, ENOENT, EBADF, EPERM}},
    {"epoll_ctl", EPOLL_CTL_DEL, {ENOENT, EBADF, ENOMEM}},
    {"epoll_wait", call_site::any, {EINTR, EBADF, EINVAL}},
    {"eventfd", call_site::any, {EMFILE, ENFILE, ENODEV, ENOMEM}},
    {"timerfd_create", call_site::any, {EMFILE, ENFILE, ENODEV, ENOMEM, EPERM}},
    {"timerfd_settime", call_site::any, {EINVAL, EBADF, ECANCELED}},
    {"clock_gettime", call_site::any, {EINVAL, EPERM}},
    // reactor/ (the bell), stub/ (the clock), guest/json_lines_sink
    {"read", call_site::any, {EAGAIN, EINTR, ECANCELED, EIO}},
    {"write", call_site::any, {EAGAIN, EINTR, EPIPE, ENOSPC, EDQUOT, EFBIG, EIO, EPERM}},
    // base/
    {"close", call_site::any, {EINTR, EIO, ENOSPC, EDQUOT}},
    {"mmap", call_site::any, {ENOMEM, EAGAIN, EACCES, ENFILE, ENODEV, EPERM}},
    {"munmap", call_site::any, {}}, // EINVAL alone, for whole mappings
    {"madvise", call_site::any, {EINVAL, ENOMEM, EAGAIN, EPERM}},
    // guest/
    {"open", call_site::any, {EMFILE, ENFILE, ENOMEM, ENOENT, EACCES, ENXIO, EINTR, ENODEV}},
    {"fcntl", F_GETFL, {EBADF, EPERM}},
    {"fcntl", F_SETFL, {EBADF, EPERM}},
    {"fcntl", F_DUPFD_CLOEXEC, {EMFILE, EBADF}},
    {"fcntl", get_seals, {EBADF, EPERM}},
    {"fstat", call_site::any, {EBADF, ENOMEM, EOVERFLOW}},
    {"pread", call_site::any, {EINTR, EIO, EAGAIN, EBADF, ENXIO, EOVERFLOW}},
    {"socket", call_site::any, {EMFILE, ENFILE, ENOBUFS, ENOMEM, EACCES, EAFNOSUPPORT}},
    {"sendto",
     call_site::any,
     {EAGAIN, EINTR, ECONNREFUSED, ENOENT, ENOBUFS, ENOMEM, EACCES, ENOTCONN, EPIPE}},
    // stub/, kvm/
    {"memfd_create", call_site::any, {EMFILE, ENFILE, ENOMEM, EPERM}},
    {"ftruncate", call_site::any, {EINTR, EFBIG, EIO, EPERM, EINVAL}},
    {"fcntl", add_seals, {EBUSY, EPERM, EINVAL}},
    {"pipe2", call_site::any, {EMFILE, ENFILE}},
    {"lseek", call_site::any, {EINVAL, EOVERFLOW, ESPIPE}},
    {"pthread_create", call_site::any, {EAGAIN, EPERM}},
    {"poll", call_site::any, {EINTR, ENOMEM}},
    {"eventfd_read", call_site::any, {EINTR}},
    {"eventfd_write", call_site::any, {}}, // EAGAIN: the counter is full, so it is told already
    {"ioctl", KVM_GET_API_VERSION, {EINTR, EPERM}},
    {"ioctl", KVM_CHECK_EXTENSION, {EINTR, EPERM}},
    {"ioctl", KVM_CREATE_VM, {EINTR, ENOMEM, EMFILE, ENFILE, EBUSY, EPERM}},
    {"ioctl", KVM_SET_TSS_ADDR, {EINTR, ENXIO, ENOMEM}},
    {"ioctl", KVM_CREATE_IRQCHIP, {EINTR, EEXIST, ENOMEM, EINVAL}},
    {"ioctl", KVM_CREATE_PIT2, {EINTR, EEXIST, ENOMEM}},
    {"ioctl", KVM_GET_IRQCHIP, {EINTR, ENXIO, ENOMEM}},
    {"ioctl", KVM_GET_PIT2, {EINTR, ENXIO}},
    {"ioctl", KVM_IRQFD, {EINTR, EBUSY, ENOMEM, EINVAL}},
    {"ioctl", KVM_IOEVENTFD, {EINTR, EEXIST, ENOSPC, ENOMEM}},
    {"ioctl", KVM_SET_USER_MEMORY_REGION, {EINTR, EEXIST, ENOMEM, EINVAL}},
    {"ioctl", KVM_CREATE_VCPU, {EINTR, EMFILE, ENFILE, EINVAL, ENOMEM, EEXIST}},
    {"ioctl", KVM_GET_VCPU_MMAP_SIZE, {EINTR, EPERM}},
    {"ioctl", kvm_get_supported_cpuid, {EINTR, E2BIG, ENOMEM}},
    {"ioctl", kvm_set_cpuid, {EINTR, EINVAL, ENOMEM, E2BIG}},
    {"ioctl", kvm_set_signal_mask, {EINTR, EINVAL, EFAULT}},
    {"ioctl", KVM_GET_REGS, {EINTR, ENOMEM}},
    {"ioctl", KVM_GET_SREGS, {EINTR, ENOMEM}},
    {"ioctl", KVM_GET_FPU, {EINTR, ENOMEM}},
    {"ioctl", KVM_GET_LAPIC, {EINTR, ENOMEM}},
    {"ioctl", KVM_GET_DEBUGREGS, {EINTR, ENOMEM}},
    {"ioctl", KVM_SET_IRQCHIP, {EINTR, ENXIO, ENOMEM}},
    {"ioctl", KVM_SET_PIT2, {EINTR, ENXIO}},
    {"ioctl", KVM_SET_SREGS, {EINTR, EINVAL, ENOMEM}},
    {"ioctl", KVM_SET_REGS, {EINTR, ENOMEM}},
    {"ioctl", KVM_SET_FPU, {EINTR, ENOMEM}},
    {"ioctl", KVM_SET_LAPIC, {EINTR, EINVAL, ENOMEM}},
    {"ioctl", KVM_SET_DEBUGREGS, {EINTR, EINVAL}},
    {"ioctl", KVM_SET_MP_STATE, {EINTR, ENXIO, EINVAL}},
    {"ioctl", KVM_SET_VCPU_EVENTS, {EINTR, EINVAL}},
    {"ioctl", KVM_RUN, {EINTR, EAGAIN, ENOEXEC, EFAULT, ENOMEM, EPERM}},
};

} // namespace vmsig::test
