// machines: the same calls on the kernel below and on the simulated one, so that one list of facts
// is asked of both. Each answers -1 and errno as its manual page says.
#pragma once

#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <csignal>
#include <ctime>

#include <support/catch.hpp>

#include <vmsig/reactor/syscalls.hpp>

#include "calls.hpp"

namespace vmsig::simkernel {

/// The kernel that the tests run on.
class real_machine : public linux_calls, public fd_calls {
public:
    real_machine()
        : pipe_signal_{std::signal(SIGPIPE, SIG_IGN)} {
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &limits_) == 0);
    }
    real_machine(const real_machine&) = delete;
    real_machine& operator=(const real_machine&) = delete;
    ~real_machine() {
        ::setrlimit(RLIMIT_NOFILE, &limits_);
        std::signal(SIGPIPE, pipe_signal_);
    }

    static int close(int fd) { return ::close(fd); }
    static int pipe(int ends[2]) { return ::pipe2(ends, O_CLOEXEC | O_NONBLOCK); }
    static int socketpair(int ends[2]) {
        return ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends);
    }
    static ssize_t send(int fd, const void* from, std::size_t n) {
        return ::send(fd, from, n, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    static ssize_t recv(int fd, void* to, std::size_t n, int flags = 0) {
        return ::recv(fd, to, n, flags | MSG_DONTWAIT);
    }
    static int shutdown(int fd, int how) { return ::shutdown(fd, how); }
    static int memfd() { return ::memfd_create("facts", MFD_CLOEXEC | MFD_ALLOW_SEALING); }
    static int truncate(int fd, off_t size) { return ::ftruncate(fd, size); }
    static int add_seals(int fd, int seals) { return ::fcntl(fd, F_ADD_SEALS, seals); }
    static ssize_t pwrite(int fd, const void* from, std::size_t n, off_t at) {
        return ::pwrite(fd, from, n, at);
    }
    /// What a host that polls `fd` sees.
    static short polled(int fd, short what) {
        pollfd p{fd, what, 0};
        return ::poll(&p, 1, 0) >= 0 ? p.revents : short{0};
    }
    static void pass(duration d) {
        const timespec t{0, static_cast<long>(d.ns)};
        ::nanosleep(&t, nullptr);
    }
    /// No number from `fd` on.
    static void limit(int fd) {
        rlimit lower = limits_;
        lower.rlim_cur = static_cast<rlim_t>(fd);
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &lower) == 0);
    }

private:
    static inline rlimit limits_{};
    void (*pipe_signal_)(int);
};

/// The simulated one.
class sim_machine : public sim_calls, public sim_fd_calls {
    template <class F>
    static auto answer(F&& f) {
        auto r = f(*kernel::current);
        if (r >= 0) return r;
        errno = static_cast<int>(-r);
        return decltype(r){-1};
    }

public:
    static int close(int fd) { return ::close(fd); }
    static int pipe(int ends[2]) {
        return answer([=](kernel& k) { return k.pipe(ends); });
    }
    static int socketpair(int ends[2]) {
        return answer([=](kernel& k) { return k.socketpair(ends); });
    }
    static ssize_t send(int fd, const void* from, std::size_t n) {
        return answer([=](kernel& k) -> long {
            auto* s = k.find_as<packet_socket>(fd);
            return s != nullptr ? s->send({static_cast<const std::byte*>(from), n}) : -ENOTSOCK;
        });
    }
    static ssize_t recv(int fd, void* to, std::size_t n, int flags = 0) {
        return answer([=](kernel& k) -> long {
            auto* s = k.find_as<packet_socket>(fd);
            return s != nullptr ? s->receive({static_cast<std::byte*>(to), n}, flags) : -ENOTSOCK;
        });
    }
    static int shutdown(int fd, int how) {
        return answer([=](kernel& k) {
            auto* s = k.find_as<packet_socket>(fd);
            return s != nullptr ? s->shut(how) : -ENOTSOCK;
        });
    }
    static int memfd() {
        return answer([](kernel& k) { return k.memfd(); });
    }
    static int truncate(int fd, off_t size) {
        return answer([=](kernel& k) {
            auto* m = k.find_as<memory_file>(fd);
            return m != nullptr ? m->truncate(static_cast<std::size_t>(size)) : -EINVAL;
        });
    }
    static int add_seals(int fd, int seals) {
        return answer([=](kernel& k) { return k.fcntl(fd, F_ADD_SEALS, seals); });
    }
    static ssize_t pwrite(int fd, const void* from, std::size_t n, off_t at) {
        return answer([=](kernel& k) -> long {
            auto* m = k.find_as<memory_file>(fd);
            if (m == nullptr) return -ESPIPE;
            return m->write_at({static_cast<const std::byte*>(from), n},
                               static_cast<std::uint64_t>(at));
        });
    }
    short polled(int fd, short what) const {
        return static_cast<short>(kernel_.poll(fd) &
                                  static_cast<unsigned>(what | POLLERR | POLLHUP));
    }
    void pass(duration d) { kernel_.advance(d); }
    void limit(int fd) { kernel_.fd_limit = fd - kernel::first_fd; }

private:
    kernel kernel_;
};

/// A descriptor that is closed at the end of a script.
template <class M>
class owned {
public:
    explicit owned(int fd)
        : fd_{fd} {
        REQUIRE(fd >= 0);
    }
    owned(owned&& o) noexcept
        : fd_{std::exchange(o.fd_, -1)} {}
    ~owned() { close(); }
    int operator*() const { return fd_; }
    void close() {
        if (fd_ >= 0) M::close(std::exchange(fd_, -1));
    }

private:
    int fd_;
};

} // namespace vmsig::simkernel
