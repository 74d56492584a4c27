#include "lease_text.hpp"

#include <fmt/format.h>

#include <vmsig/audit/names.hpp>
#include <vmsig/fmt.hpp>

#include "event_fields.hpp"
#include "output.hpp"
#include "trouble.hpp"
#include "values.hpp"

using namespace vmsig;
using json = nlohmann::ordered_json;

namespace ctl {

lease_view view_of(connection& bus, const machine& m, lease_class c) {
    const auto v = bus.client().status(m.id, c);
    bus.check();
    if (!v) throw refused(v.error(), fmt::format("{}: the {} lease", m.name, name_of(c)), m);
    return *v;
}

std::string text_of_lease(const lease_view& v, origin_id self) {
    if (!v.holder) return "free";
    const instant now = connection::now();
    std::string out =
        v.holder == self ? "held by this control" : fmt::format("held by control {}", v.holder);
    out += fmt::format(" (rank {}) for {}", v.rank, text_of(now - v.since));
    if (v.reason[0] != '\0') out += fmt::format(": {}", v.reason.data());
    if (v.expires != instant::never())
        out += fmt::format(", expires in {}", text_of(std::max(duration{}, v.expires - now)));
    if (v.waiters != 0) out += fmt::format(", {} waiting", v.waiters);
    return out;
}

json object_of_lease(const lease_view& v) {
    if (!v.holder) return {{"holder", nullptr}};
    json j{{"holder", id_of(v.holder.value)},
           {"serial", v.serial.value},
           {"rank", v.rank},
           {"since_ns", v.since.ns},
           {"waiters", v.waiters},
           {"reason", std::string{v.reason.data()}}};
    j["expires_ns"] = v.expires == instant::never() ? json{} : json(v.expires.ns);
    return j;
}

} // namespace ctl
