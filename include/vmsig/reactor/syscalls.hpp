// linux_calls: the system calls of the epoll reactor, as a policy, so that a test can make any of
// them fail. Each behaves as its manual page says: -1 and errno.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace vmsig {

struct linux_calls {
    static int epoll_create1(int flags) noexcept { return ::epoll_create1(flags); }
    static int epoll_ctl(int epoll, int operation, int fd, epoll_event* event) noexcept {
        return ::epoll_ctl(epoll, operation, fd, event);
    }
    static int epoll_wait(int epoll, epoll_event* out, int room, int timeout_ms) noexcept {
        return ::epoll_wait(epoll, out, room, timeout_ms);
    }
    static int eventfd(unsigned initial, int flags) noexcept { return ::eventfd(initial, flags); }
    static int timerfd_create(clockid_t clock, int flags) noexcept {
        return ::timerfd_create(clock, flags);
    }
    static int timerfd_settime(int fd, int flags, const itimerspec* value) noexcept {
        return ::timerfd_settime(fd, flags, value, nullptr);
    }
    static ssize_t read(int fd, void* to, std::size_t size) noexcept {
        return ::read(fd, to, size);
    }
    static ssize_t write(int fd, const void* from, std::size_t size) noexcept {
        return ::write(fd, from, size);
    }
    static int clock_gettime(clockid_t clock, timespec* out) noexcept {
        return ::clock_gettime(clock, out);
    }
};

} // namespace vmsig
