// The C face: the audit and the statistics.
#include "boundary.hpp"

#include <vmsig/audit/names.hpp>

using namespace vmsig;

namespace {

vmsig_audit_record translated(const audit_record& r) {
    vmsig_audit_record out{};
    out.size = sizeof out;
    out.detail = r.detail;
    out.number = r.number;
    out.time_ns = r.time.ns;
    out.origin = r.origin.value;
    out.endpoint = r.endpoint.value;
    out.epoch = r.epoch.value;
    out.serial = r.serial.value;
    out.correlation = r.correlation.value;
    out.flags = r.flags;
    out.decision = static_cast<std::uint32_t>(r.what);
    out.verdict = r.verdict;
    out.subject = r.subject;
    abi::give_text(name_of(r.what), out.decision_name);
    abi::give_text(verdict_name(r), out.verdict_name);
    abi::give_text(subject_name(r), out.subject_name);
    return out;
}

} // namespace

extern "C" {

vmsig_result vmsig_client_read_audit(vmsig_client* c, std::uint64_t endpoint, std::uint32_t last,
                                     void (*f)(void*, const vmsig_audit_record*), void* context) {
    if (!f) return VMSIG_ERROR_ARGUMENT;
    return abi::guarded(c, [=](client& bus) {
        const auto records = bus.read_audit(abi::endpoint(endpoint), last);
        if (!records) return abi::result_of(records.error());
        for (const audit_record& r : *records) {
            const vmsig_audit_record out = translated(r);
            f(context, &out);
        }
        return VMSIG_OK;
    });
}

vmsig_result vmsig_client_statistics(vmsig_client* c, std::uint64_t endpoint,
                                     vmsig_statistics* out) {
    if (!abi::has_room(out)) return VMSIG_ERROR_ARGUMENT;
    return abi::guarded(c, [=](client& bus) {
        const auto counts = bus.statistics(abi::endpoint(endpoint));
        if (!counts) return abi::result_of(counts.error());
        vmsig_statistics s = VMSIG_STATISTICS_INIT;
        s.epoch = counts->epoch.value;
        s.events = counts->events;
        s.commands = counts->commands;
        s.lost_events = counts->lost_events;
        s.dropped_publications = counts->dropped_publications;
        abi::give(s, out);
        return VMSIG_OK;
    });
}

} // extern "C"
