// Rule: one turn is bounded and says whether work is left; the host's descriptor is readable
// whenever there is something to do; nothing is entered twice, and nothing is allocated.
#include "harness.hpp"

#include <thread>

#include <poll.h>

#include <support/alloc_guard.hpp>

using namespace vmsig;
using namespace vmsig::test;

namespace {

struct counting {
    std::uint64_t events = 0, receipts = 0;
    lease held;
    std::uint16_t key = KEY_A;
    void on_event(const event& e, control_handle bus) {
        ++events;
        if (!e.is(kind::receipt)) return;
        ++receipts;
        if (held.serial) bus.submit(press(held, key));
    }
};
/// Completes at once and keeps nothing.
struct at_once {
    static constexpr roles serves = role::host_management | role::input | role::memctx_provider;
    input_codes takes = input_codes::keyboard();
    adapter_handle bus;
    void on_attach(adapter_handle b) { bus = b; }
    void on_ready(cookie, adapter_handle b) { b.emit(console_output{}); }
    void execute(fenced_command c, adapter_handle b) {
        if (c.take()) b.complete(c.id());
    }
    const input_codes& codes() const { return takes; }
    std::size_t neutral(std::span<const input_change> f, adapter_handle) { return f.size(); }
    expected<memctx_locator, os_error> describe() { return memctx_locator{}; }
    expected<ram_fds, os_error> share_fds() { return ram_fds{}; }
    void invalidate(epoch_number e, adapter_handle b) { b.publish(e); }
};
struct real_clock_traits : test_traits {
    using reactor = epoll_reactor<>;
};
bool is_readable(int fd) {
    pollfd p{fd, POLLIN, 0};
    return ::poll(&p, 1, 0) == 1;
}

} // namespace

TEST_CASE("a turn without work says so, and the host's descriptor is quiet") {
    bench<> w;
    w.settle();
    CHECK_FALSE(w.bus.dispatch());
    CHECK_FALSE(w.bus.reactor().readable());
}

TEST_CASE("a budget bounds the callbacks, and work that is left is said and rung for") {
    bench<> w;
    host_device h;
    agent a;
    w.bus.attach_adapter(h, w.vm);
    w.join(a, full(w.vm));
    for (int i = 0; i < 100; ++i) REQUIRE(a.bus.submit(query_status(w.vm)));
    int turns = 0;
    std::size_t done = 0;
    while (w.bus.dispatch(10)) {
        ++turns;
        CHECK(w.bus.reactor().readable());
        const std::size_t now = h.executed.size() + a.log.size();
        CHECK(now - done <= 12);
        done = now;
    }
    CHECK(turns >= 15);
    CHECK(a.count(kind::receipt) == 100);
    CHECK_FALSE(w.bus.reactor().readable());
}

TEST_CASE("the budget counts readiness too, and no descriptor starves") {
    bench<> w;
    std::vector<std::unique_ptr<machine>> none;
    sensor s;
    w.bus.attach_adapter(s, w.vm);
    std::vector<std::uint64_t> told;
    told.reserve(6);
    s.when_ready = [&](cookie c, adapter_handle) { told.push_back(c.value); };
    for (int fd = 0; fd < 6; ++fd) {
        REQUIRE(s.bus.watch(10 + fd, interest::read, cookie{static_cast<std::uint64_t>(fd)}));
        w.bus.reactor().make_ready(10 + fd, interest::read);
    }
    CHECK(w.bus.dispatch(2));
    CHECK(told.size() == 2);
    w.bus.dispatch(2);
    w.bus.dispatch(2);
    std::sort(told.begin(), told.end());
    CHECK(told == std::vector<std::uint64_t>{0, 1, 2, 3, 4, 5});
}

TEST_CASE("a timer that a short budget left due is work that is left") {
    bench<> w;
    host_device h;
    agent a;
    w.bus.attach_adapter(h, w.vm);
    w.join(a, full(w.vm));
    for (int i = 0; i < 20; ++i)
        REQUIRE(a.bus.submit(query_status(w.vm).delayed(milliseconds(1)).within(milliseconds(1))));
    w.settle();
    w.bus.reactor().advance(milliseconds(5));
    int turns = 1;
    while (w.bus.dispatch(3)) {
        CHECK(w.bus.reactor().readable());
        REQUIRE(++turns < 100);
    }
    CHECK(a.count(kind::receipt) == 20);
    CHECK(turns > 3);
}

