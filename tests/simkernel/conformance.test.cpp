// Rule: the epoll reactor keeps the contract of a reactor on the simulated kernel as on the real
// one.
#include <vmsig/testing/reactor_conformance.hpp>

#include <support/catch.hpp>

#include <vmsig/reactor/epoll_reactor.hpp>

#include "calls.hpp"

using namespace vmsig;
using namespace vmsig::simkernel;

namespace {

class driver {
public:
    auto& reactor() { return reactor_; }
    int open() {
        int ends[2];
        REQUIRE(machine_.socketpair(ends) == 0);
        REQUIRE(ends[1] == ends[0] + 1);
        return ends[0];
    }
    void make_readable(int fd) {
        REQUIRE(machine_.find(fd + 1)->write(std::array{std::byte{1}}) == 1);
    }
    void make_unreadable(int fd) {
        std::array<std::byte, 16> room{};
        REQUIRE(machine_.find(fd)->read(room) > 0);
    }
    void hang_up(int fd) { REQUIRE(machine_.close(fd + 1) == 0); }
    void pass(duration length) { machine_.advance(length); }
    bool readable() { return machine_.readable(reactor_.fd()); }

private:
    kernel machine_;
    epoll_reactor<sim_calls> reactor_;
};

} // namespace

TEST_CASE("on the simulated kernel the epoll reactor keeps the contract") {
    auto sink = [&](const testing::finding& f) {
        INFO(f.rule << " (" << f.file << ":" << f.line << ")");
        CHECKED_IF(f.ok) { SUCCEED(f.expression); }
        CHECKED_ELSE(f.ok) { FAIL_CHECK(f.expression); }
    };
    testing::report to{sink};
    testing::reactor_conformance([] { return driver{}; }, to);
    CHECK(to.checks() > 50);
    CHECK(to.failures() == 0);
}
