// scripted_calls: the system calls of the epoll reactor, counted, and failing where a test says so.
#pragma once

#include <array>
#include <cerrno>
#include <cstddef>

#include <vmsig/reactor/syscalls.hpp>

namespace vmsig::test {

enum class kernel_call : unsigned {
    epoll_create1,
    epoll_ctl,
    epoll_wait,
    eventfd,
    timerfd_create,
    timerfd_settime,
    write,
};

struct call_state {
    int made = 0;      ///< calls so far
    int fail_from = 0; ///< the first to fail, counted from 1; 0 is none
    int fail_until = 0;
    int code = 0;
};

/// For one reactor at a time. `reset` first.
struct scripted_calls : linux_calls {
    static inline std::array<call_state, 7> states{};
    static inline int bell = -1;
    static inline int timeout_ms = 0; ///< of the last epoll_wait

    static void reset() { states = {}; }
    static call_state& of(kernel_call s) { return states[static_cast<unsigned>(s)]; }
    static int made(kernel_call s) { return of(s).made; }
    /// The `nth` call from now on fails, and so do the following `times` - 1.
    static void fail(kernel_call s, int code, int nth = 1, int times = 1) {
        const int first = of(s).made + nth;
        of(s) = {of(s).made, first, first + times, code};
    }

    static int epoll_create1(int flags) {
        return fails(kernel_call::epoll_create1) ? -1 : linux_calls::epoll_create1(flags);
    }
    static int epoll_ctl(int epoll, int operation, int fd, epoll_event* event) {
        return fails(kernel_call::epoll_ctl) ? -1
                                             : linux_calls::epoll_ctl(epoll, operation, fd, event);
    }
    static int epoll_wait(int epoll, epoll_event* out, int room, int timeout) {
        timeout_ms = timeout;
        return fails(kernel_call::epoll_wait) ? -1
                                              : linux_calls::epoll_wait(epoll, out, room, timeout);
    }
    static int eventfd(unsigned initial, int flags) {
        return bell = fails(kernel_call::eventfd) ? -1 : linux_calls::eventfd(initial, flags);
    }
    static int timerfd_create(clockid_t clock, int flags) {
        return fails(kernel_call::timerfd_create) ? -1 : linux_calls::timerfd_create(clock, flags);
    }
    static int timerfd_settime(int fd, int flags, const itimerspec* value) {
        return fails(kernel_call::timerfd_settime) ? -1
                                                   : linux_calls::timerfd_settime(fd, flags, value);
    }
    static ssize_t write(int fd, const void* from, std::size_t size) {
        return fails(kernel_call::write) ? -1 : linux_calls::write(fd, from, size);
    }

private:
    static bool fails(kernel_call s) {
        call_state& now = of(s);
        ++now.made;
        if (now.made < now.fail_from || now.made >= now.fail_until) return false;
        errno = now.code;
        return true;
    }
};

} // namespace vmsig::test
