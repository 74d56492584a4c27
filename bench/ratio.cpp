// ratio: the table of medians and their ratios.
#include "ratio.hpp"

#include <algorithm>
#include <cstdio>
#include <map>
#include <string_view>
#include <vector>

namespace bench {
namespace {

struct row {
    std::string name;
    double goal = 0;
    int items = 1;
};
std::vector<row>& rows() {
    static std::vector<row> all;
    return all;
}

double median(std::vector<double> v) {
    if (v.empty()) return 0;
    std::sort(v.begin(), v.end());
    return v[v.size() / 2];
}

/// Keeps the time of every repetition; prints nothing by itself.
class collector : public benchmark::BenchmarkReporter {
public:
    bool ReportContext(const Context&) override { return true; }
    void ReportRuns(const std::vector<Run>& report) override {
        for (const Run& r : report) {
            if (r.error_occurred)
                std::fprintf(stderr, "%s: %s\n", r.run_name.function_name.c_str(),
                             r.error_message.c_str());
            failed = failed || r.error_occurred;
            if (r.run_type != Run::RT_Iteration || r.error_occurred) continue;
            const bool manual = !r.run_name.time_type.empty();
            times[r.run_name.function_name].push_back(manual ? r.GetAdjustedRealTime()
                                                             : r.GetAdjustedCPUTime());
        }
    }
    std::map<std::string, std::vector<double>> times;
    bool failed = false;
};

} // namespace

void pair(const std::string& name, double goal, int items, void (*limit)(benchmark::State&),
          void (*vmsig)(benchmark::State&), clock timed_by) {
    rows().push_back({name, goal, items});
    for (const auto& [suffix, body] : {std::pair{"/limit", limit}, std::pair{"/vmsig", vmsig}}) {
        auto* b = benchmark::RegisterBenchmark((name + suffix).c_str(), body)
                      ->Repetitions(15)
                      ->MinTime(0.02)
                      ->Unit(benchmark::kNanosecond);
        if (timed_by == clock::manual) b->UseManualTime();
    }
}

int run(int argc, char** argv) {
    std::vector<char*> args(argv, argv + argc);
    const auto is_plain = [](const char* a) { return std::string_view{a} == "--plain"; };
    const bool plain = std::erase_if(args, is_plain) != 0;
    std::string interleave = "--benchmark_enable_random_interleaving=true";
    args.insert(args.begin() + 1, interleave.data());
    int count = static_cast<int>(args.size());
    benchmark::Initialize(&count, args.data());
    collector seen;
    benchmark::RunSpecifiedBenchmarks(&seen);
    if (!plain)
        std::printf("%-34s %10s %10s %7s %6s\n", "work", "limit ns", "vmsig ns", "ratio", "goal");
    for (const row& r : rows()) {
        const double limit = median(seen.times[r.name + "/limit"]) / r.items;
        const double ours = median(seen.times[r.name + "/vmsig"]) / r.items;
        if (limit == 0 || ours == 0) continue;
        std::printf(plain ? "%s\t%.3f\t%.3f\t%.4f\t%.3f\n" : "%-34s %10.2f %10.2f %7.3f %6.2f\n",
                    r.name.c_str(), limit, ours, ours / limit, r.goal);
    }
    return seen.failed ? 1 : 0;
}

} // namespace bench
