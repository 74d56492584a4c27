// ratio: benchmarks in pairs, a limit written by hand and the library doing the same work, run in
// turn in one process. What counts is the ratio of their medians: absolute times are the machine's.
#pragma once

#include <benchmark/benchmark.h>

#include <string>

namespace bench {

/// `manual`: the body gives the time of each iteration (`SetIterationTime`), because the work is
/// that of several threads, or because what is measured is a delay.
enum class clock { cpu, manual };

/// Registers `name/limit` and `name/vmsig`; the goal is the ratio to reach, 0 for none. `items` is
/// how much one iteration does, for the time per item.
void pair(const std::string& name, double goal, int items, void (*limit)(benchmark::State&),
          void (*vmsig)(benchmark::State&), clock timed_by = clock::cpu);

/// Runs every pair with interleaved repetitions and prints the table; with `--plain` one line of
/// fields apart by tabs for each pair, which is what layouts.py reads.
int run(int argc, char** argv);

} // namespace bench
