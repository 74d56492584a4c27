// Rows 1 and 2: what a wake costs. In one thread, a write to an eventfd until its callback has read
// it; the loop's own doorbell, which is edge-triggered and never read; and two loops on one CPU
// that wake each other in turn. The limit is a level-triggered epoll loop that reads its eventfd.
//
// The doorbell's floor: by hand, with the clock read once per turn and the two exchanges by which
// nobody rings for a loop that is awake, it takes 0.725 of the limit. The reactor adds nothing to
// that; a turn of the core, which asks each of its parts for work, adds 0.03.
#include "one_cpu.hpp"
#include "ratio.hpp"

#include <vmsig/vmsig.hpp>

#include <atomic>
#include <chrono>
#include <thread>

namespace {

using clock_type = std::chrono::steady_clock;

vmsig::unique_fd new_eventfd() { return vmsig::unique_fd{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)}; }

void ring(int fd) {
    const std::uint64_t one = 1;
    if (write(fd, &one, sizeof one) != sizeof one) std::abort();
}
void silence(int fd) {
    std::uint64_t count = 0;
    benchmark::DoNotOptimize(read(fd, &count, sizeof count));
}

/// One place of a hand-written loop: what epoll hands back, and where it goes.
struct raw_watch {
    void (*call)(raw_watch&) = nullptr;
    int fd = -1;
    std::uint64_t calls = 0;
};
[[gnu::noinline]] void raw_ready(raw_watch& w) {
    silence(w.fd);
    ++w.calls;
}

struct raw_loop {
    vmsig::unique_fd epoll{epoll_create1(EPOLL_CLOEXEC)};

    void watch(raw_watch& w) {
        epoll_event e{};
        e.events = EPOLLIN;
        e.data.ptr = &w;
        if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, w.fd, &e) != 0) std::abort();
    }
    void turn(int timeout) {
        epoll_event got[64];
        const int n = epoll_wait(epoll.get(), got, 64, timeout);
        for (int i = 0; i < n; ++i) {
            auto& w = *static_cast<raw_watch*>(got[i].data.ptr);
            w.call(w);
        }
    }
};

struct device {
    int fd = -1;
    std::uint64_t calls = 0;
    void on_attach(vmsig::adapter_handle bus) { bus.watch(fd, vmsig::interest::read, {1}); }
    void on_ready(vmsig::cookie, vmsig::adapter_handle) {
        silence(fd);
        ++calls;
    }
};

void limit(benchmark::State& state) {
    raw_loop loop;
    const vmsig::unique_fd fd = new_eventfd();
    raw_watch w{&raw_ready, fd.get()};
    loop.watch(w);
    for (auto _ : state) {
        ring(fd.get());
        loop.turn(0);
    }
    if (w.calls != static_cast<std::uint64_t>(state.iterations())) state.SkipWithError("lost");
}

/// The same, with the clock read once per turn, as events and timers need it.
void limit_with_clock(benchmark::State& state) {
    raw_loop loop;
    const vmsig::unique_fd fd = new_eventfd();
    raw_watch w{&raw_ready, fd.get()};
    loop.watch(w);
    timespec now{};
    for (auto _ : state) {
        ring(fd.get());
        loop.turn(0);
        clock_gettime(CLOCK_MONOTONIC, &now);
        benchmark::DoNotOptimize(now);
    }
}

/// A doorbell by hand, with what is promised: whoever rings it looks first whether the loop has
/// said that it sleeps, which says so anew in each turn, and reads the clock.
void doorbell_by_hand(benchmark::State& state) {
    const vmsig::unique_fd epoll{epoll_create1(EPOLL_CLOEXEC)};
    const vmsig::unique_fd fd = new_eventfd();
    epoll_event e{};
    e.events = EPOLLIN | EPOLLET;
    if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd.get(), &e) != 0) std::abort();
    std::atomic<bool> asleep{true};
    timespec now{};
    for (auto _ : state) {
        if (asleep.exchange(false)) ring(fd.get());
        epoll_event got[64];
        benchmark::DoNotOptimize(epoll_wait(epoll.get(), got, 64, 0));
        clock_gettime(CLOCK_MONOTONIC, &now);
        benchmark::DoNotOptimize(now);
        asleep.exchange(true);
    }
}

