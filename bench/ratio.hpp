// ratio: benchmarks in pairs, a limit written by hand and the library doing the same work, run in
// turn in one process. What counts is the ratio of their medians: absolute times are the machine's.
#pragma once

#include <benchmark/benchmark.h>

#include <string>

namespace bench {

/// Registers `name/limit` and `name/vmsig`; the goal is the ratio to reach, 0 for none. `items` is
/// how much one iteration does, for the time per item.
void pair(const std::string& name, double goal, int items, void (*limit)(benchmark::State&),
          void (*vmsig)(benchmark::State&));

/// Runs every pair with interleaved repetitions and prints the table.
int run(int argc, char** argv);

} // namespace bench
