// The names under which decisions appear outside: what a record's verdict and subject are called.
// Fixed words of lower-case letters and underscores; "" for a number that names nothing.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include <vmsig/audit/record.hpp>

namespace vmsig {

namespace detail {
template <std::size_t N>
constexpr std::string_view word(const std::array<std::string_view, N>& words, std::size_t n) {
    return n < N ? words[n] : std::string_view{};
}
inline constexpr std::array<std::string_view, 12> refusal_names{
    "none",        "invalid",   "denied",      "not_holder", "held",      "busy",
    "stale_epoch", "not_ready", "unsupported", "gone",       "exhausted", "audit_unavailable"};
inline constexpr std::array<std::string_view, 11> outcome_names{
    "none",       "done",    "failed",        "expired",       "cancelled",  "stale_epoch",
    "lease_lost", "revoked", "adapter_fault", "endpoint_gone", "issuer_gone"};
inline constexpr std::array<std::string_view, 12> lease_end_names{
    "none",          "released", "preempted", "expired",      "owner_gone", "revoked",
    "endpoint_gone", "forced",   "epoch",     "adapter_gone", "cancelled",  "exhausted"};
inline constexpr std::array<std::string_view, 13> verb_names{
    "none",   "input",        "start",     "pause",         "resume",
    "reset",  "power_button", "power_off", "snapshot_save", "snapshot_restore",
    "status", "mem_write",    "mem_read"};
inline constexpr std::array<std::string_view, lease_class_count> lease_class_names{"input", "power",
                                                                                   "memwrite"};
inline constexpr std::array<std::string_view, right_count> right_names{
    "observe", "memctx", "memread", "memwrite", "input", "power", "admin"};
inline constexpr std::array<std::string_view, 10> transition_names{
    "none",  "started",  "paused",      "resumed",     "crashed",
    "reset", "restored", "migrated_in", "powered_off", "memory_replaced"};
} // namespace detail

constexpr std::string_view name_of(decision d) { return traits_of(d).name; }
constexpr std::string_view name_of(refusal r) {
    return detail::word(detail::refusal_names, static_cast<std::size_t>(r));
}
constexpr std::string_view name_of(outcome o) {
    return detail::word(detail::outcome_names, static_cast<std::size_t>(o));
}
constexpr std::string_view name_of(lease_end e) {
    return detail::word(detail::lease_end_names, static_cast<std::size_t>(e));
}
constexpr std::string_view name_of(verb v) {
    return detail::word(detail::verb_names, static_cast<std::size_t>(v));
}
constexpr std::string_view name_of(lease_class c) {
    return detail::word(detail::lease_class_names, static_cast<std::size_t>(c));
}
constexpr std::string_view name_of(right r) {
    return detail::word(detail::right_names, static_cast<std::size_t>(r));
}
constexpr std::string_view name_of(transition t) {
    return detail::word(detail::transition_names, static_cast<std::size_t>(t));
}

/// The name of the record's verdict, "" if its decision has none.
constexpr std::string_view verdict_name(const audit_record& r) {
    switch (traits_of(r.what).verdict) {
    case verdict_kind::refusal: return name_of(static_cast<refusal>(r.verdict));
    case verdict_kind::outcome: return name_of(static_cast<outcome>(r.verdict));
    case verdict_kind::lease_end: return name_of(static_cast<lease_end>(r.verdict));
    case verdict_kind::none: break;
    }
    return {};
}
/// The name of what the record is about, "" if its decision has none.
constexpr std::string_view subject_name(const audit_record& r) {
    switch (traits_of(r.what).subject) {
    case subject_kind::verb: return name_of(static_cast<verb>(r.subject));
    case subject_kind::lease_class: return name_of(static_cast<lease_class>(r.subject));
    case subject_kind::right: return name_of(static_cast<right>(r.subject));
    case subject_kind::transition: return name_of(static_cast<transition>(r.subject));
    case subject_kind::none: break;
    }
    return {};
}

} // namespace vmsig
