// Rule: what the kernel refuses changes nothing and leaks nothing, and what need not reach the
// kernel does not.
#include <vmsig/reactor/epoll_reactor.hpp>

#include <string>

#include <support/catch.hpp>

#include <support/fd_count.hpp>

#include "reactor_fixture.hpp"
#include "scripted_calls.hpp"

using namespace vmsig;
using test::kernel_call;
using test::pipe_pair;
using test::readable;
using test::scripted_calls;
using test::waiter;
using scripted_reactor = epoll_reactor<scripted_calls>;

TEST_CASE("each call of the constructor that fails throws its errno and leaks nothing") {
    struct step {
        kernel_call call;
        int nth;
        int code;
    };
    const step steps[] = {
        {kernel_call::epoll_create1, 1, EMFILE},  {kernel_call::eventfd, 1, EMFILE},
        {kernel_call::timerfd_create, 1, EMFILE}, {kernel_call::epoll_ctl, 1, ENOMEM},
        {kernel_call::epoll_ctl, 2, ENOSPC},
    };
    for (const step& s : steps) {
        CAPTURE(static_cast<unsigned>(s.call), s.nth);
        scripted_calls::reset();
        scripted_calls::fail(s.call, s.code, s.nth);
        const int before = test::open_fd_count();
        int code = 0;
        try {
            scripted_reactor r;
        } catch (const std::system_error& e) {
            code = e.code().value();
        }
        CHECK(code == s.code);
        CHECK(test::open_fd_count() == before);
    }
}

TEST_CASE("add that the kernel refuses leaves no watch") {
    for (const int code : {ENOSPC, ENOMEM, EEXIST, EPERM, EBADF}) {
        CAPTURE(code);
        scripted_calls::reset();
        scripted_reactor r;
        pipe_pair p;
        p.fill();
        scripted_calls::fail(kernel_call::epoll_ctl, code);
        const auto refused = r.add(p.from.get(), interest::read, 1);
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error().code == code);
        CHECK(std::string{refused.error().operation} == "epoll_ctl");
        CHECK(waiter{r}() == 0);
        CHECK(r.add(p.from.get(), interest::read, 2).has_value());
        CHECK(waiter{r}() == 1);
    }
}

TEST_CASE("modify that the kernel refuses leaves the watch as it was") {
    for (const int code : {ENOENT, ENOMEM, EPERM, EBADF}) {
        CAPTURE(code);
        scripted_calls::reset();
        scripted_reactor r;
        pipe_pair p;
        p.fill();
        REQUIRE(r.add(p.from.get(), interest::read, 1).has_value());
        scripted_calls::fail(kernel_call::epoll_ctl, code);
        const auto refused = r.modify(p.from.get(), {}, 2);
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error().code == code);
        waiter wait{r};
        REQUIRE(wait() == 1);
        CHECK(wait.out[0].token == 1);
    }
}

TEST_CASE("remove survives whatever the kernel says") {
    for (const int code : {ENOENT, EBADF, ENOMEM}) {
        scripted_calls::reset();
        scripted_reactor r;
        scripted_calls::fail(kernel_call::epoll_ctl, code);
        r.remove(12345);
        CHECK(scripted_calls::made(kernel_call::epoll_ctl) == 3);
    }
}

TEST_CASE("interrupted is an early return and no failure") {
    scripted_calls::reset();
    scripted_reactor r;
    waiter wait{r};
    scripted_calls::fail(kernel_call::epoll_wait, EINTR, 1, 2);
    r.arm(r.now() + seconds(3600));
    CHECK(wait(true) == 0);
    CHECK(wait(true) == 0);
    r.ring();
    CHECK(wait(true) == 0);
    CHECK(scripted_calls::made(kernel_call::epoll_wait) == 3);
}

TEST_CASE("a wait that fails says why and loses nothing") {
    scripted_calls::reset();
    scripted_reactor r;
    pipe_pair p;
    p.fill();
    REQUIRE(r.add(p.from.get(), interest::read, 1).has_value());
    r.ring();
    scripted_calls::fail(kernel_call::epoll_wait, EBADF);
    std::array<readiness, 4> out{};
    const auto failed = r.wait(out, false);
    REQUIRE_FALSE(failed.has_value());
    CHECK(failed.error() == os_error{EBADF, "epoll_wait"});
    CHECK(waiter{r}() == 1);
}

