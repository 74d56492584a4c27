// epoll_reactor: the reactor for every Linux. One epoll instance with an eventfd as doorbell and
// one timerfd, both edge-triggered and never read: a write or an expiry is one edge, and `wait`
// takes it. (Reading them would cost a third of a wake-up.)
#pragma once

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <vmsig/base/assert.hpp>
#include <vmsig/base/unique_fd.hpp>
#include <vmsig/reactor/fwd.hpp>
#include <vmsig/reactor/reactor.hpp>
#include <vmsig/reactor/sleep_flag.hpp>
#include <vmsig/reactor/syscalls.hpp>

namespace vmsig {

/// Models `reactor`, whose contract is the documentation of its operations.
template <class Calls>
class epoll_reactor {
public:
    /// The largest batch that one `wait` takes from the kernel; more than 64 gains nothing.
    static constexpr std::size_t max_ready_per_wait = 64;

    epoll_reactor()
        : epoll_{opened(Calls::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")}
        , bell_{opened(Calls::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")}
        , timer_{opened(Calls::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
                        "timerfd_create")} {
        watch_own(bell_.get(), bell_token);
        watch_own(timer_.get(), timer_token);
    }
    epoll_reactor(epoll_reactor&&) = delete;
    epoll_reactor& operator=(epoll_reactor&&) = delete;

    expected<void, os_error> add(int fd, interests what, std::uint64_t token) {
        return control(EPOLL_CTL_ADD, fd, what, token);
    }
    expected<void, os_error> modify(int fd, interests what, std::uint64_t token) {
        return control(EPOLL_CTL_MOD, fd, what, token);
    }
    void remove(int fd) noexcept { Calls::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

    expected<std::size_t, os_error> wait(std::span<readiness> out, bool block) {
        VMSIG_ASSERT(!out.empty());
        const bool sleep = block && armed_ > last_now_;
        ::epoll_event got[max_ready_per_wait];
        const int n = Calls::epoll_wait(epoll_.get(), got,
                                        static_cast<int>(std::min(out.size(), max_ready_per_wait)),
                                        sleep ? -1 : 0);
        if (n < 0 && errno == EINTR) return 0;
        if (n < 0) return unexpected{os_error::last("epoll_wait")};
        std::size_t told = 0;
        for (int i = 0; i < n; ++i) {
            const std::uint64_t token = got[i].data.u64;
            if (token > max_watch_token)
                take_own(token);
            else
                out[told++] = {token, from_epoll(got[i].events)};
        }
        return told;
    }

    instant now() noexcept {
        ::timespec t{};
        if (Calls::clock_gettime(CLOCK_MONOTONIC, &t) == 0) // else it stands still
            last_now_ = instant{std::int64_t{t.tv_sec} * ns_per_s + t.tv_nsec};
        return last_now_;
    }

    void arm(instant when) noexcept {
        armed_ = when;
        if (when <= last_now_) return ring();
        if (when == timer_at_) return;
        ::itimerspec value{}; // zero disarms
        if (when != instant::never()) {
            value.it_value.tv_sec = static_cast<time_t>(when.ns / ns_per_s);
            value.it_value.tv_nsec = static_cast<long>(when.ns % ns_per_s);
        }
        if (Calls::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &value) == 0)
            timer_at_ = when;
        else
            ring();
    }

    void prepare_sleep() noexcept { asleep_.declare(); }
    void awake() noexcept { asleep_.withdraw(); }
    void wake() noexcept {
        if (asleep_.claim()) write_bell();
    }
    void wake_ordered() noexcept {
        if (asleep_.claim_ordered()) write_bell();
    }
    void ring() noexcept {
        if (!rung_) rung_ = write_bell();
    }

    int fd() const noexcept { return epoll_.get(); }

private:
    static constexpr std::uint64_t bell_token = max_watch_token + 1;
    static constexpr std::uint64_t timer_token = max_watch_token + 2;
    static constexpr std::int64_t ns_per_s = 1'000'000'000;
    static constexpr int max_bell_attempts = 4;

    static int opened(int fd, const char* operation) {
        if (fd < 0) throw std::system_error{errno, std::generic_category(), operation};
        return fd;
    }
    static std::uint32_t to_epoll(interests what) {
        return (what.has(interest::read) ? EPOLLIN : 0u) |
               (what.has(interest::write) ? EPOLLOUT : 0u) |
               (what.has(interest::hangup) ? EPOLLRDHUP : 0u);
    }
    static interests from_epoll(std::uint32_t events) {
        if (events == EPOLLIN) return interest::read;
        const auto put = [&](std::uint32_t any, interest as) {
            return std::uint64_t{(events & any) != 0} << static_cast<unsigned>(as);
        };
        return interests::of_bits(put(EPOLLIN, interest::read) | put(EPOLLOUT, interest::write) |
                                  put(EPOLLHUP | EPOLLRDHUP, interest::hangup) |
                                  put(EPOLLERR, interest::error));
    }

    expected<void, os_error> control(int operation, int fd, interests what, std::uint64_t token) {
        VMSIG_ASSERT(token <= max_watch_token);
        ::epoll_event event{};
        event.events = to_epoll(what);
        event.data.u64 = token;
        if (Calls::epoll_ctl(epoll_.get(), operation, fd, &event) != 0)
            return unexpected{os_error::last("epoll_ctl")};
        return {};
    }
    void watch_own(int fd, std::uint64_t token) {
        ::epoll_event event{};
        event.events = EPOLLIN | EPOLLET;
        event.data.u64 = token;
        opened(Calls::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
    }

    /// The edge of the bell or of the timer has been taken: the next one must be made anew.
    void take_own(std::uint64_t token) noexcept {
        if (token == bell_token) {
            rung_ = false;
        } else {
            last_now_ = std::max(last_now_, timer_at_);
            timer_at_ = instant::never();
        }
    }

    /// Async-signal-safe. EAGAIN says that 2^64 - 2 writes were never read; it makes no edge.
    bool write_bell() noexcept {
        const int errno_of_the_interrupted = errno;
        bool written = false;
        for (int attempt = 0; attempt < max_bell_attempts && !written; ++attempt) {
            std::uint64_t count = 1;
            written = Calls::write(bell_.get(), &count, sizeof count) > 0;
            if (!written && errno == EAGAIN) Calls::read(bell_.get(), &count, sizeof count);
        }
        errno = errno_of_the_interrupted;
        return written;
    }

    unique_fd epoll_;
    unique_fd bell_;
    unique_fd timer_;
    sleep_flag asleep_;
    instant armed_ = instant::never();
    instant timer_at_ = instant::never(); ///< what the timerfd will make an edge of
    instant last_now_;
    bool rung_ = false; ///< by `ring`, and not yet taken
};

} // namespace vmsig
