// Rule: the post ring is bounded and first in, first out; each closure runs or is destroyed, once.
#include <vmsig/core/post_ring.hpp>

#include <memory>
#include <thread>
#include <vector>

#include <support/catch.hpp>

using namespace vmsig;

TEST_CASE("closures come out in the order in which they went in, over many rounds") {
    post_ring ring{4};
    std::vector<int> ran;
    posted out;
    for (int round = 0; round < 10; ++round) {
        for (int i = 0; i < 3; ++i) {
            posted p{[&ran, i, round] { ran.push_back(round * 3 + i); }};
            REQUIRE(ring.push(p));
            CHECK_FALSE(p);
        }
        while (ring.pop(out)) out();
    }
    for (int i = 0; i < 30; ++i) CHECK(ran[static_cast<std::size_t>(i)] == i);
    CHECK(ring.empty());
}

TEST_CASE("when it is full the closure stays with the caller") {
    post_ring ring{2};
    auto token = std::make_shared<int>(0);
    for (int i = 0; i < 2; ++i) {
        posted p{[token] {}};
        REQUIRE(ring.push(p));
    }
    posted third{[token] {}};
    CHECK_FALSE(ring.push(third));
    CHECK(third);
    CHECK(token.use_count() == 4);
    posted out;
    REQUIRE(ring.pop(out));
    CHECK(ring.push(third));
}

TEST_CASE("closures that never ran are destroyed with the ring") {
    auto token = std::make_shared<int>(0);
    {
        post_ring ring{8};
        for (int i = 0; i < 5; ++i) {
            posted p{[token] {}};
            REQUIRE(ring.push(p));
        }
        CHECK_FALSE(ring.empty());
        CHECK(token.use_count() == 6);
    }
    CHECK(token.use_count() == 1);
}

TEST_CASE("a closure that was taken is not kept by the ring") {
    post_ring ring{4};
    auto token = std::make_shared<int>(0);
    posted p{[token] {}};
    REQUIRE(ring.push(p));
    {
        posted out;
        REQUIRE(ring.pop(out));
        out();
    }
    CHECK(token.use_count() == 1);
}

TEST_CASE("many threads post, each in its order, and none is lost or run twice") {
    constexpr int threads = 4;
    constexpr int each = 5000;
    post_ring ring{64};
    std::vector<int> last(threads, -1);
    std::vector<std::thread> posters;
    for (int t = 0; t < threads; ++t)
        posters.emplace_back([&ring, &last, t] {
            for (int i = 0; i < each; ++i) {
                posted p{[&last, t, i] {
                    auto& before = last[static_cast<std::size_t>(t)];
                    if (before == i - 1) before = i;
                }};
                while (!ring.push(p)) std::this_thread::yield();
            }
        });
    int ran = 0;
    posted out;
    while (ran < threads * each) {
        if (!ring.pop(out)) {
            std::this_thread::yield();
            continue;
        }
        out();
        ++ran;
    }
    for (auto& t : posters) t.join();
    CHECK(ring.empty());
    for (const int n : last) CHECK(n == each - 1);
}
