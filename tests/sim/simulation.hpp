// simulation: runs many seeds of one variant, reports the first that breaks a rule with the command
// that repeats it, and leaves out steps that the failure does not need.
//
//     VMSIG_SIM_SEED    only this seed            VMSIG_SIM_STEPS    steps of each
//     VMSIG_SIM_FIRST   the first of              VMSIG_SIM_SEEDS    that many
#pragma once

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <iostream>

#include <support/catch.hpp>

#include "world.hpp"

namespace vmsig::sim {

inline std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

inline const trace* under_way = nullptr;
inline std::uint64_t seed_under_way = 0;

/// An assertion in the core: say where it was.
inline void on_abort(int) {
    std::cerr << "VMSIG_SIM_SEED=" << seed_under_way << "\n"
              << (under_way ? under_way->last() : "");
    std::_Exit(134);
}

template <class Traits>
result simulate(const plan& p) {
    const auto w = std::make_unique<world<Traits>>(p);
    under_way = &w->history();
    seed_under_way = p.seed;
    result r = w->run();
    under_way = nullptr;
    return r;
}

/// Leaves out as many steps as the same failure does without.
template <class Traits>
result shrink(plan& p, result failed) {
    p.steps = std::min(p.steps, failed.step + 1);
    p.left_out.assign(p.steps, false);
    for (std::uint32_t chunk = p.steps / 2; chunk > 0; chunk /= 2) {
        for (std::uint32_t from = 0; from < p.steps; from += chunk) {
            plan tried = p;
            const std::uint32_t to = std::min(from + chunk, p.steps);
            for (std::uint32_t i = from; i < to; ++i) tried.left_out[i] = true;
            const result r = simulate<Traits>(tried);
            if (r.ok || r.rule != failed.rule) continue;
            p = tried;
            failed = r;
        }
    }
    return failed;
}

template <class Traits>
std::string report(plan p, const result& failed) {
    const std::uint32_t steps = p.steps;
    const result least = shrink<Traits>(p, failed);
    std::string out = std::string{"broken ("} + Traits::name + "): " + failed.rule +
                      "\nrun it: " + "VMSIG_SIM_SEED=" + std::to_string(p.seed) +
                      " VMSIG_SIM_STEPS=" + std::to_string(steps) + " " + Traits::program + " \"[" +
                      Traits::name + "]\"\nin step " + std::to_string(failed.step) + ":\n" +
                      failed.trace;
    const auto left = std::count(p.left_out.begin(), p.left_out.end(), false);
    out += "shrunk to " + std::to_string(left) + " steps:\n" + least.trace;
    return out;
}

template <class Traits>
void simulate_many(std::uint64_t usual_seeds = 400) {
    const auto abort_before = std::signal(SIGABRT, on_abort);
    const auto fault_before = std::signal(SIGSEGV, on_abort);
    const std::uint64_t only = from_environment("VMSIG_SIM_SEED", 0);
    const std::uint64_t first = only ? only : from_environment("VMSIG_SIM_FIRST", 1);
    const std::uint64_t seeds = only ? 1 : from_environment("VMSIG_SIM_SEEDS", usual_seeds);
    plan p;
    p.steps = static_cast<std::uint32_t>(from_environment("VMSIG_SIM_STEPS", 400));
    shadow::counts all;
    for (p.seed = first; p.seed < first + seeds; ++p.seed) {
        const result r = simulate<Traits>(p);
        if (!r.ok) FAIL(report<Traits>(p, r));
        if (p.seed % 16 == 1) {
            INFO("I19: the same seed gives the same trace, seed " << p.seed);
            REQUIRE(simulate<Traits>(p).hash == r.hash);
        }
        all.accepted += r.counted.accepted;
        all.taken += r.counted.taken;
        all.delivered += r.counted.delivered;
        all.epochs += r.counted.epochs;
        all.leases += r.counted.leases;
    }
    std::signal(SIGABRT, abort_before);
    std::signal(SIGSEGV, fault_before);
    INFO("a simulation in which little happens shows little");
    INFO("accepted " << all.accepted << " taken " << all.taken << " delivered " << all.delivered
                     << " epochs " << all.epochs << " leases " << all.leases);
    if (from_environment("VMSIG_SIM_VERBOSE", 0) != 0)
        std::cout << Traits::name << ": " << seeds << " seeds, accepted " << all.accepted
                  << " taken " << all.taken << " delivered " << all.delivered << " epochs "
                  << all.epochs << " leases " << all.leases << "\n";
    if (!only && p.steps >= 400) CHECK(all.taken > seeds * 6);
}

} // namespace vmsig::sim
