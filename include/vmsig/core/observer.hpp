// observer: sees every event, command, receipt and decision of a core with its times. Not a
// control: it has no grant, can refuse nothing and must not call back. Statistics, tracing and
// recording hang on it; the null model costs nothing.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstdint>

#include <vmsig/audit/record.hpp>
#include <vmsig/event/command.hpp>
#include <vmsig/event/payloads.hpp>

namespace vmsig {

template <class O>
concept observer = requires(O& o, const event& e, const command& c, const audit_record& r,
                            correlation_id id, origin_id who, std::uint64_t n) {
    o.on_event(e, n, n);      ///< with its global number and the slots it goes to
    o.on_command(id, who, c); ///< accepted
    o.on_receipt(e, who);     ///< about to be delivered
    o.on_decision(r);
};

struct null_observer {
    static constexpr void on_event(const event&, std::uint64_t, std::uint64_t) {}
    static constexpr void on_command(correlation_id, origin_id, const command&) {}
    static constexpr void on_receipt(const event&, origin_id) {}
    static constexpr void on_decision(const audit_record&) {}
};

/// Counts.
struct counting_observer {
    std::uint64_t events = 0;
    std::uint64_t deliveries = 0;
    std::uint64_t commands = 0;
    std::array<std::uint64_t, 16> receipts{}; ///< by outcome
    std::array<std::uint64_t, decision_count> decisions{};

    void on_event(const event&, std::uint64_t, std::uint64_t to) {
        ++events;
        deliveries += static_cast<std::uint64_t>(std::popcount(to));
    }
    void on_command(correlation_id, origin_id, const command&) { ++commands; }
    void on_receipt(const event& e, origin_id) {
        if (const auto* r = e.as<receipt>()) ++receipts[static_cast<unsigned>(r->outcome) % 16];
    }
    void on_decision(const audit_record& r) { ++decisions[static_cast<unsigned>(r.what)]; }
};

} // namespace vmsig
