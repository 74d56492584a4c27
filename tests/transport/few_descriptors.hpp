// few_descriptors: while it lives, this process may open no descriptor but those that a test leaves
// it: RLIMIT_NOFILE is what is open, and what is below it is filled.
#pragma once

#include <algorithm>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

#include <vmsig/base/unique_fd.hpp>

#include <support/catch.hpp>
#include <support/fd_count.hpp>
#include <support/sanitizers.hpp>

/// For the body of a test case in which no descriptor is left.
#define VMSIG_NEEDS_NO_DESCRIPTORS()                                                               \
    if (VMSIG_TEST_ASAN) VMSIG_SKIP("UndefinedBehaviorSanitizer looks at objects through a pipe")

namespace vmsig::test {

class few_descriptors {
public:
    /// So many are left.
    explicit few_descriptors(unsigned left = 0) {
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
        int highest = 2;
        REQUIRE(for_each_open_fd([&highest](int fd) { highest = std::max(highest, fd); }));
        ::rlimit lower = before_;
        lower.rlim_cur = static_cast<rlim_t>(highest) + 1 + most_left;
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &lower) == 0);
        for (int fd = 0; (fd = ::dup(highest)) >= 0;) filling_.emplace_back(fd);
        REQUIRE(filling_.size() >= most_left);
        leave(left);
    }
    ~few_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
    few_descriptors(const few_descriptors&) = delete;
    few_descriptors& operator=(const few_descriptors&) = delete;

    /// So many more.
    void leave(unsigned n) {
        REQUIRE(n <= filling_.size());
        filling_.resize(filling_.size() - n);
    }

private:
    static constexpr unsigned most_left = 16; // filled, whether or not numbers below were free

    ::rlimit before_{};
    std::vector<unique_fd> filling_;
};

} // namespace vmsig::test
