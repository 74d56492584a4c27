// facts_fixture: a machine with an epoll to watch things with, and words for the scripts of facts.
#pragma once

#include <array>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "machines.hpp"

namespace vmsig::simkernel {

template <class M>
struct script {
    /// What one wait told: data and EPOLL* bits, in order.
    struct told {
        std::uint64_t data;
        std::uint32_t events;
        friend bool operator==(const told&, const told&) = default;
    };
    using fd = owned<M>;
    struct ends {
        fd first, second;
    };

    ends pipe() {
        int two[2];
        REQUIRE(M::pipe(two) == 0);
        return {fd{two[0]}, fd{two[1]}};
    }
    ends sockets() {
        int two[2];
        REQUIRE(M::socketpair(two) == 0);
        return {fd{two[0]}, fd{two[1]}};
    }
    fd counter(unsigned initial = 0) { return fd{M::eventfd(initial, EFD_CLOEXEC | EFD_NONBLOCK)}; }
    fd timer() { return fd{M::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)}; }
    fd memory(off_t size, int seals) {
        fd m{M::memfd()};
        REQUIRE(M::truncate(*m, size) == 0);
        if (seals != 0) REQUIRE(M::add_seals(*m, seals) == 0);
        return m;
    }

    /// 0, or the errno.
    int control(int operation, int target, std::uint32_t events = 0, std::uint64_t data = 0) {
        epoll_event e{};
        e.events = events;
        e.data.u64 = data;
        return M::epoll_ctl(*set, operation, target, &e) == 0 ? 0 : errno;
    }
    int add(int target, std::uint32_t events, std::uint64_t data = 1) {
        return control(EPOLL_CTL_ADD, target, events, data);
    }
    int modify(int target, std::uint32_t events, std::uint64_t data = 1) {
        return control(EPOLL_CTL_MOD, target, events, data);
    }
    int remove(int target) { return control(EPOLL_CTL_DEL, target); }
    std::vector<told> wait(int room = 16, int timeout_ms = 0) {
        std::array<epoll_event, 16> out{};
        const int n = M::epoll_wait(*set, out.data(), room, timeout_ms);
        REQUIRE(n >= 0);
        std::vector<told> all;
        for (int i = 0; i < n; ++i)
            all.push_back({out[static_cast<std::size_t>(i)].data.u64,
                           out[static_cast<std::size_t>(i)].events});
        return all;
    }
    /// What one wait told of the only watch; 0: nothing.
    std::uint32_t events() {
        const auto all = wait();
        REQUIRE(all.size() <= 1);
        return all.empty() ? 0 : all[0].events;
    }
    /// The data of all that one wait told, in order.
    std::vector<std::uint64_t> order(int room = 16) {
        std::vector<std::uint64_t> all;
        for (const told& t : wait(room)) all.push_back(t.data);
        return all;
    }

    int put(int target, std::uint64_t n = 1) {
        return M::write(target, &n, sizeof n) == sizeof n ? 0 : errno;
    }
    /// The number read, or minus the errno.
    std::int64_t take(int target) {
        std::uint64_t n = 0;
        return M::read(target, &n, sizeof n) == sizeof n ? static_cast<std::int64_t>(n) : -errno;
    }
    /// How many bytes were moved, or minus the errno.
    std::int64_t write(int target, std::string_view text) {
        const ssize_t n = M::write(target, text.data(), text.size());
        return n < 0 ? -errno : n;
    }
    std::int64_t send(int target, std::string_view text) {
        const ssize_t n = M::send(target, text.data(), text.size());
        return n < 0 ? -errno : n;
    }
    std::string read(int target, std::size_t room = 64) {
        std::string text(room, ' ');
        const ssize_t n = M::read(target, text.data(), room);
        text.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
        return text;
    }
    std::int64_t receive(int target, std::size_t room = 64, int flags = 0) {
        std::string text(room, ' ');
        const ssize_t n = M::recv(target, text.data(), room, flags);
        return n < 0 ? -errno : n;
    }
    /// Absolute, as the reactor sets it; `never()` disarms.
    int set_timer(int target, instant when) {
        itimerspec value{};
        if (when != instant::never()) {
            value.it_value.tv_sec = static_cast<time_t>(when.ns / 1'000'000'000);
            value.it_value.tv_nsec = static_cast<long>(when.ns % 1'000'000'000);
        }
        return M::timerfd_settime(target, TFD_TIMER_ABSTIME, &value) == 0 ? 0 : errno;
    }
    instant now() {
        timespec t{};
        REQUIRE(M::clock_gettime(CLOCK_MONOTONIC, &t) == 0);
        return {std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec};
    }
    bool host_sees(int target) { return (machine.polled(target, POLLIN) & POLLIN) != 0; }
    /// Waits until `target` is readable for a host, which it will be.
    void until_readable(int target) {
        for (int tries = 0; tries < 2000 && !host_sees(target); ++tries)
            machine.pass(milliseconds(1));
        REQUIRE(host_sees(target));
    }

    M machine;
    fd set{M::epoll_create1(EPOLL_CLOEXEC)};
};

using list = std::vector<std::uint64_t>;

} // namespace vmsig::simkernel
