// Row 2, through a link: a control on another thread asks the bus and waits for the answer, on one
// CPU. The limit is two epoll loops that wake each other through eventfds and do nothing else: no
// request, no answer, no check of rights.
#include "one_cpu.hpp"
#include "ratio.hpp"

#include <vmsig/client/client.hpp>
#include <vmsig/transport/thread_link.hpp>
#include <vmsig/vmsig.hpp>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>

namespace {

using clock_type = std::chrono::steady_clock;
constexpr int round_trips = 1000;

/// `ask` is run `round_trips` times while another thread runs `serve`, until `end` was called.
template <class Ask, class Serve, class End>
void on_one_cpu(benchmark::State& state, Ask ask, Serve serve, End end) {
    const bench::first_cpu here;
    std::thread other{serve};
    for (auto _ : state) {
        const auto start = clock_type::now();
        for (int n = 0; n < round_trips; ++n) ask();
        const std::chrono::duration<double> spent = clock_type::now() - start;
        state.SetIterationTime(spent.count());
    }
    end();
    other.join();
}

struct raw_end {
    vmsig::unique_fd epoll{epoll_create1(EPOLL_CLOEXEC)};
    vmsig::unique_fd bell{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    raw_end() {
        epoll_event e{};
        e.events = EPOLLIN;
        if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, bell.get(), &e) != 0) std::abort();
    }
    void ring() const {
        const std::uint64_t one = 1;
        if (write(bell.get(), &one, sizeof one) != sizeof one) std::abort();
    }
    void wait() const {
        epoll_event got[64];
        std::uint64_t count = 0;
        if (epoll_wait(epoll.get(), got, 64, -1) != 1) std::abort();
        if (read(bell.get(), &count, sizeof count) != sizeof count) std::abort();
    }
};

void limit_round_trip(benchmark::State& state) {
    raw_end asks, answers;
    std::atomic<bool> over{false};
    on_one_cpu(
        state,
        [&] {
            answers.ring();
            asks.wait();
        },
        [&] {
            for (;;) {
                answers.wait();
                if (over) return;
                asks.ring();
            }
        },
        [&] {
            over = true;
            answers.ring();
        });
}

/// The same with the queue in memory and a doorbell each, but without a bus: what the link's own
/// means allow.
void channel_round_trip(benchmark::State& state) {
    auto ends = vmsig::thread_end::make();
    const auto turn = [](vmsig::thread_end& me) {
        me.awake();
        while (!me.receive([](auto, auto) {})) {
            if (me.hung_up()) return false;
            if (me.sleep()) me.wait(vmsig::seconds(20));
        }
        return true;
    };
    const auto say = [](vmsig::thread_end& me) {
        if (me.reserve().empty()) std::abort();
        me.send(16);
    };
    on_one_cpu(
        state,
        [&] {
            say(ends.first);
            turn(ends.first);
        },
        [&] {
            while (turn(ends.second)) say(ends.second);
        },
        [&] { ends.first.close(vmsig::wire::farewell::by_request); });
}

void link_round_trip(benchmark::State& state) {
    vmsig::core<> bus;
    const auto vm = bus.add_endpoint("a");
    vmsig::thread_link link{bus, vmsig::grant{}.on(vm).allow(vmsig::right::observe)};
    while (bus.dispatch()) {}
    const auto made = vmsig::client::over(link.take_end());
    if (!made) std::abort();
    vmsig::client& c = **made;
    vmsig::endpoint_id at;
    while (const vmsig::event* e = c.next_event())
        if (e->is(vmsig::kind::replay_end)) at = e->endpoint;
    if (!at) std::abort();
    on_one_cpu(
        state,
        [&] {
            if (c.may(vmsig::verb::status, at) != vmsig::refusal::none) std::abort();
        },
        [&] { bus.run(); }, [&] { bus.stop(); });
}

} // namespace

int main(int argc, char** argv) {
    bench::pair("2  a round trip over a channel", 0.75, 2 * round_trips, limit_round_trip,
                channel_round_trip, bench::clock::manual);
    bench::pair("2  ask the bus over a link", 0, 2 * round_trips, limit_round_trip, link_round_trip,
                bench::clock::manual);
    return bench::run(argc, argv);
}
