// Rule: no wake is lost, whether from a thread, from a signal handler or in a host's own loop.
#include <vmsig/reactor/epoll_reactor.hpp>

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <csignal>
#include <thread>

#include <support/catch.hpp>

using namespace vmsig;

namespace {

constexpr duration patience = seconds(20);

/// The consuming side of a queue that is only a number, run until `total` or out of patience.
struct consumer {
    epoll_reactor<>& r;
    const std::atomic<std::uint64_t>& pushed;
    std::atomic<std::uint64_t> seen{0}; ///< for posters that wait for an answer
    std::uint64_t sleeps = 0;

    bool look() {
        const std::uint64_t now = pushed.load(std::memory_order_acquire);
        return seen.exchange(now, std::memory_order_acq_rel) != now;
    }
    template <class Sleep>
    bool run(std::uint64_t total, Sleep sleep) {
        const instant give_up = r.now() + patience;
        for (;;) {
            r.awake();
            if (r.now() >= give_up) return false;
            look();
            if (seen >= total) return true;
            r.arm(give_up);
            r.prepare_sleep();
            if (look()) continue;
            ++sleeps;
            sleep();
        }
    }
};

std::atomic<epoll_reactor<>*> to_wake = nullptr;
std::atomic<std::uint64_t> signals = 0;

void wake_from_handler(int) {
    signals.fetch_add(1);
    if (auto* r = to_wake.load()) r->wake();
}

/// SIGUSR1 wakes `r` until the end of the scope.
class waking_signal {
public:
    explicit waking_signal(epoll_reactor<>& r) {
        to_wake = &r;
        signals = 0;
        struct sigaction action {};
        action.sa_handler = wake_from_handler;
        ::sigaction(SIGUSR1, &action, &before_);
    }
    waking_signal(waking_signal&&) = delete;
    ~waking_signal() {
        ::sigaction(SIGUSR1, &before_, nullptr);
        to_wake = nullptr;
    }

private:
    struct sigaction before_ {};
};

} // namespace

TEST_CASE("a wake from another thread ends a wait") {
    epoll_reactor<> r;
    std::array<readiness, 4> out{};
    const instant start = r.now();
    r.arm(start + patience);
    r.prepare_sleep();
    std::thread poster{[&] { r.wake(); }};
    const auto told = r.wait(out, true);
    poster.join();
    CHECK(told.value() == 0);
    CHECK(r.now() < start + patience);
}

TEST_CASE("posts in a flood and one by one are all seen") {
    constexpr std::uint64_t posters = 2;
    constexpr std::uint64_t posts = 20'000;
    const bool one_by_one = GENERATE(false, true);
    epoll_reactor<> r;
    std::array<readiness, 4> out{};
    std::atomic<std::uint64_t> pushed{0};
    consumer loop{r, pushed};
    const auto post = [&] {
        for (std::uint64_t i = 0; i < posts; ++i) {
            const std::uint64_t mine = pushed.fetch_add(1, std::memory_order_release) + 1;
            r.wake();
            while (one_by_one && loop.seen.load(std::memory_order_acquire) < mine)
                std::this_thread::yield();
        }
    };
    std::array<std::thread, posters> threads;
    for (auto& t : threads) t = std::thread{post};
    const bool complete = loop.run(posters * posts, [&] { (void)r.wait(out, true); });
    loop.seen = posters * posts; // a poster whose post was lost does not hang
    for (auto& t : threads) t.join();
    CHECK(complete);
    if (one_by_one) CHECK(loop.sleeps > 0);
}

TEST_CASE("posts to a loop that a host drives are all seen") {
    constexpr std::uint64_t posts = 20'000;
    epoll_reactor<> r;
    std::array<readiness, 4> out{};
    std::atomic<std::uint64_t> pushed{0};
    std::thread poster{[&] {
        for (std::uint64_t i = 0; i < posts; ++i) {
            pushed.fetch_add(1, std::memory_order_release);
            r.wake();
        }
    }};
    consumer loop{r, pushed};
    const bool complete = loop.run(posts, [&] {
        pollfd host{r.fd(), POLLIN, 0};
        ::poll(&host, 1, static_cast<int>(patience.ns / 1'000'000));
        (void)r.wait(out, false);
    });
    poster.join();
    CHECK(complete);
}

TEST_CASE("a host may nest fd() in its own epoll") {
    epoll_reactor<> r;
    epoll_reactor<> host;
    std::array<readiness, 4> out{};
    REQUIRE(host.add(r.fd(), interest::read, 1).has_value());
    for (int turn = 0; turn < 3; ++turn) {
        CHECK(host.wait(out, false).value() == 0);
        r.prepare_sleep();
        r.wake();
        CHECK(host.wait(out, false).value() == 1);
        CHECK(r.wait(out, false).value() == 0);
        r.awake();
    }
}

TEST_CASE("a signal between the last look and the wait is not lost") {
    epoll_reactor<> r;
    const waking_signal with{r};
    std::array<readiness, 4> out{};
    const instant start = r.now();
    r.arm(start + patience);
    r.prepare_sleep();
    ::raise(SIGUSR1);
    CHECK(r.wait(out, true).value() == 0);
    CHECK(r.now() < start + patience);
    CHECK(signals == 1);
}

TEST_CASE("a signal that interrupts the wait ends it") {
    epoll_reactor<> r;
    const waking_signal with{r};
    std::array<readiness, 4> out{};
    const instant start = r.now();
    const pthread_t self = ::pthread_self();
    std::atomic<bool> done = false;
    r.arm(start + patience);
    r.prepare_sleep();
    std::thread sender{[&] {
        while (!done) {
            ::pthread_kill(self, SIGUSR1);
            std::this_thread::yield();
        }
    }};
    const auto told = r.wait(out, true);
    const instant end = r.now();
    done = true;
    sender.join();
    CHECK(told.value() == 0);
    CHECK(end < start + patience);
}

TEST_CASE("a storm of signals loses no post") {
    constexpr std::uint64_t storm = 5'000;
    epoll_reactor<> r;
    const waking_signal with{r};
    std::array<readiness, 4> out{};
    const pthread_t self = ::pthread_self();
    std::thread sender{[&] {
        for (std::uint64_t i = 0; i < storm; ++i) {
            const std::uint64_t before = signals;
            ::pthread_kill(self, SIGUSR1);
            for (unsigned looks = 1; signals == before; ++looks) {
                std::this_thread::yield();
                if (looks % 1000 == 0)
                    ::pthread_kill(self, SIGUSR1); // ThreadSanitizer may lose one
            }
        }
    }};
    consumer loop{r, signals};
    const bool complete = loop.run(storm, [&] { (void)r.wait(out, true); });
    sender.join();
    CHECK(complete);
}
