// story: the order of things.
#include "story.hpp"

#include "allocations.hpp"
#include "stage.hpp"

namespace demo {
namespace {

/// On machines of its own.
void tell_half(timeline& out, machine_maker make, operator_maker cast, tally& total) {
    stage s{out, make, cast, total};
    using step = void (*)(stage&);
    const step steps[] = {boot, look, type, preempt, write, reset, late, let_go, other};
    for (const step next : steps)
        if (!out.failed()) next(s);
    total.add(s.w.bus);
}

} // namespace

bool tell(timeline& out, std::string_view backend, machine_maker make) {
    tally total;
    out.part("Part one: agent and operator are in the host's process");
    tell_half(out, make, operator_in_process, total);
    if (!out.failed()) {
        out.part("Part two: the same, but the operator is another process, at the other end of a "
                 "socket");
        tell_half(out, make, operator_of_its_own, total);
    }
    facts rows{{"back end", std::string{backend}}};
    for (auto& row : total.rows()) rows.push_back(std::move(row));
    rows.emplace_back("allocations after start", fmt::format("{}", allocations()));
    rows.emplace_back(
        "result", out.failed() ? fmt::format("{} of {} checks failed", out.failures(), out.checks())
                               : fmt::format("every step held, in {} checks", out.checks()));
    out.summary(rows);
    return !out.failed();
}

} // namespace demo
