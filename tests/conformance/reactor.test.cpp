// Rule: every model of `reactor` keeps the contract, and the suite notices one that does not.
#include <vmsig/testing/reactor_conformance.hpp>

#include <poll.h>
#include <sys/socket.h>

#include <ctime>
#include <vector>

#include <support/catch.hpp>

#include <vmsig/base/unique_fd.hpp>
#include <vmsig/reactor/epoll_reactor.hpp>
#include <vmsig/reactor/manual_reactor.hpp>

#include "conformance/scripted_driver.hpp"

using namespace vmsig;
using vmsig::test::scripted_driver;

namespace {

/// Socket pairs and real time.
template <class Reactor>
class kernel_driver {
public:
    kernel_driver() = default;
    kernel_driver(kernel_driver&&) = delete;
    Reactor& reactor() { return reactor_; }
    int open() {
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
        pairs_.push_back({unique_fd{ends[0]}, unique_fd{ends[1]}});
        return ends[0];
    }
    void make_readable(int fd) { REQUIRE(::write(peer(fd).get(), "x", 1) == 1); }
    void make_unreadable(int fd) {
        char bytes[16];
        REQUIRE(::read(fd, bytes, sizeof bytes) > 0);
    }
    void hang_up(int fd) { peer(fd).reset(); }
    void pass(duration length) {
        const timespec time{0, static_cast<long>(length.ns)};
        ::nanosleep(&time, nullptr);
    }
    bool readable() {
        pollfd p{reactor_.fd(), POLLIN, 0};
        REQUIRE(::poll(&p, 1, 0) >= 0);
        return p.revents != 0;
    }

private:
    struct pair {
        unique_fd ours;
        unique_fd peer;
    };
    unique_fd& peer(int fd) {
        for (pair& p : pairs_)
            if (p.ours.get() == fd) return p.peer;
        FAIL("not opened here");
        return pairs_.front().peer;
    }

    std::vector<pair> pairs_;
    Reactor reactor_;
};

/// Every finding is an assertion, except for those that are expected to fail.
template <class Driver>
std::uint64_t failures(bool assert_each) {
    auto sink = [&](const testing::finding& f) {
        if (!assert_each) return;
        INFO(f.rule << " (" << f.file << ":" << f.line << ")");
        CHECKED_IF(f.ok) { SUCCEED(f.expression); }
        CHECKED_ELSE(f.ok) { FAIL_CHECK(f.expression); }
    };
    testing::report to{sink};
    testing::reactor_conformance([] { return Driver{}; }, to);
    CHECK(to.checks() > 50);
    return to.failures();
}

// Models with one fault each.
struct edge_triggered : manual_reactor {
    expected<std::size_t, os_error> wait(std::span<readiness> out, bool block) {
        auto n = manual_reactor::wait(out, block);
        for (int fd = 100; fd < 110; ++fd) clear_ready(fd);
        return n;
    }
};
struct deaf : manual_reactor {
    void wake() noexcept {}
};
struct always_rings : manual_reactor {
    void wake() noexcept { ring(); }
};
struct forgets_to_disarm : manual_reactor {
    void arm(instant when) noexcept {
        if (when != instant::never()) manual_reactor::arm(when);
    }
};
struct never_due_in_the_past : manual_reactor {
    void arm(instant when) noexcept {
        if (when > now()) manual_reactor::arm(when);
    }
};
struct remembers_removed : manual_reactor {
    void remove(int fd) noexcept { (void)modify(fd, {}, 7); }
};
struct modify_adds : manual_reactor {
    expected<void, os_error> modify(int fd, interests what, std::uint64_t token) {
        if (!watched(fd)) return add(fd, what, token);
        return manual_reactor::modify(fd, what, token);
    }
};
struct add_replaces : manual_reactor {
    expected<void, os_error> add(int fd, interests what, std::uint64_t token) {
        manual_reactor::remove(fd);
        return manual_reactor::add(fd, what, token);
    }
};
struct silent_ring : manual_reactor {
    void ring() noexcept {}
};
struct ignores_withdrawal : manual_reactor {
    void awake() noexcept {}
};

} // namespace

TEST_CASE("the epoll reactor keeps the contract") {
    CHECK(failures<kernel_driver<epoll_reactor<>>>(true) == 0);
}

TEST_CASE("the manual reactor keeps the contract") {
    CHECK(failures<scripted_driver<manual_reactor>>(true) == 0);
}

TEMPLATE_TEST_CASE("a reactor with a fault is found out", "", edge_triggered, deaf, always_rings,
                   forgets_to_disarm, never_due_in_the_past, remembers_removed, modify_adds,
                   add_replaces, silent_ring, ignores_withdrawal) {
    CHECK(failures<scripted_driver<TestType>>(false) > 0);
}
