// tally: what the sequences met: how commands and leases ended, what was refused, and how often
// each operation had something to act upon.
#pragma once

#include <array>
#include <cstdint>

#include <vmsig/event/lease.hpp>
#include <vmsig/event/outcome.hpp>

#include <sim/shadow.hpp>

namespace vmsig::exhaustive {

struct tally {
    std::array<std::uint64_t, 11> outcomes{};
    std::array<std::uint64_t, 12> refusals{};
    std::array<std::uint64_t, 12> ends{};
    std::array<std::uint64_t, decision_count> decisions{};
    std::uint64_t unpublished = 0;     ///< memctx
    std::uint64_t full_tables = 0;     ///< that refused somebody
    std::uint64_t epochs_at_limit = 0; ///< machines that ended exhausted

    void refused(refusal why) { ++refusals[static_cast<unsigned>(why)]; }
    void published(bool done) { unpublished += done ? 0 : 1; }
    void decided(const audit_record& r) {
        ++decisions[static_cast<unsigned>(r.what)];
        if (r.what == decision::command_ended) ++outcomes[r.verdict];
        if (r.what == decision::lease_ended || r.what == decision::lease_wait_ended)
            ++ends[r.verdict];
    }
    tally& operator+=(const tally& o) {
        const auto add = [](auto& to, const auto& from) {
            for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
        };
        add(outcomes, o.outcomes);
        add(refusals, o.refusals);
        add(ends, o.ends);
        add(decisions, o.decisions);
        unpublished += o.unpublished;
        full_tables += o.full_tables;
        epochs_at_limit += o.epochs_at_limit;
        return *this;
    }
};

/// Goes into the core: the model sees what it does, and so does the tally.
struct watching : sim::observing {
    void on_decision(const audit_record& r) {
        sim::observing::on_decision(r);
        if (counted) counted->decided(r);
    }
    tally* counted = nullptr;
};

} // namespace vmsig::exhaustive
