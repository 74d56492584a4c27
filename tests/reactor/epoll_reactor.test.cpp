// Rule: the epoll reactor is what the kernel makes of it: no ghosts, no reused tokens, fair
// batches.
#include <vmsig/reactor/epoll_reactor.hpp>

#include <sys/socket.h>
#include <sys/wait.h>

#include <memory>
#include <vector>

#include <support/catch.hpp>

#include <support/alloc_guard.hpp>
#include <support/fd_count.hpp>

#include "reactor_fixture.hpp"

using namespace vmsig;
using test::pipe_pair;
using test::readable;
using test::waiter;

TEST_CASE("its own descriptors close with it, and exec closes them") {
    const int before = test::open_fd_count();
    {
        epoll_reactor<> r;
        const int during = test::open_fd_count();
        CHECK(during == before + 3);
        for (int fd = r.fd(); fd < r.fd() + 3; ++fd)
            CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    }
    CHECK(test::open_fd_count() == before);
}

TEST_CASE("what cannot be watched is refused with EPERM") {
    epoll_reactor<> r;
    const unique_fd file{::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};
    REQUIRE(file);
    const auto refused = r.add(file.get(), interest::read, 1);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == EPERM);
}

TEST_CASE("a removed descriptor with a living duplicate is silent after its close") {
    epoll_reactor<> r;
    pipe_pair p;
    const unique_fd duplicate{::dup(p.from.get())};
    REQUIRE(r.add(p.from.get(), interest::read, 1).has_value());
    SECTION("removed, then closed") {
        r.remove(p.from.get());
        p.from.reset();
        p.fill();
        CHECK(waiter{r}() == 0);
    }
    SECTION("closed first: the ghost that the order avoids") {
        p.from.reset();
        p.fill();
        CHECK(waiter{r}() == 1);
    }
}

TEST_CASE("a reused descriptor number answers by its new token only") {
    epoll_reactor<> r;
    waiter wait{r};
    auto old = std::make_unique<pipe_pair>();
    const int number = old->from.get();
    old->fill();
    REQUIRE(r.add(number, interest::read, 1).has_value());
    REQUIRE(wait() == 1);
    const readiness stale = wait.out[0];

    r.remove(number); // in the middle of dispatching that batch
    old.reset();
    pipe_pair fresh;
    REQUIRE(fresh.from.get() == number);
    REQUIRE(r.add(number, interest::read, 2).has_value());
    CHECK(stale.token == 1);
    CHECK(wait() == 0);
    fresh.fill();
    REQUIRE(wait() == 1);
    CHECK(wait.out[0].token == 2);
}

TEST_CASE("a half-closed peer is told to those who asked") {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    const unique_fd ours{ends[0]};
    const unique_fd peer{ends[1]};
    epoll_reactor<> r;
    waiter wait{r};
    REQUIRE(r.add(ours.get(), {}, 1).has_value());
    REQUIRE(::shutdown(peer.get(), SHUT_WR) == 0);
    CHECK(wait() == 0);
    REQUIRE(r.modify(ours.get(), interest::hangup, 1).has_value());
    REQUIRE(wait() == 1);
    CHECK(wait.out[0].what == interest::hangup);
    REQUIRE(r.modify(ours.get(), interest::write, 1).has_value());
    REQUIRE(wait() == 1);
    CHECK(wait.out[0].what == interest::write);
}

TEST_CASE("a pipe that nobody reads any more is an error") {
    epoll_reactor<> r;
    waiter wait{r};
    pipe_pair p;
    REQUIRE(r.add(p.to.get(), {}, 1).has_value());
    p.from.reset();
    REQUIRE(wait() == 1);
    CHECK(wait.out[0].what.has(interest::error));
}

TEST_CASE("a batch has at most 64 and the rest comes next") {
    constexpr std::size_t watches = 100;
    epoll_reactor<> r;
    std::vector<pipe_pair> pipes(watches);
    for (std::size_t i = 0; i < watches; ++i) {
        pipes[i].fill();
        REQUIRE(r.add(pipes[i].from.get(), interest::read, i).has_value());
    }
    std::vector<readiness> out(1000);
    std::vector<int> told(watches);
    CHECK(r.wait(out, false).value() == epoll_reactor<>::max_ready_per_wait);
    for (std::size_t i = 0; i < 64; ++i) ++told[out[i].token];
    CHECK(r.wait(out, false).value() == epoll_reactor<>::max_ready_per_wait);
    for (std::size_t i = 0; i < 36; ++i) ++told[out[i].token];
    CHECK(std::all_of(told.begin(), told.end(), [](int n) { return n == 1; }));
}

TEST_CASE("a child that destroys its copy takes nothing from its parent") {
    epoll_reactor<> r;
    waiter wait{r};
    pipe_pair p;
    REQUIRE(r.add(p.from.get(), interest::read, 1).has_value());
    r.arm(r.now() + milliseconds(5));
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        r.~epoll_reactor();
        ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(wait(true) == 0); // the timer
    p.fill();
    CHECK(wait(true) == 1);
    r.ring();
    CHECK(readable(r.fd()));
}

TEST_CASE("a turn allocates nothing") {
    epoll_reactor<> r;
    pipe_pair p;
    std::array<readiness, 8> out{};
    std::size_t told = 0;
    const auto count = test::allocations_in([&] {
        r.add(p.from.get(), interest::read, 1);
        r.add(p.from.get(), interest::read, 1); // refused
        r.modify(p.from.get(), interest::read, 2);
        r.arm(r.now() + seconds(1));
        r.prepare_sleep();
        r.wake();
        told += r.wait(out, true).value();
        r.awake();
        r.ring();
        r.remove(p.from.get());
    });
    CHECK(count == 0);
    CHECK(told == 0);
}
