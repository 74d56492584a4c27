// bridge: a core on the manual reactor with real sockets under it: before a turn the reactor is
// told what the kernel says of each descriptor that it watches. Time is the test's.
#pragma once

#include <poll.h>
#include <sys/eventfd.h>

#include <vmsig/reactor/manual_reactor.hpp>
#include <vmsig/transport/socket_calls.hpp>

namespace vmsig::test {

/// Whether anything can be read, or has hung up.
template <class Core>
bool tell_readiness(Core& bus) {
    bool any = false;
    for (int fd = 0; fd < 1024; ++fd) { // some that are high may be inherited
        if (!bus.reactor().watched(fd)) continue;
        ::pollfd p{fd, POLLIN | POLLOUT | POLLRDHUP, 0};
        ::poll(&p, 1, 0);
        bus.reactor().clear_ready(fd);
        interests ready;
        if (p.revents & POLLIN) ready = ready | interest::read;
        if (p.revents & POLLOUT) ready = ready | interest::write;
        if (p.revents & (POLLHUP | POLLRDHUP)) ready = ready | interest::hangup;
        if (ready.any()) bus.reactor().make_ready(fd, ready);
        any = any || (p.revents & (POLLIN | POLLHUP | POLLRDHUP)) != 0;
    }
    return any;
}

/// A server's timer that goes off when the test says that it is time.
struct timed_calls : socket_calls {
    static inline int fd = -1;
    static inline instant due = instant::never();

    static int timer() noexcept {
        due = instant::never();
        return fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    }
    static int set_timer(int, const itimerspec* when) noexcept {
        due = {when->it_value.tv_sec * 1'000'000'000 + when->it_value.tv_nsec};
        return 0;
    }
    /// Goes off if it is due.
    static void pass_to(instant now) {
        const std::uint64_t one = 1;
        if (due <= now && ::write(fd, &one, sizeof one) > 0) due = instant::never();
    }
};

struct timed_traits : default_traits {
    using reactor = manual_reactor;
};

} // namespace vmsig::test
