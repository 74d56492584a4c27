// Rule: timers come due by time and, among equals, in the order of their arming.
#include <vmsig/timing/timer_heap.hpp>

#include <map>
#include <random>
#include <vector>

#include <support/alloc_guard.hpp>
#include <support/catch.hpp>

using namespace vmsig;

namespace {

std::vector<std::uint32_t> drain(timer_heap& heap, instant now) {
    std::vector<std::uint32_t> keys;
    for (auto key = heap.pop_due(now); key != timer_heap::no_key; key = heap.pop_due(now))
        keys.push_back(key);
    return keys;
}

/// The same by the book: a multimap keeps equal keys in the order of insertion.
struct model {
    std::multimap<std::int64_t, std::uint32_t> by_time;
    std::map<std::uint32_t, std::multimap<std::int64_t, std::uint32_t>::iterator> by_key;

    void cancel(std::uint32_t key) {
        const auto at = by_key.find(key);
        if (at == by_key.end()) return;
        by_time.erase(at->second);
        by_key.erase(at);
    }
    void arm(std::uint32_t key, instant when) {
        cancel(key);
        by_key[key] = by_time.emplace(when.ns, key);
    }
    std::uint32_t pop_due(instant now) {
        if (by_time.empty() || by_time.begin()->first > now.ns) return timer_heap::no_key;
        const std::uint32_t key = by_time.begin()->second;
        cancel(key);
        return key;
    }
    instant earliest() const {
        return by_time.empty() ? instant::never() : instant{by_time.begin()->first};
    }
};

} // namespace

TEST_CASE("an empty heap has nothing due, ever") {
    timer_heap heap{4};
    CHECK(heap.earliest() == instant::never());
    CHECK(heap.pop_due(instant::never()) == timer_heap::no_key);
    CHECK(heap.size() == 0);
    timer_heap none{0};
    CHECK(none.pop_due(instant::never()) == timer_heap::no_key);
}

TEST_CASE("due is at its time, not before") {
    timer_heap heap{4};
    heap.arm(2, instant{100});
    CHECK(heap.armed(2));
    CHECK(heap.earliest() == instant{100});
    CHECK(heap.pop_due(instant{99}) == timer_heap::no_key);
    CHECK(heap.pop_due(instant{100}) == 2);
    CHECK_FALSE(heap.armed(2));
    CHECK(heap.pop_due(instant{100}) == timer_heap::no_key);
}

TEST_CASE("equal times come in arming order, and re-arming is arming") {
    timer_heap heap{64};
    std::vector<std::uint32_t> expected;
    for (std::uint32_t key = 64; key-- > 0;) heap.arm(key, instant{5});
    heap.arm(40, instant{5});
    for (std::uint32_t key = 64; key-- > 0;)
        if (key != 40) expected.push_back(key);
    expected.push_back(40);
    CHECK(drain(heap, instant{5}) == expected);
}

TEST_CASE("re-arming moves a timer both ways") {
    timer_heap heap{4};
    heap.arm(0, instant{10});
    heap.arm(1, instant{20});
    heap.arm(2, instant{30});
    heap.arm(0, instant{25});
    CHECK(heap.earliest() == instant{20});
    heap.arm(2, instant{5});
    CHECK(heap.size() == 3);
    CHECK(drain(heap, instant{100}) == std::vector<std::uint32_t>{2, 1, 0});
}

TEST_CASE("cancelled is not due, and cancelling twice is harmless") {
    timer_heap heap{4};
    heap.arm(0, instant{10});
    heap.arm(1, instant{20});
    heap.cancel(0);
    heap.cancel(0);
    heap.cancel(3);
    CHECK_FALSE(heap.armed(0));
    CHECK(drain(heap, instant{100}) == std::vector<std::uint32_t>{1});
}

TEST_CASE("armed for never is cancelled") {
    timer_heap heap{4};
    heap.arm(0, instant{10});
    heap.arm(0, instant::never());
    CHECK_FALSE(heap.armed(0));
    CHECK(heap.earliest() == instant::never());
}

TEST_CASE("a timer armed again while the due ones are drained waits for its time") {
    timer_heap heap{4};
    heap.arm(0, instant{10});
    heap.arm(1, instant{10});
    CHECK(heap.pop_due(instant{10}) == 0);
    heap.arm(0, instant{11});
    CHECK(heap.pop_due(instant{10}) == 1);
    CHECK(heap.pop_due(instant{10}) == timer_heap::no_key);
}

TEST_CASE("a million random operations agree with a multimap") {
    constexpr std::uint32_t keys = 300;
    const auto seed = GENERATE(1u, 2u, 3u, 4u);
    // Few distinct times make many ties, many make few.
    const std::int64_t times = seed % 2 == 0 ? 20 : 1'000'000;
    std::mt19937_64 random{seed};
    const auto below = [&](std::uint64_t n) { return random() % n; };
    timer_heap heap{keys};
    model by_the_book;
    std::int64_t now = 0;
    std::uint64_t wrong = 0;
    for (int step = 0; step < 250'000; ++step) {
        const auto key = static_cast<std::uint32_t>(below(keys));
        const std::uint64_t dice = below(10);
        if (dice < 5) {
            const instant when{now +
                               static_cast<std::int64_t>(below(static_cast<std::uint64_t>(times)))};
            heap.arm(key, when);
            by_the_book.arm(key, when);
        } else if (dice < 7) {
            heap.cancel(key);
            by_the_book.cancel(key);
        } else {
            now += static_cast<std::int64_t>(below(static_cast<std::uint64_t>(times) / 10));
            wrong += heap.pop_due({now}) != by_the_book.pop_due({now}) ? 1u : 0u;
        }
        wrong += heap.earliest() != by_the_book.earliest() ? 1u : 0u;
        wrong += heap.size() != by_the_book.by_key.size() ? 1u : 0u;
        wrong += heap.armed(key) != by_the_book.by_key.contains(key) ? 1u : 0u;
    }
    CHECK(wrong == 0);
}

TEST_CASE("a timer heap allocates at construction only") {
    timer_heap heap{1000};
    const auto count = test::allocations_in([&] {
        for (std::uint32_t key = 0; key < 1000; ++key) heap.arm(key, instant{key % 7});
        while (heap.pop_due(instant{6}) != timer_heap::no_key) {}
    });
    CHECK(count == 0);
    CHECK(heap.size() == 0);
}