TEST_CASE("a turn is not entered from inside a callback") {
    bench<> w;
    agent a;
    sensor s;
    w.bus.attach_adapter(s, w.vm);
    w.join(a, full(w.vm));
    inside(w, a, s, [&] {
        CHECK_FALSE(w.bus.dispatch());
        w.bus.run();
    });
    REQUIRE(w.bus.post([&] { CHECK_FALSE(w.bus.dispatch()); }));
    w.settle();
}

TEST_CASE("time is that of the turn, also for what happens between turns") {
    bench<> w;
    const instant first = w.bus.now();
    w.bus.reactor().advance(seconds(1));
    CHECK(w.bus.now() == first);
    w.bus.dispatch();
    CHECK(w.bus.now() == first + seconds(1));
}

TEST_CASE("posts run in order on the loop, a full ring says so and destroys the closure") {
    bench<> w;
    std::vector<int> ran;
    ran.reserve(64);
    auto token = std::make_shared<int>(0);
    int accepted = 0;
    for (int i = 0; i < 40; ++i)
        accepted += w.bus.post([&ran, i, token] { ran.push_back(i); }) ? 1 : 0;
    CHECK(accepted == small_limits::posts);
    CHECK(token.use_count() == accepted + 1);
    CHECK(ran.empty());
    w.settle();
    CHECK(token.use_count() == 1);
    REQUIRE(ran.size() == small_limits::posts);
    CHECK(std::is_sorted(ran.begin(), ran.end()));
}

TEST_CASE("a posted node runs in its order among closures, however full the ring is") {
    bench<> w;
    std::vector<int> ran;
    ran.reserve(64);
    standing_post node{[&] { ran.push_back(-1); }};
    REQUIRE(w.bus.post([&] { ran.push_back(0); }));
    REQUIRE(w.bus.post(node));
    for (int i = 1; i < small_limits::posts; ++i)
        REQUIRE(w.bus.post([&ran, i] { ran.push_back(i); }));
    CHECK_FALSE(w.bus.post([] {}));
    standing_post last{[&] { ran.push_back(-2); }};
    REQUIRE(w.bus.post(last));
    w.settle();
    REQUIRE(ran.size() == small_limits::posts + 2);
    CHECK(ran[1] == -1);
    CHECK(ran.back() == -2);
    REQUIRE(w.bus.post(node));
    w.settle();
    CHECK(ran.back() == -1);
}

TEST_CASE("a node posted from another thread wakes the loop that sleeps") {
    bench<real_clock_traits> w;
    std::atomic<int> ran{0};
    standing_post stop{[&] { w.bus.stop(); }};
    standing_post node{[&] { ++ran; }};
    std::thread other{[&] {
        for (int i = 0; i < 1000; ++i) {
            w.bus.post(node);
            while (ran.load() <= i) std::this_thread::yield();
        }
        w.bus.post(stop);
    }};
    w.bus.run();
    other.join();
    CHECK(ran == 1000);
}

TEST_CASE("a closure refused because the ring is full is destroyed, also one that has a name") {
    bench<> w;
    for (int i = 0; i < small_limits::posts; ++i) REQUIRE(w.bus.post([] {}));
    auto token = std::make_shared<int>(0);
    auto named = [token] {};
    CHECK(token.use_count() == 2);
    CHECK_FALSE(w.bus.post(std::move(named)));
    CHECK(token.use_count() == 1);
}

TEST_CASE("what was posted and not run is destroyed once, with the core") {
    auto token = std::make_shared<int>(0);
    {
        bench<> w;
        REQUIRE(w.bus.post([token] {}));
        CHECK(token.use_count() == 2);
    }
    CHECK(token.use_count() == 1);
}

TEST_CASE("stop is sticky: run returns after its turn, queued work stays, until restart") {
    bench<> w;
    w.settle();
    int ran = 0;
    REQUIRE(w.bus.post([&] { ++ran; }));
    w.bus.stop();
    w.bus.run();
    CHECK(ran == 0);
    CHECK(w.bus.stopped());
    CHECK_FALSE(w.bus.dispatch());
    CHECK_FALSE(w.bus.dispatch());
    CHECK(ran == 1);
    w.bus.restart();
    REQUIRE(w.bus.post([&] {
        ++ran;
        w.bus.stop();
    }));
    w.bus.run();
    CHECK(ran == 2);
}

TEST_CASE("run sleeps for what is due and serves posts, wakes and stops of other threads") {
    bench<real_clock_traits> w;
    std::atomic<int> ran{0};
    std::thread other{[&] {
        for (int i = 0; i < 1000; ++i)
            while (!w.bus.post([&] { ++ran; })) std::this_thread::yield();
        w.bus.wake();
        while (!w.bus.post([&] { w.bus.stop(); })) std::this_thread::yield();
    }};
    w.bus.run();
    other.join();
    CHECK(ran == 1000);
}

