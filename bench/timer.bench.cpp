// Row 4: timers. 1024 that are due at once, per expiry, armed included: the limit is a binary heap
// of {time, whom to call} that can neither cancel nor re-arm. And how late a paced command begins:
// the limit is such a heap and one timerfd in an epoll loop.
#include "ratio.hpp"

#include <vmsig/vmsig.hpp>

#include <algorithm>

namespace {

constexpr std::uint32_t timers = 1024;
constexpr std::uint32_t sets = 64; ///< or a processor would learn the outcome of each comparison

/// The same times for both, in no order.
std::vector<std::int64_t> some_times() {
    std::vector<std::int64_t> times(timers * sets);
    std::uint64_t x = 88172645463325252u;
    for (std::int64_t& t : times) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        t = static_cast<std::int64_t>(x % 1'000'000) + 1;
    }
    return times;
}

struct owner {
    std::uint64_t expiries = 0;
    void (*call)(owner&) = nullptr;
};
[[gnu::noinline]] void expired(owner& o) { ++o.expiries; }

struct raw_timer {
    std::int64_t when = 0;
    owner* whom = nullptr;
    bool operator<(const raw_timer& other) const { return other.when < when; }
};

/// Four children per node, and no branch where a comparison is a coin toss. It can neither cancel
/// nor re-arm, and does not keep the order of equal times.
struct raw_heap {
    std::vector<raw_timer> nodes = std::vector<raw_timer>(timers);
    std::uint32_t size = 0;

    void push(raw_timer t) {
        std::uint32_t at = size++;
        for (; at > 0 && t.when < nodes[(at - 1) / 4].when; at = (at - 1) / 4)
            nodes[at] = nodes[(at - 1) / 4];
        nodes[at] = t;
    }
    std::uint32_t lesser(std::uint32_t a, std::uint32_t b) const {
        return a + (b - a) * static_cast<std::uint32_t>(nodes[b].when < nodes[a].when);
    }
    void pop() {
        const raw_timer last = nodes[--size];
        std::uint32_t at = 0;
        std::uint32_t first = 1;
        for (; first + 4 <= size; first = at * 4 + 1) {
            const std::uint32_t least =
                lesser(lesser(first, first + 1), lesser(first + 2, first + 3));
            nodes[at] = nodes[least];
            at = least;
        }
        if (first < size) {
            std::uint32_t least = first;
            for (std::uint32_t c = first + 1; c < size; ++c) least = lesser(least, c);
            nodes[at] = nodes[least];
            at = least;
        }
        for (; at > 0 && last.when < nodes[(at - 1) / 4].when; at = (at - 1) / 4)
            nodes[at] = nodes[(at - 1) / 4];
        nodes[at] = last;
    }
};

std::vector<owner> owners() { return std::vector<owner>(timers, owner{0, &expired}); }

void limit_by_hand(benchmark::State& state) {
    const auto times = some_times();
    auto all = owners();
    raw_heap heap;
    std::uint32_t set = 0;
    for (auto _ : state) {
        const std::int64_t* when = &times[timers * (++set % sets)];
        for (std::uint32_t i = 0; i < timers; ++i) heap.push({when[i], &all[i]});
        while (heap.size != 0 && heap.nodes[0].when <= 1'000'000) {
            owner& o = *heap.nodes[0].whom;
            heap.pop();
            o.call(o);
        }
    }
    benchmark::DoNotOptimize(all);
}

void limit(benchmark::State& state) {
    const auto times = some_times();
    auto all = owners();
    std::vector<raw_timer> heap;
    heap.reserve(timers);
    std::uint32_t set = 0;
    for (auto _ : state) {
        const std::int64_t* when = &times[timers * (++set % sets)];
        for (std::uint32_t i = 0; i < timers; ++i) {
            heap.push_back({when[i], &all[i]});
            std::push_heap(heap.begin(), heap.end());
        }
        while (!heap.empty() && heap.front().when <= 1'000'000) {
            owner& o = *heap.front().whom;
            std::pop_heap(heap.begin(), heap.end());
            heap.pop_back();
            o.call(o);
        }
    }
    benchmark::DoNotOptimize(all);
}

