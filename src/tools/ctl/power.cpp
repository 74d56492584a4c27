// vmsigctl power: starts, stops, pauses, resets, saves and restores a machine, under the power
// lease.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <vmsig/transport/names.hpp>

#include "lease_hold.hpp"
#include "trouble.hpp"
#include "values.hpp"
#include "verbs.hpp"
#include "words.hpp"

using namespace vmsig;

namespace ctl {

int power(context& c) {
    const std::string& word = c.given["VERB"];
    const verb v = power_verb_of(word);
    const auto epoch = c.given.find("--epoch");
    const lease_wish wish = wish_of(c.given, lease_class::power);
    const epoch_number pinned{epoch ? number_of(*epoch) : 0};
    const machine& m = c.endpoint();
    std::optional<lease_hold> hold;
    if (v != verb::status) hold.emplace(c.bus(), m, wish);
    command_builder what = hold ? vmsig::power(hold->lease(), v) : query_status(m.id);
    if (epoch) what.pinned(pinned);
    const receipt r = c.bus().carry_out(what, word);
    const std::string state{name_of(r.state)};
    if (c.out.json)
        c.out.object({{"endpoint", m.name}, {"verb", word}, {"outcome", "done"}, {"state", state}});
    else if (v == verb::status)
        c.out.line(fmt::format("{}: {}", m.name, state));
    else
        c.out.line(r.state == vm_state::unknown
                       ? fmt::format("{}: {} done", m.name, word)
                       : fmt::format("{}: {} done, {}", m.name, word, state));
    return success;
}

} // namespace ctl
