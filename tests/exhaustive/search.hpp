// search: every sequence of operations up to a length. An operation that finds nothing to act upon
// leaves the core untouched, so what would follow it is what follows without it, and is left out.
//
//     VMSIG_EXHAUSTIVE_LENGTH     of the longest sequences, instead of 5 (4 where that is slow);
//                                 each step more takes about 17 times as long
//     VMSIG_EXHAUSTIVE_SEQUENCE   only this one, by the names of its operations, with its trace
//     VMSIG_EXHAUSTIVE_VERBOSE    1: prints what the sequences met
#pragma once

#include <malloc.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include <support/catch.hpp>

#include "scene.hpp"

namespace vmsig::exhaustive {

struct operation {
    const char* name;
    bool (scene::*does)();
};
/// The first `interacting` make the longest sequences.
inline constexpr std::array<operation, 29> operations{{
    {"a-acquires", &scene::a_acquires},
    {"b-acquires", &scene::b_acquires},
    {"a-releases", &scene::a_releases},
    {"a-presses", &scene::a_presses},
    {"a-holds-a-key", &scene::a_holds_a_key},
    {"b-presses", &scene::b_presses},
    {"b-resets", &scene::b_resets},
    {"b-writes-memory", &scene::b_writes_memory},
    {"a-cancels", &scene::a_cancels},
    {"machine-proceeds", &scene::machine_proceeds},
    {"machine-fails", &scene::machine_fails},
    {"machine-publishes", &scene::machine_publishes},
    {"guest-resets", &scene::guest_resets},
    {"machine-leaves-or-comes", &scene::machine_leaves_or_comes},
    {"a-is-narrowed-or-restored", &scene::a_is_narrowed_or_restored},
    {"a-leaves-or-comes", &scene::a_leaves_or_comes},
    {"endpoint-leaves-or-comes", &scene::endpoint_leaves_or_comes},
    {"dispatches-one", &scene::dispatches_one},
    {"dispatches", &scene::dispatches},
    {"time-passes", &scene::time_passes},
    {"b-takes-the-memctx", &scene::b_takes_the_memctx},
    {"b-releases", &scene::b_releases},
    {"a-acquires-power", &scene::a_acquires_power},
    {"b-acquires-power", &scene::b_acquires_power},
    {"b-reads-memory", &scene::b_reads_memory},
    {"b-forces-a-release", &scene::b_forces_a_release},
    {"a-types-elsewhere", &scene::a_types_elsewhere},
    {"a-will-press-in-a-call", &scene::a_will_press_in_a_call},
    {"machine-will-throw", &scene::machine_will_throw},
}};
inline constexpr std::size_t interacting = 20;

inline constexpr unsigned most_steps = 16;

class search {
public:
    /// Of the sequences of at most `length` of the first `choices` operations one of `parts` parts;
    /// those of one operation belong to each.
    search(opening o, std::size_t choices, unsigned length, unsigned part = 0, unsigned parts = 1)
        : opening_{o}
        , choices_{choices}
        , length_{length}
        , part_{part}
        , parts_{parts} {
        // A core is made and freed for each sequence: its memory stays with the process.
        ::mallopt(M_MMAP_THRESHOLD, 1 << 24);
        ::mallopt(M_TRIM_THRESHOLD, 1 << 26);
        under_way_ = this;
        abort_before_ = std::signal(SIGABRT, on_abort);
        fault_before_ = std::signal(SIGSEGV, on_abort);
    }
    search(const search&) = delete;
    search& operator=(const search&) = delete;
    ~search() {
        std::signal(SIGABRT, abort_before_);
        std::signal(SIGSEGV, fault_before_);
        under_way_ = nullptr;
    }

