#include "trouble.hpp"

#include <cstring>

#include <fmt/format.h>

#include <vmsig/audit/names.hpp>
#include <vmsig/transport/names.hpp>

using namespace vmsig;

namespace ctl {

namespace {

struct advice {
    int code;
    const char* says;
    const char* next;
};

advice advice_on(refusal why) {
    switch (why) {
    case refusal::denied:
        return {denied, "denied: no right, or no such endpoint",
                "`vmsigctl list` shows what you may see, `vmsigctl may ENDPOINT` what you may do; "
                "the host's grants decide"};
    case refusal::held:
        return {held, "somebody else holds the lease",
                "`vmsigctl lease status ENDPOINT` says who; --wait stands in line"};
    case refusal::not_holder: return {failed, "the lease is not yours any more", ""};
    case refusal::busy:
        return {failed, "busy: at a cap of your grant, or a queue is full", "it passes: try again"};
    case refusal::stale_epoch:
        return {failed, "the machine was reset or restored meanwhile", "look again, then act"};
    case refusal::not_ready:
        return {failed, "not ready: the machine shows no memory now",
                "`vmsigctl info ENDPOINT` shows its state; `vmsigctl memctx --refresh` asks again"};
    case refusal::unsupported:
        return {failed, "no adapter of the machine does this", "`vmsigctl info ENDPOINT`"};
    case refusal::gone: return {failed, "the connection is lost", ""};
    case refusal::exhausted: return {failed, "a counter or a table is at its limit", ""};
    case refusal::audit_unavailable:
        return {failed, "the audit has no room for the decision",
                "the host must drain its audit sink"};
    case refusal::invalid:
    case refusal::none: break;
    }
    return {failed, "the request means nothing to the bus", ""};
}

std::string of_errno(const os_error& e) {
    return fmt::format("{}: {}", e.operation, std::strerror(e.code));
}

const char* next_after(int code) {
    switch (code) {
    case ENOENT:
        return "is the host running? --uri or $VMSIG_URI names its socket; "
               "stub:///default needs none";
    case ECONNREFUSED: return "the socket is there, but nobody serves it: start the host";
    case EACCES:
    case EPERM: return "the mode of the socket or of its folder keeps you out: `vmsigctl doctor`";
    default: return "";
    }
}

} // namespace

trouble refused(refusal why, const std::string& what) {
    const advice a = advice_on(why);
    return {a.code, fmt::format("{}: {}", what, a.says), a.next};
}

trouble not_connected(const client_error& why, const std::string& uri) {
    if (why.cause.code == ETIMEDOUT)
        return {too_late, fmt::format("{}: no answer in time", uri),
                "the host may be stuck; --timeout gives it longer"};
    switch (why.why) {
    case wire::farewell::none: break;
    case wire::farewell::denied:
        return {denied, fmt::format("{}: the host lets you not in", uri),
                "no grant of the host names this user"};
    case wire::farewell::full:
        return {failed, fmt::format("{}: the host has no place for another connection", uri),
                "try again when somebody has left"};
    default: return {failed, fmt::format("{}: the host hung up: {}", uri, wire::name_of(why.why))};
    }
    if (why.cause.code == ECONNRESET)
        return {failed, fmt::format("{}: the host hung up", uri), "is it still running?"};
    return {failed, fmt::format("{}: {}", uri, of_errno(why.cause)), next_after(why.cause.code)};
}

trouble not_done(const receipt& r, const std::string& what) {
    const std::string how{name_of(r.outcome)};
    if (r.outcome == outcome::expired) return {too_late, fmt::format("{}: {}", what, how)};
    if (r.outcome == outcome::lease_lost)
        return {held, fmt::format("{}: the lease was lost", what),
                "`vmsigctl lease status ENDPOINT` says who holds it"};
    if (r.outcome == outcome::revoked)
        return {denied, fmt::format("{}: the host took the right away", what)};
    if (r.outcome != outcome::failed) return {failed, fmt::format("{}: {}", what, how)};
    if (r.failure == failure::io)
        return {failed, fmt::format("{}: {}", what, std::strerror(r.error))};
    return {failed, fmt::format("{}: {}", what, name_of(r.failure))};
}

} // namespace ctl
