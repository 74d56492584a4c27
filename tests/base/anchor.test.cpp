// Rule: an anchor outlives what it points to, is never handed out twice, and is wiped in a fork.
#include <vmsig/base/anchor.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <barrier>
#include <set>
#include <thread>
#include <vector>

#include <support/catch.hpp>

using namespace vmsig;

TEST_CASE("anchors are distinct, empty and aligned, beyond one page too") {
    std::set<anchor*> seen;
    for (int n = 0; n < 1000; ++n) {
        anchor& a = detail::new_anchor();
        CHECK(a.core.load() == nullptr);
        CHECK(reinterpret_cast<std::uintptr_t>(&a) % alignof(anchor) == 0);
        a.core = &seen;
        CHECK(seen.insert(&a).second);
    }
    for (anchor* a : seen) CHECK(a->core.load() == &seen);
}

TEST_CASE("a forked child finds nothing in an anchor, its parent still does") {
    anchor& a = detail::new_anchor();
    int core = 0;
    a.core = &core;
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) ::_exit(a.core.load() == nullptr ? 0 : 1);
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(a.core.load() == &core);
}

TEST_CASE("threads get anchors of their own") {
    constexpr std::size_t each = 500;
    std::vector<std::vector<anchor*>> got(2);
    std::vector<std::thread> threads;
    threads.reserve(got.size());
    for (auto& mine : got) {
        threads.emplace_back([&mine] {
            for (std::size_t n = 0; n < each; ++n) mine.push_back(&detail::new_anchor());
        });
    }
    for (auto& t : threads) t.join();
    std::set<anchor*> all(got[0].begin(), got[0].end());
    all.insert(got[1].begin(), got[1].end());
    CHECK(all.size() == 2 * each);
}

TEST_CASE("threads that ask at the same instant wait for one another") {
    constexpr std::size_t each = 2000;
    std::array<std::vector<anchor*>, 4> got;
    std::barrier together{static_cast<std::ptrdiff_t>(got.size())};
    std::vector<std::thread> threads;
    threads.reserve(got.size());
    for (auto& mine : got) {
        mine.reserve(each);
        threads.emplace_back([&mine, &together] {
            together.arrive_and_wait();
            for (std::size_t n = 0; n < each; ++n) mine.push_back(&detail::new_anchor());
        });
    }
    for (auto& t : threads) t.join();
    std::set<anchor*> all;
    for (const auto& mine : got) all.insert(mine.begin(), mine.end());
    CHECK(all.size() == got.size() * each);
}
