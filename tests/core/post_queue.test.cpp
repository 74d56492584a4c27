// Rule: what is posted runs first in, first out; closures are bounded in number, and each runs or
// is destroyed, once; a node is the caller's, before and after.
#include <vmsig/core/post_queue.hpp>

#include <deque>

#include <memory>
#include <thread>
#include <vector>

#include <support/catch.hpp>

using namespace vmsig;

namespace {

/// Runs what is there; how many that was.
int run_all(post_queue& queue) {
    for (int ran = 0;; ++ran) {
        auto next = queue.take();
        if (!next) return ran;
        next.run();
    }
}

struct i_threw {};

struct tally : post_node {
    int ran = 0;
    tally()
        : post_node{[](post_node& me) { ++static_cast<tally&>(me).ran; }} {}
};

} // namespace

TEST_CASE("closures come out in the order in which they went in, over many rounds") {
    post_queue queue{4};
    std::vector<int> ran;
    for (int round = 0; round < 10; ++round) {
        for (int i = 0; i < 3; ++i)
            REQUIRE(queue.push_closure([&ran, i, round] { ran.push_back(round * 3 + i); }));
        CHECK_FALSE(queue.empty());
        CHECK(run_all(queue) == 3);
    }
    for (int i = 0; i < 30; ++i) CHECK(ran[static_cast<std::size_t>(i)] == i);
    CHECK(queue.empty());
}

TEST_CASE("nodes and closures are one queue") {
    post_queue queue{4};
    std::vector<int> ran;
    standing_post first{[&] { ran.push_back(1); }};
    standing_post third{[&] { ran.push_back(3); }};
    queue.push(first);
    REQUIRE(queue.push_closure([&] { ran.push_back(2); }));
    queue.push(third);
    REQUIRE(queue.push_closure([&] { ran.push_back(4); }));
    CHECK(run_all(queue) == 4);
    CHECK(ran == std::vector<int>{1, 2, 3, 4});
}

TEST_CASE("what is posted while others are run comes after all that was there") {
    post_queue queue{4};
    std::vector<int> ran;
    standing_post late{[&] { ran.push_back(9); }};
    REQUIRE(queue.push_closure([&] {
        ran.push_back(1);
        queue.push(late);
    }));
    REQUIRE(queue.push_closure([&] { ran.push_back(2); }));
    CHECK(run_all(queue) == 3);
    CHECK(ran == std::vector<int>{1, 2, 9});
}

TEST_CASE("a node may post itself, and destroy itself, when it is run") {
    post_queue queue{1};
    struct again : post_node {
        post_queue& queue;
        int left = 3;
        explicit again(post_queue& q)
            : post_node{[](post_node& me) {
                auto& self = static_cast<again&>(me);
                if (--self.left > 0)
                    self.queue.push(self);
                else
                    delete &self;
            }}
            , queue{q} {}
    };
    queue.push(*new again{queue});
    CHECK(run_all(queue) == 3);
    CHECK(queue.empty());
}

TEST_CASE("when it is full the closure stays with the caller, and nodes still fit") {
    post_queue queue{2};
    auto token = std::make_shared<int>(0);
    for (int i = 0; i < 2; ++i) REQUIRE(queue.push_closure([token] {}));
    auto third = [token] {};
    CHECK_FALSE(queue.push_closure(std::move(third)));
    CHECK(token.use_count() == 4);
    tally node;
    queue.push(node);
    queue.take().run();
    CHECK(token.use_count() == 3);
    CHECK(queue.push_closure(std::move(third)));
    CHECK_FALSE(queue.push_closure([] {}));
    CHECK(run_all(queue) == 3);
    CHECK(node.ran == 1);
    CHECK(token.use_count() == 1);
}

TEST_CASE("what never ran is not run by the end of the queue, and nodes are free again") {
    auto token = std::make_shared<int>(0);
    tally node;
    {
        post_queue queue{8};
        for (int i = 0; i < 5; ++i) REQUIRE(queue.push_closure([token] {}));
        queue.push(node);
        CHECK(token.use_count() == 6);
    }
    CHECK(token.use_count() == 1);
    CHECK(node.ran == 0);
    post_queue another{1};
    another.push(node);
    CHECK(run_all(another) == 1);
    CHECK(node.ran == 1);
}

TEST_CASE("a closure that was taken is not kept, also when it throws") {
    post_queue queue{1};
    auto token = std::make_shared<int>(0);
    for (int i = 0; i < 3; ++i) {
        REQUIRE(queue.push_closure([token] { throw i_threw{}; }));
        CHECK_THROWS_AS(queue.take().run(), i_threw);
        CHECK(token.use_count() == 1);
    }
}

TEST_CASE("a closure that cannot be copied in takes no room") {
    struct throws_on_copy {
        throws_on_copy() = default;
        throws_on_copy(const throws_on_copy&) { throw i_threw{}; }
        throws_on_copy(throws_on_copy&&) noexcept = default;
        void operator()() {}
    };
    post_queue queue{1};
    const throws_on_copy bad;
    CHECK_THROWS_AS(queue.push_closure(bad), i_threw);
    CHECK(queue.empty());
    CHECK(queue.push_closure([] {}));
}

TEST_CASE("many threads post, each in its order, and none is lost or run twice") {
    constexpr int threads = 4;
    constexpr int each = 5000;
    post_queue queue{64};
    std::vector<int> last(threads, -1);
    const auto next_of = [&last](int t, int i) {
        auto& before = last[static_cast<std::size_t>(t)];
        if (before == i - 1) before = i;
    };
    struct numbered : post_node {
        const decltype(next_of)* told;
        int thread, number;
        numbered(const decltype(next_of)& f, int t, int n)
            : post_node{[](post_node& me) {
                const auto& self = static_cast<numbered&>(me);
                (*self.told)(self.thread, self.number);
            }}
            , told{&f}
            , thread{t}
            , number{n} {}
    };
    std::deque<numbered> nodes;
    for (int t = 0; t < threads; ++t)
        for (int i = 1; i < each; i += 2) nodes.emplace_back(next_of, t, i);
    std::vector<std::thread> posters;
    for (int t = 0; t < threads; ++t)
        posters.emplace_back([&, t] {
            auto mine = nodes.begin() + t * (each / 2);
            for (int i = 0; i < each; i += 2) { // a closure and a node in turn
                while (!queue.push_closure([&next_of, t, i] { next_of(t, i); }))
                    std::this_thread::yield();
                queue.push(*mine++);
            }
        });
    for (int ran = 0; ran < threads * each;) {
        ran += run_all(queue);
        std::this_thread::yield();
    }
    for (auto& t : posters) t.join();
    CHECK(queue.empty());
    for (const int n : last) CHECK(n == each - 1);
}
