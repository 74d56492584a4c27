// one_cpu: several threads that share one CPU, and what their work costs on all sides together, as
// time of this process, so that what else the machine does is not counted.
#pragma once

#include <benchmark/benchmark.h>

#include <sched.h>

#include <ctime>
#include <thread>

namespace bench {

/// Keeps this thread, and those that it starts meanwhile, on the first CPU.
class first_cpu {
public:
    first_cpu() {
        sched_getaffinity(0, sizeof before_, &before_);
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(0, &one);
        sched_setaffinity(0, sizeof one, &one);
    }
    ~first_cpu() { sched_setaffinity(0, sizeof before_, &before_); }
    first_cpu(const first_cpu&) = delete;
    first_cpu& operator=(const first_cpu&) = delete;

private:
    cpu_set_t before_;
};

/// Seconds of all threads.
inline double time_used() {
    timespec t{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

template <class Work>
void timed(benchmark::State& state, Work work) {
    for (auto _ : state) {
        const double start = time_used();
        work();
        state.SetIterationTime(time_used() - start);
    }
}

/// `there` runs on a thread of its own until `here` is over.
template <class Here, class There>
void timed_with(benchmark::State& state, Here here, There there) {
    for (auto _ : state) {
        std::thread other{there};
        const double start = time_used();
        here();
        const double end = time_used();
        other.join();
        state.SetIterationTime(end - start);
    }
}

} // namespace bench
