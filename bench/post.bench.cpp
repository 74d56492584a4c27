// Row 2b: an item posted to a loop: what it costs the poster and the loop together, in batches of
// 64 on one thread, where all is in its cache, and from another CPU, where nothing is. The limit is
// an intrusive queue of many producers and one consumer (Vyukov's: an exchange and a store), and a
// bell that is rung only if the loop has said that it sleeps.
#include "ratio.hpp"

#include <vmsig/vmsig.hpp>

#include <sched.h>

#include <atomic>
#include <deque>
#include <thread>

namespace {

constexpr std::size_t batch = 64;
constexpr std::size_t cold = 1024; ///< items that move from one CPU to another at a time

struct raw_item {
    std::atomic<raw_item*> next{nullptr};
    void (*call)(raw_item&) = nullptr;
};

class raw_loop {
public:
    raw_loop() {
        epoll_event e{};
        e.events = EPOLLIN | EPOLLET;
        if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, bell_.get(), &e) != 0) std::abort();
    }
    void post(raw_item& item) {
        item.next.store(nullptr, std::memory_order_relaxed);
        raw_item* before = tail_.exchange(&item, std::memory_order_seq_cst);
        before->next.store(&item, std::memory_order_release);
        if (asleep_.load(std::memory_order_seq_cst) && asleep_.exchange(false)) {
            const std::uint64_t one = 1;
            if (write(bell_.get(), &one, sizeof one) != sizeof one) std::abort();
        }
    }
    void drain() {
        while (raw_item* item = pop()) item->call(*item);
    }
    /// Sleeps if nothing was posted meanwhile.
    void turn(int timeout) {
        epoll_event got[64];
        epoll_wait(epoll_.get(), got, 64, timeout);
        asleep_.store(false);
        drain();
        asleep_.store(true);
    }
    bool idle() const { return tail_.load(std::memory_order_seq_cst) == head_; }

private:
    raw_item* pop() {
        raw_item* head = head_;
        raw_item* next = head->next.load(std::memory_order_acquire);
        if (head == &stub_) {
            if (next == nullptr) return nullptr;
            head_ = head = next;
            next = head->next.load(std::memory_order_acquire);
        }
        if (next == nullptr) {
            if (head != tail_.load(std::memory_order_acquire)) return nullptr;
            stub_.next.store(nullptr, std::memory_order_relaxed);
            tail_.exchange(&stub_, std::memory_order_seq_cst)
                ->next.store(&stub_, std::memory_order_release);
            next = head->next.load(std::memory_order_acquire);
            if (next == nullptr) return nullptr;
        }
        head_ = next;
        return head;
    }

    vmsig::unique_fd epoll_{epoll_create1(EPOLL_CLOEXEC)};
    vmsig::unique_fd bell_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    raw_item stub_;
    raw_item* head_ = &stub_;
    alignas(64) std::atomic<raw_item*> tail_{&stub_};
    alignas(64) std::atomic<bool> asleep_{true};
};

struct alignas(64) counter {
    std::atomic<std::uint64_t> value{0};
    void add() {
        value.store(value.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    }
};

struct raw_job : raw_item {
    counter* done = nullptr;
};
[[gnu::noinline]] void run_raw_job(raw_item& item) { static_cast<raw_job&>(item).done->add(); }

struct job : vmsig::post_node {
    counter* done;
    explicit job(counter& c)
        : post_node{[](post_node& me) { static_cast<job&>(me).done->add(); }}
        , done{&c} {}
};

void limit(benchmark::State& state) {
    raw_loop loop;
    counter done;
    std::array<raw_job, batch> jobs;
    for (raw_job& j : jobs) {
        j.call = &run_raw_job;
        j.done = &done;
    }
    for (auto _ : state) {
        for (raw_job& j : jobs) loop.post(j);
        loop.drain();
    }
    if (done.value != batch * static_cast<std::uint64_t>(state.iterations()))
        state.SkipWithError("lost");
}

/// The queue of the library alone, without a turn around it.
template <class Post>
void queue_alone(benchmark::State& state, Post post) {
    vmsig::post_queue queue{batch};
    vmsig::sleep_flag asleep;
    counter done;
    std::deque<job> jobs;
    for (std::size_t i = 0; i < batch; ++i) jobs.emplace_back(done);
    for (auto _ : state) {
        for (job& j : jobs) {
            post(queue, j);
            if (asleep.claim_ordered()) std::abort();
        }
        for (;;) {
            auto next = queue.take();
            if (!next) break;
            next.run();
        }
    }
    if (done.value != batch * static_cast<std::uint64_t>(state.iterations()))
        state.SkipWithError("lost");
}
void ours_node(benchmark::State& state) {
    queue_alone(state, [](vmsig::post_queue& queue, job& j) { queue.push(j); });
}
void ours_closure(benchmark::State& state) {
    queue_alone(state, [](vmsig::post_queue& queue, job& j) {
        queue.push_closure([done = j.done] { done->add(); });
    });
}

/// CPU time of the calling thread.
std::int64_t own_time() {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}
void stay_on(int cpu) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    sched_setaffinity(0, sizeof one, &one);
}

/// `post()` posts `cold` items on one CPU, `drain()` runs them on another, in turn. What counts is
/// the time that both have computed, for these machines are never idle.
template <class Post, class Drain>
void across(benchmark::State& state, Post post, Drain drain) {
    cpu_set_t before;
    sched_getaffinity(0, sizeof before, &before);
    stay_on(0);
    std::atomic<int> turn{0}; // 0: the loop's, 1: the poster's, 2: over
    std::int64_t spent = 0;
    std::thread poster{[&] {
        stay_on(1);
        for (;;) {
            turn.wait(0);
            if (turn.load() == 2) return;
            const std::int64_t start = own_time();
            post();
            spent = own_time() - start;
            turn.store(0);
            turn.notify_one();
        }
    }};
    for (auto _ : state) {
        turn.store(1);
        turn.notify_one();
        turn.wait(1);
        const std::int64_t start = own_time();
        drain();
        spent += own_time() - start;
        state.SetIterationTime(static_cast<double>(spent) * 1e-9);
    }
    turn.store(2);
    turn.notify_one();
    poster.join();
    sched_setaffinity(0, sizeof before, &before);
}

void limit_across(benchmark::State& state) {
    raw_loop loop;
    counter done;
    std::vector<raw_job> jobs(cold);
    for (raw_job& j : jobs) {
        j.call = &run_raw_job;
        j.done = &done;
    }
    across(
        state,
        [&] {
            for (raw_job& j : jobs) loop.post(j);
        },
        [&] { loop.drain(); });
}

void ours_across(benchmark::State& state) {
    vmsig::post_queue queue{batch};
    vmsig::sleep_flag asleep;
    counter done;
    std::deque<job> jobs;
    for (std::size_t i = 0; i < cold; ++i) jobs.emplace_back(done);
    across(
        state,
        [&] {
            for (job& j : jobs) {
                queue.push(j);
                if (asleep.claim_ordered()) std::abort();
            }
        },
        [&] {
            for (;;) {
                auto next = queue.take();
                if (!next) break;
                next.run();
            }
        });
}

} // namespace

int main(int argc, char** argv) {
    bench::pair("2b post a node, batches of 64", 1.15, batch, limit, ours_node);
    bench::pair("2b post a closure, batches of 64", 0, batch, limit, ours_closure);
    bench::pair("2b post a node from another CPU", 1.15, cold, limit_across, ours_across,
                bench::clock::manual);
    return bench::run(argc, argv);
}
