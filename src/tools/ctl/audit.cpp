// vmsigctl audit: the last decisions of the bus about a machine.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <vmsig/audit/names.hpp>

#include "event_fields.hpp"
#include "trouble.hpp"
#include "values.hpp"
#include "verbs.hpp"

using namespace vmsig;
using json = nlohmann::ordered_json;

namespace ctl {

namespace {

std::string or_dash(std::string_view text) { return text.empty() ? "-" : std::string{text}; }

json object_of(const machine& m, const audit_record& r) {
    json j{{"number", r.number},
           {"time_ns", r.time.ns},
           {"endpoint", m.name},
           {"decision", name_of(r.what)}};
    if (!subject_name(r).empty()) j["subject"] = subject_name(r);
    if (!verdict_name(r).empty()) j["verdict"] = verdict_name(r);
    j["origin"] = id_of(r.origin.value);
    j["epoch"] = r.epoch.value;
    if (r.serial.value != 0) j["serial"] = r.serial.value;
    if (r.correlation) j["correlation"] = id_of(r.correlation.value);
    if (r.flags != 0) j["flags"] = r.flags;
    if (r.detail != 0) {
        const std::string_view what = traits_of(r.what).detail;
        j[std::string{what.empty() ? "detail" : what}] = r.detail;
    }
    return j;
}

} // namespace

int audit(context& c) {
    const std::uint64_t last = number_of(c.given.find("--last").value_or("50"));
    if (last == 0 || last > UINT32_MAX) throw misuse("--last: from 1 on");
    const machine& m = c.endpoint();
    const auto records = c.bus().client().read_audit(m.id, static_cast<std::uint32_t>(last));
    c.bus().check();
    if (!records) throw refused(records.error(), fmt::format("{}: its audit", m.name), m);
    table t{{"NUMBER", "TIME", "CONTROL", "DECISION", "SUBJECT", "VERDICT"}};
    for (const audit_record& r : *records) {
        if (c.out.json) {
            c.out.object(object_of(m, r));
            continue;
        }
        const json who = id_of(r.origin.value);
        t.row({std::to_string(r.number),
               fmt::format("{:.6f}", static_cast<double>(r.time.ns) / 1e9),
               who.is_null() ? "-" : who.get<std::string>(), or_dash(name_of(r.what)),
               or_dash(subject_name(r)), or_dash(verdict_name(r))});
    }
    if (!c.out.json) t.print(c.out);
    if (records->empty())
        fmt::print(stderr, "vmsigctl: {}: none of the last decisions of the bus is about it\n",
                   escaped(m.name));
    return success;
}

} // namespace ctl