TEST_CASE("the kernel's timer is set only when the armed time changes") {
    scripted_calls::reset();
    scripted_reactor r;
    waiter wait{r};
    const auto sets = [] { return scripted_calls::made(kernel_call::timerfd_settime); };
    const instant now = r.now();
    r.arm(instant::never());
    CHECK(sets() == 0);
    for (int turn = 0; turn < 5; ++turn) {
        r.arm(now + seconds(10));
        wait();
    }
    CHECK(sets() == 1);
    r.arm(now + seconds(20));
    CHECK(sets() == 2);
    r.arm(instant::never());
    r.arm(instant::never());
    CHECK(sets() == 3);
}

TEST_CASE("a timer that has expired needs no disarming, and hides no later time") {
    scripted_calls::reset();
    scripted_reactor r;
    waiter wait{r};
    const auto sets = [] { return scripted_calls::made(kernel_call::timerfd_settime); };
    const instant due = r.now() + microseconds(100);
    r.arm(due);
    instant later = r.now();
    while (later <= due + milliseconds(1)) later = r.now();
    CHECK(wait() == 0); // takes the expiry
    r.arm(later);
    CHECK(sets() == 1); // due already: the clock has been read since
    r.arm(instant::never());
    CHECK(sets() == 1);
}

TEST_CASE("a due timer runs without the kernel's timer") {
    scripted_calls::reset();
    scripted_reactor r;
    const instant now = r.now();
    for (int turn = 0; turn < 5; ++turn) {
        r.arm(turn % 2 == 0 ? now : instant{1});
        CHECK(readable(r.fd()));
        CHECK(waiter{r}(true) == 0);
        CHECK(scripted_calls::timeout_ms == 0);
    }
    CHECK(scripted_calls::made(kernel_call::timerfd_settime) == 0);
}

TEST_CASE("a due timer costs one ring however often it is armed") {
    scripted_calls::reset();
    scripted_reactor r;
    const instant now = r.now();
    for (int again = 0; again < 5; ++again) r.arm(now);
    CHECK(scripted_calls::made(kernel_call::write) == 1);
}

TEST_CASE("a timer that cannot be set is polled") {
    scripted_calls::reset();
    scripted_reactor r;
    waiter wait{r};
    const instant due = r.now() + milliseconds(20);
    scripted_calls::fail(kernel_call::timerfd_settime, ENOMEM, 1, 1000);
    r.arm(due);
    CHECK(readable(r.fd()));
    CHECK(wait(true) == 0);
    scripted_calls::reset();
    r.arm(due);
    CHECK(scripted_calls::made(kernel_call::timerfd_settime) == 1);
    CHECK(wait(true) == 0);
    CHECK(r.now() >= due);
}

TEST_CASE("a full doorbell still rings") {
    scripted_calls::reset();
    scripted_reactor r;
    waiter wait{r};
    const std::uint64_t most = ~std::uint64_t{0} - 1;
    REQUIRE(::write(scripted_calls::bell, &most, sizeof most) == sizeof most);
    CHECK(wait() == 0); // takes that edge: the counter stays full
    CHECK_FALSE(readable(r.fd()));
    r.prepare_sleep();
    errno = E2BIG;
    r.wake();
    CHECK(errno == E2BIG);
    CHECK(readable(r.fd()));
    CHECK(wait(true) == 0);
    CHECK_FALSE(readable(r.fd()));
}

TEST_CASE("a doorbell that never works is given up") {
    scripted_calls::reset();
    scripted_reactor r;
    for (const int code : {EINTR, EAGAIN, EBADF}) {
        scripted_calls::fail(kernel_call::write, code, 1, 1000);
        r.ring();
        CHECK(scripted_calls::made(kernel_call::write) < 100);
    }
    scripted_calls::reset();
    r.ring();
    CHECK(readable(r.fd()));
}

TEST_CASE("an interrupted doorbell rings") {
    scripted_calls::reset();
    scripted_reactor r;
    r.prepare_sleep();
    scripted_calls::fail(kernel_call::write, EINTR);
    r.wake();
    CHECK(readable(r.fd()));
}
