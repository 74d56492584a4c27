// report: what a search met, in words.
#pragma once

#include <iomanip>
#include <iostream>
#include <string>

#include <vmsig/audit/names.hpp>

#include "search.hpp"

namespace vmsig::exhaustive {

/// f(kind of name, name, how often) for all that could be met.
template <class F>
void for_each_kind(const tally& t, F&& f) {
    for (std::size_t i = 1; i < t.outcomes.size(); ++i)
        f("outcome", name_of(static_cast<outcome>(i)), t.outcomes[i]);
    for (std::size_t i = 1; i < t.refusals.size(); ++i)
        f("refusal", name_of(static_cast<refusal>(i)), t.refusals[i]);
    for (std::size_t i = 1; i < t.ends.size(); ++i)
        f("lease end", name_of(static_cast<lease_end>(i)), t.ends[i]);
    f("decision", "adapter_quarantined",
      t.decisions[static_cast<unsigned>(decision::adapter_quarantined)]);
    f("limit of", "tables", t.full_tables);
    f("limit of", "versions", t.unpublished);
    f("limit of", "epochs", t.epochs_at_limit);
}
inline std::string never_met(const tally& t) {
    std::string out;
    for_each_kind(t, [&](std::string_view kind, std::string_view name, std::uint64_t n) {
        if (n == 0) out.append(out.empty() ? "" : ", ").append(kind).append(" ").append(name);
    });
    return out;
}
inline void print(const search& s, std::ostream& out) {
    const auto row = [&out](std::string_view kind, std::string_view name, auto... numbers) {
        out << std::left << std::setw(11) << kind << std::setw(27) << name << std::right;
        ((out << std::setw(11) << numbers), ...);
        out << '\n';
    };
    out << s.sequences() << " sequences\n";
    row("", "", "tried", "applied", "told");
    for (std::size_t i = 0; i < operations.size(); ++i)
        row("operation", operations[i].name, s.of(i).tried, s.of(i).applied, s.of(i).told);
    for_each_kind(s.met(), row);
}

} // namespace vmsig::exhaustive
