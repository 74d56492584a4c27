// vmsigctl lease release: ends the lease of whoever holds it. One's own ends with one's connection.
#include <fmt/format.h>

#include <vmsig/audit/names.hpp>

#include "lease_text.hpp"
#include "trouble.hpp"
#include "verbs.hpp"
#include "words.hpp"

using namespace vmsig;

namespace ctl {

int lease_release(context& c) {
    const lease_class cls = lease_class_of(c.given["CLASS"]);
    const machine& m = c.endpoint();
    const refusal r = c.bus().client().force_release(m.id, cls);
    c.bus().check();
    const std::string what = fmt::format("{}: the {} lease", m.name, name_of(cls));
    if (r != refusal::none) throw refused(r, what, m);
    if (c.out.json)
        c.out.object({{"endpoint", m.name}, {"class", name_of(cls)}, {"holder", nullptr}});
    else
        c.out.line(what + " is free now");
    return success;
}

} // namespace ctl
