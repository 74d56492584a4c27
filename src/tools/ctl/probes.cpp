#include "probes.hpp"

#include <fcntl.h>
#include <linux/io_uring.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include <vmsig/base/unique_fd.hpp>
#include <vmsig/guest/export_gate.hpp>

#ifdef VMSIG_CTL_KVM
#include <vmsig/kvm/probe.hpp>
#endif

using vmsig::unique_fd;

namespace ctl {

namespace {

#ifdef SO_PEERPIDFD
constexpr int peer_pidfd = SO_PEERPIDFD;
#else
constexpr int peer_pidfd = 77; // SO_PEERPIDFD, asm-generic/socket.h, Linux 6.5
#endif

finding from_errno(std::string name, bool needed, const char* call) {
    return {std::move(name), ability::no, needed,
            fmt::format("{}: {}", call, std::strerror(errno))};
}

finding probe_seals() {
    const std::string name = "sealed memory";
    const unique_fd fd{::memfd_create("vmsigctl-doctor", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    if (!fd) return from_errno(name, false, "memfd_create");
    if (::ftruncate(fd.get(), 4096) != 0) return from_errno(name, false, "ftruncate");
    if (::fcntl(fd.get(), F_ADD_SEALS,
                F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        return from_errno(name, false, "F_SEAL_FUTURE_WRITE");
    const auto gated = vmsig::export_ram(fd.get(), 0, vmsig::export_level::sealed);
    if (!gated) return {name, ability::no, false, "a sealed memfd did not pass the export gate"};
    if (::write(gated->fd.get(), "x", 1) >= 0)
        return {name, ability::no, false, "what was exported can be written to"};
    return {name, ability::yes, false, "F_SEAL_FUTURE_WRITE holds: memory can be shown safely"};
}

finding probe_epoll() {
    const unique_fd fd{::epoll_create1(EPOLL_CLOEXEC)};
    if (!fd) return from_errno("epoll", true, "epoll_create1");
    return {"epoll", ability::yes, true, "the event loop"};
}

finding probe_io_uring() {
    ::io_uring_params p;
    std::memset(&p, 0, sizeof p);
    const unique_fd fd{static_cast<int>(::syscall(SYS_io_uring_setup, 1, &p))};
    if (fd) return {"io_uring", ability::yes, false, "a ring could be set up"};
    if (errno == ENOSYS) return {"io_uring", ability::no, false, "the kernel has none"};
    if (errno == EPERM)
        return {"io_uring", ability::no, false,
                "forbidden here: sysctl kernel.io_uring_disabled, or a seccomp filter"};
    return from_errno("io_uring", false, "io_uring_setup");
}

finding probe_pidfd() {
    const unique_fd fd{static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0))};
    if (!fd) return from_errno("pidfd", false, "pidfd_open");
    return {"pidfd", ability::yes, false, "pidfd_open"};
}

finding probe_peer_pidfd() {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return from_errno("peer pidfd", false, "socketpair");
    const unique_fd one{pair[0]}, other{pair[1]};
    int got = -1;
    ::socklen_t length = sizeof got;
    if (::getsockopt(one.get(), SOL_SOCKET, peer_pidfd, &got, &length) != 0) {
        if (errno == ENOPROTOOPT)
            return {"peer pidfd", ability::no, false,
                    "SO_PEERPIDFD needs Linux 6.5: a host knows peers by uid, and by pid for the "
                    "record"};
        return from_errno("peer pidfd", false, "SO_PEERPIDFD");
    }
    const unique_fd owned{got};
    return {"peer pidfd", ability::yes, false, "SO_PEERPIDFD"};
}

finding probe_seqpacket() {
    const unique_fd fd{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
    if (!fd) return from_errno("unix sockets", true, "socket");
    return {"unix sockets", ability::yes, true, "SOCK_SEQPACKET"};
}

finding user() {
    const uid_t uid = ::geteuid();
    return {"user", ability::yes, false,
            uid == 0 ? "uid 0: a memory export counts as guarded only if sealed"
                     : fmt::format("uid {}: what the grants of a host go by", uid)};
}

} // namespace

std::vector<finding> probe_system() {
    return {user(),           probe_epoll(), probe_seqpacket(), probe_seals(),
            probe_io_uring(), probe_pidfd(), probe_peer_pidfd()};
}

finding probe_kvm([[maybe_unused]] vmsig::duration limit) {
#ifdef VMSIG_CTL_KVM
    const auto probed = vmsig::kvm::probe(limit);
    if (probed) return {"kvm", ability::yes, false, "a guest ran"};
    return {"kvm", ability::no, false, vmsig::kvm::to_string(probed)};
#else
    return {"kvm", ability::not_here, false, "built without it"};
#endif
}

} // namespace ctl
