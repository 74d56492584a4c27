// vmsigctl doctor: what this computer can do for vmsig, and why not. Fails if something is missing
// without which nothing works, or if the bus that was named can not be reached.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "probes.hpp"
#include "trouble.hpp"
#include "values.hpp"
#include "verbs.hpp"

using namespace vmsig;

namespace ctl {

namespace {

finding probe_bus(context& c) {
    finding f{"bus", ability::no, true, {}};
    try {
        const std::size_t machines = c.bus().machines().size();
        f.can = ability::yes;
        f.why = fmt::format("{}: {} to be seen", c.uri, counted(machines, "machines"));
    } catch (const trouble& t) {
        f.why = t.what();
        if (!t.next().empty()) f.why += "; " + t.next();
    }
    return f;
}

std::string_view name_of(ability v) {
    return v == ability::yes ? "yes" : v == ability::no ? "no" : "left out";
}

} // namespace

int doctor(context& c) {
    std::vector<finding> all = probe_system();
    all.push_back(probe_kvm(std::min(c.timeout, seconds(10))));
    all.push_back(probe_bus(c));
    bool well = true;
    for (const finding& f : all) {
        const bool bad = f.can != ability::yes;
        well = well && !(bad && f.needed);
        if (c.out.json) {
            c.out.object({{"name", f.name},
                          {"can", f.can == ability::yes},
                          {"needed", f.needed},
                          {"why", f.why}});
            continue;
        }
        const colour how = !bad ? colour::green : f.needed ? colour::red : colour::yellow;
        c.out.line(fmt::format("{:<14} {} {}", f.name,
                               c.out.paint(fmt::format("{:<8}", name_of(f.can)), how),
                               escaped(f.why)));
    }
    return well ? success : failed;
}

} // namespace ctl