void ours(benchmark::State& state) {
    const auto times = some_times();
    auto all = owners();
    vmsig::timer_heap heap{timers};
    std::uint32_t set = 0;
    for (auto _ : state) {
        const std::int64_t* when = &times[timers * (++set % sets)];
        for (std::uint32_t i = 0; i < timers; ++i) heap.arm(i, {when[i]});
        for (;;) {
            const std::uint32_t key = heap.pop_due({1'000'000});
            if (key == vmsig::timer_heap::no_key) break;
            all[key].call(all[key]);
        }
    }
    benchmark::DoNotOptimize(all);
}

constexpr std::int64_t pace_ns = 200'000;
constexpr std::uint64_t paced = 20; ///< per iteration; a wait for each

std::int64_t clock_now() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

void limit_lateness(benchmark::State& state) {
    const vmsig::unique_fd epoll{epoll_create1(EPOLL_CLOEXEC)};
    const vmsig::unique_fd timer{timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)};
    epoll_event e{};
    e.events = EPOLLIN | EPOLLET;
    if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, timer.get(), &e) != 0) std::abort();
    std::vector<raw_timer> heap;
    for (auto _ : state) {
        std::int64_t late = 0;
        const std::int64_t start = clock_now();
        for (std::uint64_t i = 1; i <= paced; ++i) {
            heap.push_back({start + static_cast<std::int64_t>(i) * pace_ns, nullptr});
            std::push_heap(heap.begin(), heap.end());
        }
        while (!heap.empty()) {
            itimerspec value{};
            value.it_value.tv_sec = heap.front().when / 1'000'000'000;
            value.it_value.tv_nsec = heap.front().when % 1'000'000'000;
            timerfd_settime(timer.get(), TFD_TIMER_ABSTIME, &value, nullptr);
            epoll_wait(epoll.get(), &e, 1, -1);
            const std::int64_t now = clock_now();
            while (!heap.empty() && heap.front().when <= now) {
                late += clock_now() - heap.front().when;
                std::pop_heap(heap.begin(), heap.end());
                heap.pop_back();
            }
        }
        state.SetIterationTime(static_cast<double>(late) / paced * 1e-9);
    }
}

struct operator_ {
    vmsig::lease held;
    void on_event(const vmsig::event& e, vmsig::control_handle bus) {
        if (e.is(vmsig::kind::replay_end)) {
            const auto got = bus.acquire(e.endpoint, vmsig::lease_class::memwrite);
            if (got) held = got.lease;
        }
    }
};

struct writer {
    static constexpr vmsig::roles serves = vmsig::role::memory_writer;
    std::int64_t late = 0;
    std::uint64_t executed = 0;
    vmsig::core<>* bus = nullptr;
    void execute(vmsig::fenced_command c, vmsig::adapter_handle handle) {
        const auto taken = c.take();
        if (!taken) return;
        late += clock_now() - taken->command.not_before.ns;
        handle.complete(c.id());
        if (++executed % paced == 0) bus->stop();
    }
};

void ours_lateness(benchmark::State& state) {
    vmsig::core<> bus;
    writer w;
    w.bus = &bus;
    operator_ o;
    const auto vm = bus.add_endpoint("a");
    bus.attach_adapter(w, vm);
    const auto handle = bus.attach(o, vmsig::grant{}.on(vm).allow(vmsig::right::memwrite));
    while (bus.dispatch()) {}
    for (auto _ : state) {
        w.late = 0;
        const std::int64_t start = clock_now();
        for (std::uint64_t i = 1; i <= paced; ++i) {
            vmsig::command c = vmsig::store(o.held, {0x1000, 0}, 1);
            c.not_before = {start + static_cast<std::int64_t>(i) * pace_ns};
            if (!handle.submit(c)) std::abort();
        }
        bus.run();
        bus.restart();
        state.SetIterationTime(static_cast<double>(w.late) / paced * 1e-9);
    }
}

} // namespace

int main(int argc, char** argv) {
    bench::pair("4  1024 due at once, std heap", 1.50, timers, limit, ours);
    bench::pair("4  1024 due at once, by hand", 1.50, timers, limit_by_hand, ours);
    bench::pair("4  lateness of a paced command", 1.10, 1, limit_lateness, ours_lateness,
                bench::clock::manual);
    return bench::run(argc, argv);
}
