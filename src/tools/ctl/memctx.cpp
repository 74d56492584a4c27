// vmsigctl memctx: where a machine's memory is, and how its addresses translate.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <vmsig/transport/names.hpp>

#include "memory_place.hpp"
#include "trouble.hpp"
#include "verbs.hpp"

using namespace vmsig;
using json = nlohmann::ordered_json;

namespace ctl {

namespace {

std::string hex(std::uint64_t n) { return fmt::format("{:#x}", n); }

json object_of(const machine& m, const memctx_export& e) {
    const memctx_locator& l = e.locator;
    json j{{"endpoint", m.name},        {"epoch", l.epoch.value},      {"version", l.version.value},
           {"level", name_of(l.level)}, {"paging", name_of(l.paging)}, {"page_size", l.page_size},
           {"descriptors", l.fd_count}};
    j["regions"] = json::array();
    for (const ram_region& r : l.regions())
        j["regions"].push_back({{"start", hex(r.start)},
                                {"length", r.length},
                                {"descriptor", r.fd_index},
                                {"offset", hex(r.offset)}});
    j["roots"] = json::array();
    for (const address_space_root& r : l.roots()) {
        json one{{"vcpu", r.vcpu}, {"root", hex(r.root)}};
        if (r.second_root != 0) one["second_root"] = hex(r.second_root);
        if (r.control != 0) one["control"] = hex(r.control);
        one["taken_ns"] = r.taken.ns;
        j["roots"].push_back(one);
    }
    return j;
}

void print(output& out, const machine& m, const memctx_export& e) {
    const memctx_locator& l = e.locator;
    out.line(out.paint(escaped(m.name), colour::bold));
    const auto row = [&out](std::string_view key, const std::string& value) {
        out.line(fmt::format("  {:<11} {}", key, value));
    };
    row("epoch", std::to_string(l.epoch.value));
    row("version", std::to_string(l.version.value));
    row("level", std::string{name_of(l.level)});
    row("paging", std::string{name_of(l.paging)});
    row("page size", std::to_string(l.page_size));
    for (const ram_region& r : l.regions())
        row("ram", fmt::format("{:#014x}..{:#014x} descriptor {} offset {:#x}", r.start,
                               r.start + r.length, r.fd_index, r.offset));
    for (const address_space_root& r : l.roots())
        row("root", r.second_root != 0
                        ? fmt::format("vcpu {} {:#x} {:#x}", r.vcpu, r.root, r.second_root)
                        : fmt::format("vcpu {} {:#x}", r.vcpu, r.root));
}

} // namespace

int memctx(context& c) {
    const machine& m = c.endpoint();
    if (c.given.has("--refresh")) {
        const version_number before = m.memory;
        const refusal r = c.bus().client().refresh(m.id);
        c.bus().check();
        if (r != refusal::none) throw refused(r, fmt::format("{}: its memory", m.name), m);
        c.bus().await(m.name + ": its memory", [&](const event& e) {
            const auto* p = e.as<memctx_published>();
            return p && e.endpoint == m.id && p->version > before;
        });
    }
    const memctx_export e = memctx_of(c.bus(), m);
    if (c.out.json)
        c.out.object(object_of(m, e));
    else
        print(c.out, m, e);
    return success;
}

} // namespace ctl
