#include "memory_place.hpp"

#include <fmt/format.h>

#include "trouble.hpp"
#include "values.hpp"

using namespace vmsig;

namespace ctl {

memctx_export memctx_of(connection& bus, const machine& m) {
    const instant until = connection::now() + bus.limit();
    for (;;) {
        auto got = bus.client().memctx(m.id);
        bus.check();
        if (got) return std::move(*got);
        // The notice that nobody has looked at may be of a memory to come.
        const bool off = m.state == vm_state::powered_off;
        if (got.error() != refusal::not_ready || off || !bus.next(until))
            throw refused(got.error(), fmt::format("{}: its memory", m.name), m);
    }
}

memory_place place_of(context& c, const machine& m) {
    memory_place out;
    out.at.address = number_of(c.given["ADDRESS"]);
    const auto root = c.given.find("--root");
    const auto vcpu = c.given.find("--vcpu");
    if (root && vcpu) throw misuse("--root and --vcpu both say a root", "leave one of them out");
    if (root) out.at.root = number_of(*root);
    if (root && out.at.root == 0) throw misuse("a root of 0 means physical", "leave --root out");
    if (!vcpu) return out;
    const std::uint64_t wanted = number_of(*vcpu);
    out.memory = memctx_of(c.bus(), m);
    for (const address_space_root& r : out.memory->locator.roots()) {
        if (r.vcpu != wanted) continue;
        out.at.root = r.root;
        return out;
    }
    throw trouble{failed, fmt::format("{}: no root of vCPU {} is known", m.name, wanted),
                  fmt::format("`vmsigctl memctx {}` lists them", escaped(m.name))};
}

} // namespace ctl