void reactor_doorbell(benchmark::State& state) {
    vmsig::epoll_reactor<> reactor;
    std::array<vmsig::readiness, 64> ready;
    for (auto _ : state) {
        reactor.prepare_sleep();
        reactor.wake();
        benchmark::DoNotOptimize(reactor.wait(ready, false));
        reactor.awake();
        benchmark::DoNotOptimize(reactor.now());
    }
}

void ours(benchmark::State& state) {
    vmsig::core<> bus;
    const vmsig::unique_fd fd = new_eventfd();
    device d{fd.get()};
    bus.attach_adapter(d, bus.add_endpoint("a"));
    while (bus.dispatch()) {}
    d.calls = 0;
    for (auto _ : state) {
        ring(fd.get());
        bus.dispatch();
    }
    if (d.calls != static_cast<std::uint64_t>(state.iterations())) state.SkipWithError("lost");
}

void ours_doorbell(benchmark::State& state) {
    vmsig::core<> bus;
    while (bus.dispatch()) {}
    for (auto _ : state) {
        bus.wake();
        bus.dispatch();
    }
}

void ours_reactor(benchmark::State& state) {
    vmsig::epoll_reactor<> reactor;
    const vmsig::unique_fd fd = new_eventfd();
    raw_watch w{&raw_ready, fd.get()};
    if (!reactor.add(fd.get(), vmsig::interest::read, reinterpret_cast<std::uintptr_t>(&w)))
        std::abort();
    std::array<vmsig::readiness, 64> ready;
    for (auto _ : state) {
        ring(fd.get());
        const auto n = reactor.wait(ready, false);
        for (std::size_t i = 0; i < *n; ++i) {
            auto& at = *reinterpret_cast<raw_watch*>(ready[i].token);
            at.call(at);
        }
    }
}

constexpr int round_trips = 1000;

/// `here` and `there` are what each thread runs until they have met `round_trips` times.
template <class Here, class There>
void on_one_cpu(benchmark::State& state, Here here, There there) {
    const bench::first_cpu both;
    for (auto _ : state) {
        std::thread other{there};
        const auto start = clock_type::now();
        here();
        const auto end = clock_type::now();
        other.join();
        state.SetIterationTime(std::chrono::duration<double>(end - start).count());
    }
}

struct raw_player : raw_watch {
    vmsig::unique_fd bell = new_eventfd();
    raw_loop loop;
    raw_player* peer = nullptr;
    raw_player() {
        call = [](raw_watch& w) {
            raw_ready(w);
            ring(static_cast<raw_player&>(w).peer->bell.get());
        };
        fd = bell.get();
        loop.watch(*this);
    }
    void play(std::uint64_t until) {
        while (calls < until) loop.turn(-1);
    }
};

void limit_ping_pong(benchmark::State& state) {
    raw_player a;
    raw_player b;
    a.peer = &b;
    b.peer = &a;
    on_one_cpu(
        state,
        [&] {
            ring(b.bell.get());
            a.play(a.calls + round_trips);
        },
        [&] { b.play(b.calls + round_trips); });
}

struct player {
    vmsig::core<> bus;
    player* peer = nullptr;
    bool began = false; ///< and so it does not answer the last one
    int left = 0;
    void serve() {
        peer->bus.post([p = peer] { p->meet(); });
    }
    void meet() {
        const bool last = --left == 0;
        if (!last || !began) serve();
        if (last) bus.stop();
    }
    void play() {
        bus.run();
        bus.restart();
    }
};

void ours_ping_pong(benchmark::State& state) {
    player a;
    player b;
    a.peer = &b;
    b.peer = &a;
    a.began = true;
    on_one_cpu(
        state,
        [&] {
            a.left = round_trips;
            a.serve();
            a.play();
        },
        [&] {
            b.left = round_trips;
            b.play();
        });
}

} // namespace

int main(int argc, char** argv) {
    bench::pair("1  wake a watch", 1.03, 1, limit, ours);
    bench::pair("1  wake a watch, clock read", 1.03, 1, limit_with_clock, ours);
    bench::pair("1  the reactor alone", 1.03, 1, limit, ours_reactor);
    bench::pair("1  the reactor's doorbell", 0.73, 1, limit, reactor_doorbell);
    bench::pair("1  the doorbell, with a turn", 0.73, 1, limit, ours_doorbell);
    bench::pair("1  the same, doorbell by hand", 1.05, 1, doorbell_by_hand, ours_doorbell);
    bench::pair("2  ping-pong on one CPU", 0.75, 2 * round_trips, limit_ping_pong, ours_ping_pong,
                bench::clock::manual);
    return bench::run(argc, argv);
}