TEST_CASE("a host's own loop sees its descriptor readable for work, posts and due timers") {
    bench<real_clock_traits> w;
    host_device h;
    agent a;
    w.bus.attach_adapter(h, w.vm);
    w.join(a, full(w.vm));
    CHECK_FALSE(is_readable(w.bus.fd()));
    REQUIRE(a.bus.submit(query_status(w.vm)));
    CHECK(is_readable(w.bus.fd()));
    w.settle();
    CHECK_FALSE(is_readable(w.bus.fd()));
    std::thread{[&] { w.bus.post([] {}); }}.join();
    CHECK(is_readable(w.bus.fd()));
    w.settle();
    std::thread{[&] { w.bus.wake(); }}.join();
    CHECK(is_readable(w.bus.fd()));
    w.settle();
    REQUIRE(a.bus.submit(query_status(w.vm).delayed(milliseconds(1))));
    w.settle();
    while (!is_readable(w.bus.fd()) && a.count(kind::receipt) != 2) // if it was not due at once
        std::this_thread::yield();
    w.settle();
    CHECK(a.count(kind::receipt) == 2);
    w.bus.remove_endpoint(w.vm);
    CHECK(is_readable(w.bus.fd()));
}

TEST_CASE("several cores in one process do not know of each other") {
    bench<> one;
    bench<> two;
    agent a, b;
    machine m, n;
    one.bus.attach_adapter(m, one.vm);
    two.bus.attach_adapter(n, two.vm);
    const lease l = one.own(a, lease_class::power);
    two.join(b, full(two.vm));
    CHECK(b.bus.submit(power(l, verb::pause)).why == refusal::not_holder);
    REQUIRE(a.bus.submit(power(l, verb::pause)));
    one.settle();
    two.settle();
    CHECK(m.executed.size() == 1);
    CHECK(n.executed.empty());
    CHECK(b.log.empty());
    CHECK_FALSE(a.bus == b.bus);
}

TEST_CASE("in steady state nothing is allocated") {
    counting c, watcher;
    at_once q;
    bench<> w;
    w.bus.attach_adapter(q, w.vm);
    const control_handle h = w.bus.attach(c, full(w.vm));
    w.bus.attach(watcher, full(w.vm));
    w.settle();
    REQUIRE(q.bus.watch(5, interest::read, {}).has_value());
    w.bus.reactor().make_ready(5, interest::read);
    q.bus.publish(w.bus.epoch_of(w.vm));
    bool all = true;
    const auto work = [&] {
        for (int i = 0; i < 200; ++i) {
            const auto got = h.acquire(w.vm, lease_class::input);
            all = all && got;
            all = all && h.submit(press(got.lease, KEY_A).hold(milliseconds(1)).within(seconds(1)));
            all = all && h.submit(query_status(w.vm).delayed(milliseconds(1)));
            w.bus.dispatch();
            w.bus.reactor().advance(milliseconds(2));
            w.bus.dispatch();
            q.bus.emit(lifecycle{transition::reset, cause::guest, {}, 0});
            w.bus.dispatch();
            all = all && w.bus.post([] {});
            h.release(got.lease);
            w.bus.set_grant(h.origin(), full(w.vm));
            w.bus.dispatch();
        }
    };
    work();
    const auto allocated = allocations_in(work);
    CHECK(allocated == 0);
    CHECK(all);
    CHECK(c.receipts == 800);
    CHECK(watcher.events > 1000);
}

TEST_CASE("a lower lane progresses though a higher one is always full") {
    bench<> w;
    host_device h;
    agent busy, bulk;
    w.bus.attach_adapter(h, w.vm);
    w.join(busy, full(w.vm));
    w.join(bulk, full(w.vm));
    busy.script = [&](const event& e, control_handle bus) {
        if (e.is(kind::receipt)) bus.submit(query_status(w.vm).on(lane::high));
    };
    for (int i = 0; i < 100; ++i) REQUIRE(busy.bus.submit(query_status(w.vm).on(lane::high)));
    const auto id = bulk.bus.submit(query_status(w.vm).on(lane::bulk)).id;
    for (int i = 0; i < 1000 && bulk.outcome_of(id) == outcome::none; ++i) w.bus.dispatch(8);
    REQUIRE(bulk.outcome_of(id) != outcome::none);
    CHECK(h.executed.size() <= 1 + 16 + 4 + 64);
    busy.script = {};
}
