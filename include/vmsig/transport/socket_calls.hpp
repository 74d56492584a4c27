// socket_calls: the system calls of server and client, as a policy, so that a test can make any of
// them fail. Each behaves as its manual page says: -1 and errno. None raises SIGPIPE, and none
// waits but the one that says so.
#pragma once

#include <cstddef>
#include <span>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace vmsig {

struct socket_calls {
    static int accept(int listener) noexcept {
        return ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    }
    /// For a listener that somebody else made: the loop must not wait in accept.
    static int never_wait(int fd) noexcept {
        const int flags = ::fcntl(fd, F_GETFL);
        return flags < 0 ? -1 : ::fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    }
    static ssize_t receive(int fd, msghdr* m) noexcept {
        return ::recvmsg(fd, m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    }
    /// No longer than SO_RCVTIMEO: EAGAIN. On a socket that never waits it does not either.
    static ssize_t wait_and_receive(int fd, msghdr* m) noexcept {
        return ::recvmsg(fd, m, MSG_CMSG_CLOEXEC);
    }
    /// The bytes alone, which costs less. How long the datagram was, though no more than fits is
    /// there; descriptors that came with it are closed. `wait`: as above.
    static ssize_t receive_bytes(int fd, std::span<std::byte> to, bool wait) noexcept {
        return ::recv(fd, to.data(), to.size(), MSG_TRUNC | (wait ? 0 : MSG_DONTWAIT));
    }
    static ssize_t send(int fd, const msghdr* m) noexcept {
        constexpr int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
        if (m->msg_iovlen == 1 && m->msg_controllen == 0) // costs less
            return ::send(fd, m->msg_iov->iov_base, m->msg_iov->iov_len, flags);
        return ::sendmsg(fd, m, flags);
    }
    static int get_option(int fd, int name, void* value, socklen_t* size) noexcept {
        return ::getsockopt(fd, SOL_SOCKET, name, value, size);
    }
    static int set_option(int fd, int name, const void* value, socklen_t size) noexcept {
        return ::setsockopt(fd, SOL_SOCKET, name, value, size);
    }
    static int timer() noexcept {
        return ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    }
    static int set_timer(int fd, const itimerspec* when) noexcept {
        return ::timerfd_settime(fd, TFD_TIMER_ABSTIME, when, nullptr);
    }
    static ssize_t read(int fd, void* to, std::size_t size) noexcept {
        return ::read(fd, to, size);
    }
};

} // namespace vmsig
