// What the tests of kernel reactors share: a pipe, a host's poll, and a wait that must succeed.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <span>

#include <support/catch.hpp>

#include <vmsig/base/unique_fd.hpp>
#include <vmsig/reactor/interest.hpp>

namespace vmsig::test {

struct pipe_pair {
    pipe_pair() {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
        from = unique_fd{ends[0]};
        to = unique_fd{ends[1]};
    }
    void fill() { REQUIRE(::write(to.get(), "x", 1) == 1); }
    void drain() {
        char byte = 0;
        REQUIRE(::read(from.get(), &byte, 1) == 1);
    }

    unique_fd from;
    unique_fd to;
};

/// What a host's poll says of `fd`.
inline bool readable(int fd) {
    pollfd p{fd, POLLIN, 0};
    REQUIRE(::poll(&p, 1, 0) >= 0);
    return (p.revents & POLLIN) != 0;
}

/// `wait()` is how many watches are ready; they are in `wait.out`.
template <class R>
struct waiter {
    R& r;
    std::array<readiness, 64> out{};
    std::size_t operator()(bool block = false) {
        const auto n = r.wait(out, block);
        REQUIRE(n.has_value());
        return *n;
    }
};
template <class R>
waiter(R&) -> waiter<R>;

} // namespace vmsig::test
