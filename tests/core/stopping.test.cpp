// Rule: stop and wake may come from any thread and from a signal handler, at any instant; stop is
// sticky, and what is queued stays.
#include "harness.hpp"

#include <atomic>
#include <csignal>
#include <thread>

#include <poll.h>

using namespace vmsig;
using namespace vmsig::test;

namespace {

/// Counts the turns: each waits once.
struct turning_reactor : epoll_reactor<> {
    std::atomic<std::uint64_t> turns{0};
    auto wait(std::span<readiness> out, bool block) {
        ++turns;
        return epoll_reactor<>::wait(out, block);
    }
};
struct turning_traits : test_traits {
    using reactor = turning_reactor;
};
using turning = bench<turning_traits>;

struct few_commands : small_limits {
    static constexpr std::uint32_t commands_per_turn = 4;
};
struct few_traits : turning_traits {
    using limits = few_commands;
};

core<turning_traits>* signalled = nullptr;
std::atomic<int> handled{0};

/// While it lives, SIGUSR1 stops, or wakes, the core.
struct handler {
    handler(turning& w, bool stops) {
        signalled = &w.bus;
        handled = 0;
        struct sigaction how = {};
        how.sa_handler = stops ? on_stop : on_wake;
        REQUIRE(::sigaction(SIGUSR1, &how, &before_) == 0);
    }
    ~handler() { ::sigaction(SIGUSR1, &before_, nullptr); }
    handler(const handler&) = delete;
    static void on_stop(int) {
        signalled->stop();
        ++handled;
    }
    static void on_wake(int) {
        signalled->wake();
        ++handled;
    }

private:
    struct sigaction before_ = {};
};

/// Runs the loop here and `f` in another thread, once the loop is turning.
template <class Bench, class F>
void run_beside(Bench& w, F&& f) {
    const std::uint64_t before = w.bus.reactor().turns;
    std::thread other{[&] {
        while (w.bus.reactor().turns == before) std::this_thread::yield();
        f();
    }};
    w.bus.run();
    other.join();
}

bool readable(int fd) {
    pollfd p{fd, POLLIN, 0};
    return ::poll(&p, 1, 0) == 1;
}

} // namespace

TEST_CASE("stop from another thread ends run, also before it has begun, and until restart") {
    turning w;
    w.settle();
    for (int round = 0; round < 200; ++round) {
        run_beside(w, [&] { w.bus.stop(); });
        CHECK(w.bus.stopped());
        const std::uint64_t turns = w.bus.reactor().turns;
        w.bus.run();
        w.bus.run();
        CHECK(w.bus.reactor().turns == turns);
        w.bus.restart();
        CHECK_FALSE(w.bus.stopped());
    }
    std::thread{[&] { w.bus.stop(); }}.join();
    w.bus.run();
    CHECK(w.bus.stopped());
}

TEST_CASE("stop from a signal handler ends run, whatever the loop was doing") {
    turning w;
    const handler h{w, true};
    const pthread_t loop = ::pthread_self();
    w.settle();
    for (int round = 0; round < 200; ++round) {
        const bool here = round % 2 == 0; // the handler interrupts the loop, or another thread
        run_beside(w, [&] { ::pthread_kill(here ? loop : ::pthread_self(), SIGUSR1); });
        w.bus.restart();
    }
    CHECK(handled == 200);
    REQUIRE(w.bus.post([] { ::raise(SIGUSR1); })); // in the middle of a turn
    w.bus.run();
    CHECK(w.bus.stopped());
}

TEST_CASE("a stop that comes while posts pour in loses none of them") {
    turning w;
    int ran = 0, accepted = 0;
    for (int round = 0; round < 50; ++round) {
        run_beside(w, [&] {
            for (int i = 0; i < 20; ++i) accepted += w.bus.post([&ran] { ++ran; }) ? 1 : 0;
            w.bus.stop();
            for (int i = 0; i < 20; ++i) accepted += w.bus.post([&ran] { ++ran; }) ? 1 : 0;
        });
        w.bus.restart();
    }
    CHECK(accepted > 0);
    w.settle();
    CHECK(ran == accepted);
}

TEST_CASE("after a stop run ends with its turn, and what is queued stays until the next") {
    bench<few_traits> w;
    host_device h;
    agent a;
    w.bus.attach_adapter(h, w.vm);
    w.join(a, full(w.vm));
    for (int i = 0; i < 10; ++i) REQUIRE(a.bus.submit(query_status(w.vm)));
    h.on_execute = [&](fenced_command c, adapter_handle bus) {
        if (h.take(c)) bus.complete(c.id());
        std::thread{[&] { w.bus.stop(); }}.join();
    };
    w.bus.run();
    CHECK(h.executed.size() == few_commands::commands_per_turn);
    CHECK(a.count(kind::receipt) == few_commands::commands_per_turn);
    CHECK(w.bus.pending_of(a.bus.origin()) == 10 - few_commands::commands_per_turn);
    w.bus.run();
    CHECK(h.executed.size() == few_commands::commands_per_turn);
    w.settle();
    CHECK(h.executed.size() == 10);
    CHECK(w.bus.stopped());
}

TEST_CASE("a host that goes on with its own loop after a stop is told of the work that is left") {
    bench<few_traits> w;
    host_device h;
    agent a;
    w.bus.attach_adapter(h, w.vm);
    w.join(a, full(w.vm));
    h.on_execute = [&](fenced_command c, adapter_handle bus) {
        if (h.take(c)) bus.complete(c.id());
        w.bus.stop();
    };
    for (int i = 0; i < 10; ++i) REQUIRE(a.bus.submit(query_status(w.vm)));
    w.bus.run();
    REQUIRE(h.executed.size() == few_commands::commands_per_turn);
    CHECK(readable(w.bus.fd()));
}

TEST_CASE("wake from another thread or a signal handler makes a turn of run happen") {
    turning w;
    const handler h{w, false};
    const pthread_t loop = ::pthread_self();
    w.settle();
    run_beside(w, [&] {
        for (int round = 0; round < 200; ++round) {
            const std::uint64_t before = w.bus.reactor().turns;
            if (round % 2 == 0)
                w.bus.wake();
            else
                ::pthread_kill(round % 4 == 1 ? loop : ::pthread_self(), SIGUSR1);
            while (w.bus.reactor().turns == before) std::this_thread::yield();
        }
        w.bus.stop();
    });
    CHECK(handled == 100);
}

TEST_CASE("wake from a signal handler makes the descriptor of a host's own loop readable, once") {
    turning w;
    const handler h{w, false};
    w.settle();
    for (int round = 0; round < 100; ++round) {
        CHECK_FALSE(readable(w.bus.fd()));
        REQUIRE(::raise(SIGUSR1) == 0);
        CHECK(readable(w.bus.fd()));
        REQUIRE(::raise(SIGUSR1) == 0);
        CHECK_FALSE(w.bus.dispatch());
    }
}
