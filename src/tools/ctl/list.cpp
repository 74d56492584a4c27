// vmsigctl list: the machines that one may see.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <vmsig/audit/names.hpp>
#include <vmsig/transport/names.hpp>

#include "verbs.hpp"

using namespace vmsig;

namespace ctl {

namespace {

std::string held_classes(const machine& m) {
    std::string out;
    for (unsigned n = 0; n < lease_class_count; ++n)
        if (m.holders[n]) out += (out.empty() ? "" : ",") + std::string{name_of(lease_class(n))};
    return out.empty() ? "-" : out;
}

colour colour_of(vm_state s) {
    if (s == vm_state::running) return colour::green;
    if (s == vm_state::crashed) return colour::red;
    return s == vm_state::paused ? colour::yellow : colour::plain;
}

nlohmann::ordered_json object_of(const machine& m) {
    nlohmann::ordered_json held = nlohmann::ordered_json::array();
    for (unsigned n = 0; n < lease_class_count; ++n)
        if (m.holders[n]) held.push_back(name_of(lease_class(n)));
    return {{"name", m.name},
            {"state", name_of(m.state)},
            {"epoch", m.epoch.value},
            {"memory", m.memory.value},
            {"held", held}};
}

} // namespace

int list(context& c) {
    const auto all = c.bus().machines();
    if (c.out.json) {
        for (const machine* m : all) c.out.object(object_of(*m));
    } else if (c.given.has("--names")) {
        for (const machine* m : all) c.out.line(escaped(m->name));
    } else {
        table t{{"NAME", "EPOCH", "MEMORY", "HELD", "STATE"}};
        for (const machine* m : all)
            t.row({escaped(m->name), std::to_string(m->epoch.value),
                   m->memory.value != 0 ? fmt::format("v{}", m->memory.value) : "-",
                   held_classes(*m), c.out.paint(name_of(m->state), colour_of(m->state))});
        t.print(c.out);
    }
    return 0;
}

} // namespace ctl
