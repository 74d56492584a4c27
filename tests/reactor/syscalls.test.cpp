// Rule: each entry is the system call of its name, with its result and its errno.
#include <vmsig/reactor/syscalls.hpp>

#include <cerrno>

#include <support/catch.hpp>

#include <vmsig/base/unique_fd.hpp>

using vmsig::linux_calls;
using vmsig::unique_fd;

namespace {

int failed(long result) { return result == -1 ? errno : 0; }

} // namespace

TEST_CASE("errors come through as -1 and errno") {
    epoll_event event{};
    itimerspec value{};
    timespec time{};
    char byte = 0;
    CHECK(failed(linux_calls::epoll_create1(-1)) == EINVAL);
    CHECK(failed(linux_calls::epoll_ctl(-1, EPOLL_CTL_ADD, 0, &event)) == EBADF);
    CHECK(failed(linux_calls::epoll_wait(-1, &event, 1, 0)) == EBADF);
    CHECK(failed(linux_calls::eventfd(0, -1)) == EINVAL);
    CHECK(failed(linux_calls::timerfd_create(CLOCK_MONOTONIC, -1)) == EINVAL);
    CHECK(failed(linux_calls::timerfd_settime(-1, 0, &value)) == EBADF);
    CHECK(failed(linux_calls::read(-1, &byte, 1)) == EBADF);
    CHECK(failed(linux_calls::write(-1, &byte, 1)) == EBADF);
    CHECK(failed(linux_calls::clock_gettime(-1000, &time)) == EINVAL);
}

TEST_CASE("results come through") {
    const unique_fd bell{linux_calls::eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC)};
    const unique_fd epoll{linux_calls::epoll_create1(EPOLL_CLOEXEC)};
    std::uint64_t count = 4;
    CHECK(linux_calls::write(bell.get(), &count, sizeof count) == sizeof count);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = 5;
    REQUIRE(linux_calls::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, bell.get(), &event) == 0);
    event = {};
    REQUIRE(linux_calls::epoll_wait(epoll.get(), &event, 1, 0) == 1);
    const std::uint64_t token = event.data.u64; // packed: no reference to it
    CHECK(token == 5);
    CHECK(linux_calls::read(bell.get(), &count, sizeof count) == sizeof count);
    CHECK(count == 7);
    timespec time{};
    REQUIRE(linux_calls::clock_gettime(CLOCK_MONOTONIC, &time) == 0);
    CHECK((time.tv_sec > 0 || time.tv_nsec > 0));
}
