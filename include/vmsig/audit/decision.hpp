// Decisions: what the audit records, and the one table that says what a record of each means.
// Routing of events is not a decision.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace vmsig {

enum class decision : std::uint8_t {
    none,
    attached,
    attach_refused,
    detached,
    grant_changed,
    lease_granted,
    lease_waiting,
    lease_refused,
    lease_wait_ended,
    lease_ended,
    lease_forced, ///< the host, or a control with `admin`, had a lease released
    command_admitted,
    command_refused,
    command_ended,
    memctx_exported, ///< locator and descriptors left the core
    memctx_refused,
    memctx_invalidated,
    epoch_raised,
    neutral, ///< what a lease held down was released
    endpoint_added,
    endpoint_removed,
    adapter_attached,
    adapter_refused,
    adapter_detached,
    adapter_quarantined,
    lost, ///< `detail` records before this one had no room
};
inline constexpr unsigned decision_count = static_cast<unsigned>(decision::lost) + 1;

enum class verdict_kind : std::uint8_t { none, refusal, outcome, lease_end };
enum class subject_kind : std::uint8_t { none, verb, lease_class, right, transition };

struct decision_traits {
    std::string_view name;
    verdict_kind verdict = verdict_kind::none; ///< which enum `audit_record::verdict` is of
    subject_kind subject = subject_kind::none; ///< which enum `audit_record::subject` is of
    std::string_view detail;                   ///< what `audit_record::detail` is, or ""
};

inline constexpr std::array<decision_traits, decision_count> decisions = [] {
    using v = verdict_kind;
    using s = subject_kind;
    return std::array<decision_traits, decision_count>{{
        {"none", v::none, s::none, ""},
        {"attached", v::none, s::none, "rank"},
        {"attach_refused", v::refusal, s::none, ""},
        {"detached", v::lease_end, s::none, ""},
        {"grant_changed", v::none, s::none, ""},
        {"lease_granted", v::none, s::lease_class, "rank"},
        {"lease_waiting", v::none, s::lease_class, "rank"},
        {"lease_refused", v::refusal, s::lease_class, ""},
        {"lease_wait_ended", v::lease_end, s::lease_class, ""},
        {"lease_ended", v::lease_end, s::lease_class, ""},
        {"lease_forced", v::refusal, s::lease_class, ""},
        {"command_admitted", v::none, s::verb, "lane"},
        {"command_refused", v::refusal, s::verb, "lane"},
        {"command_ended", v::outcome, s::verb, "failure"},
        {"memctx_exported", v::none, s::right, "level"},
        {"memctx_refused", v::refusal, s::right, ""},
        {"memctx_invalidated", v::none, s::transition, "controls"},
        {"epoch_raised", v::none, s::transition, "cause"},
        {"neutral", v::lease_end, s::lease_class, "changes"},
        {"endpoint_added", v::none, s::none, ""},
        {"endpoint_removed", v::none, s::none, ""},
        {"adapter_attached", v::none, s::none, "roles"},
        {"adapter_refused", v::refusal, s::none, "roles"},
        {"adapter_detached", v::none, s::none, "roles"},
        {"adapter_quarantined", v::none, s::none, "roles"},
        {"lost", v::none, s::none, "records"},
    }};
}();

constexpr const decision_traits& traits_of(decision d) {
    return decisions[static_cast<unsigned>(d) < decision_count ? static_cast<unsigned>(d) : 0];
}

} // namespace vmsig