    void run() { extend(0); }
    /// One sequence, by names with commas between. Its trace goes to `out`.
    void replay(std::string_view names, std::ostream& out) {
        unsigned n = 0;
        while (!names.empty()) {
            const std::string_view name = names.substr(0, names.find(','));
            names.remove_prefix(std::min(names.size(), name.size() + 1));
            const auto* found = std::find_if(operations.begin(), operations.end(),
                                             [&](const operation& o) { return name == o.name; });
            INFO("no operation: " << name);
            REQUIRE(found != operations.end());
            REQUIRE(n < most_steps);
            sequence_[n++] = static_cast<std::uint8_t>(found - operations.begin());
        }
        scene s{opening_};
        play(s, n);
        out << s.history().last();
        INFO(report(n, s));
        REQUIRE_FALSE(s.verdict().broken());
    }

    struct count {
        std::uint64_t tried = 0;
        std::uint64_t applied = 0; ///< found something to act upon
        std::uint64_t told = 0;    ///< caused an event, a decision, or a call at once
    };
    std::uint64_t sequences() const { return sequences_; }
    const tally& met() const { return met_; }
    const count& of(std::size_t operation) const { return counts_[operation]; }

private:
    void extend(unsigned steps) {
        if (steps == length_) return;
        for (std::size_t n = 0; n < choices_; ++n) {
            sequence_[steps] = static_cast<std::uint8_t>(n);
            if (steps == 1 && (sequence_[0] + n) % parts_ != part_) continue;
            if (runs(steps + 1)) extend(steps + 1);
        }
    }
    /// The first steps of the sequence. False: the last had nothing to act upon.
    bool runs(unsigned steps) {
        scene s{opening_};
        if (!play(s, steps)) return false;
        if (s.verdict().broken()) FAIL(report(steps, s));
        met_ += s.counted();
        ++sequences_;
        return true;
    }
    /// All shorter sequences were checked before: here only the last step is.
    bool play(scene& s, unsigned steps) {
        at_ = &s;
        steps_ = steps;
        bool applies = true;
        for (unsigned i = 0; i < steps; ++i) {
            s.history().begin_step(i);
            const std::uint64_t before = s.history().count();
            applies = (s.*operations[sequence_[i]].does)();
            if (i + 1 < steps) continue;
            count& c = counts_[sequence_[i]];
            ++c.tried;
            c.applied += applies ? 1 : 0;
            c.told += s.history().count() != before ? 1 : 0;
        }
        if (!applies) return false;
        s.check();
        s.history().begin_step(steps);
        s.settle();
        if (!s.verdict().broken()) s.tear_down();
        at_ = nullptr;
        return true;
    }

    std::string names(unsigned steps) const {
        std::string out;
        for (unsigned i = 0; i < steps; ++i)
            out += std::string{i ? "," : ""} + operations[sequence_[i]].name;
        return out;
    }
    std::string report(unsigned steps, scene& s) const {
        return std::string{"broken: "} + s.verdict().rule() + "\nin step " +
               std::to_string(s.verdict().step()) + " of " + repeat_by(steps) + "\n" +
               s.history().last();
    }
    std::string repeat_by(unsigned steps) const {
        return "VMSIG_EXHAUSTIVE_SEQUENCE=" + names(steps) + " vmsig-test-exhaustive \"[" +
               (opening_ == opening::fresh ? "fresh" : "worn") + "]\"";
    }
    /// An assertion in the core: say where it was.
    static void on_abort(int) {
        if (under_way_ && under_way_->at_)
            std::cerr << under_way_->repeat_by(under_way_->steps_) << "\n"
                      << under_way_->at_->history().last();
        std::_Exit(134);
    }

    static inline const search* under_way_ = nullptr;

    const opening opening_;
    const std::size_t choices_;
    const unsigned length_;
    const unsigned part_;
    const unsigned parts_;
    void (*abort_before_)(int);
    void (*fault_before_)(int);
    scene* at_ = nullptr;
    unsigned steps_ = 0;
    std::array<std::uint8_t, most_steps> sequence_{};
    std::array<count, operations.size()> counts_{};
    std::uint64_t sequences_ = 0;
    tally met_;
};

} // namespace vmsig::exhaustive
