// vmsigctl info: one machine: its state, its memory, who drives it.
#include <linux/input-event-codes.h>

#include <fmt/format.h>

#include <vmsig/audit/names.hpp>
#include <vmsig/transport/names.hpp>

#include "lease_text.hpp"
#include "rights.hpp"
#include "verbs.hpp"

using namespace vmsig;
using json = nlohmann::ordered_json;

namespace ctl {

namespace {

std::string names_of_leds(const machine& m) {
    static constexpr std::pair<unsigned, const char*> leds[] = {
        {LED_NUML, "num"}, {LED_CAPSL, "caps"}, {LED_SCROLLL, "scroll"}};
    if (!m.leds_known) return "unknown";
    std::string out;
    for (const auto& [n, name] : leds)
        if (m.leds & 1u << n) out += (out.empty() ? "" : ", ") + std::string{name};
    return out.empty() ? "none lit" : out;
}

json object_of(const machine& m, const std::vector<std::optional<lease_view>>& leases,
               const std::vector<std::string>& may) {
    json j{{"name", m.name},
           {"state", name_of(m.state)},
           {"epoch", m.epoch.value},
           {"memory", m.memory.value},
           {"leds", m.leds_known ? json(m.leds) : json{}}};
    for (unsigned n = 0; n < lease_class_count; ++n)
        j["leases"][std::string{name_of(lease_class(n))}] =
            leases[n] ? object_of_lease(*leases[n]) : json{};
    j["may"] = may;
    return j;
}

} // namespace

int info(context& c) {
    const machine& m = c.endpoint();
    std::vector<std::string> may;
    for (const verb_right& r : rights_at(c.bus(), m))
        if (r.may) may.push_back(r.verb);
    std::vector<std::optional<lease_view>> leases;
    for (unsigned n = 0; n < lease_class_count; ++n) {
        const auto v = c.bus().client().status(m.id, lease_class(n));
        leases.push_back(v ? std::optional{*v} : std::nullopt); // without `observe`: not to be seen
    }
    c.bus().check();
    if (c.out.json) return c.out.object(object_of(m, leases, may)), 0;
    c.out.line(c.out.paint(escaped(m.name), colour::bold));
    const auto row = [&c](std::string_view key, std::string_view value) {
        c.out.line(fmt::format("  {:<9} {}", key, value));
    };
    row("state", name_of(m.state));
    row("epoch", std::to_string(m.epoch.value));
    row("memory", m.memory.value != 0 ? fmt::format("version {}", m.memory.value) : "not shown");
    row("leds", names_of_leds(m));
    for (unsigned n = 0; n < lease_class_count; ++n)
        row(name_of(lease_class(n)),
            leases[n] ? escaped(text_of_lease(*leases[n], c.bus().client().origin()))
                      : "not to be seen");
    row("may", may.empty() ? "nothing" : fmt::format("{}", fmt::join(may, ", ")));
    return 0;
}

} // namespace ctl
