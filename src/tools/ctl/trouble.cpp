#include "trouble.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include <vmsig/audit/names.hpp>
#include <vmsig/transport/names.hpp>

#include "connection.hpp"
#include "output.hpp"

using namespace vmsig;

namespace ctl {

namespace {

struct advice {
    int code;
    const char* says;
    std::string next;
};

/// `name`: of the machine, where it is known.
advice advice_on(refusal why, std::string_view name) {
    switch (why) {
    case refusal::denied:
        return {denied, "denied: no right, or no such endpoint",
                fmt::format("`vmsigctl list` shows what you may see, `vmsigctl may {}` what you "
                            "may do; the host's grants decide",
                            name)};
    case refusal::held:
        return {held, "somebody else holds the lease",
                fmt::format("`vmsigctl lease status {}` says who; --wait stands in line", name)};
    case refusal::not_holder: return {failed, "the lease is not yours any more", ""};
    case refusal::busy:
        return {failed, "busy: at a cap of your grant, or a queue is full", "it passes: try again"};
    case refusal::stale_epoch:
        return {failed, "the machine was reset or restored meanwhile", "look again, then act"};
    case refusal::not_ready:
        return {failed, "not ready: the machine shows no memory now",
                fmt::format("`vmsigctl info {0}` shows its state; `vmsigctl memctx {0} --refresh` "
                            "asks again",
                            name)};
    case refusal::unsupported:
        return {failed, "no adapter of the machine does this",
                fmt::format("`vmsigctl info {}`", name)};
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

std::string next_without_socket(const std::string& path) {
    const std::string name = "--uri or $VMSIG_URI names the socket of a host; "
                             "stub:///default needs none";
    if (path.empty() || path[0] != '/')
        return "the path is relative: a third slash, as in unix:///run/vmsig/bus.sock, makes it "
               "begin at the root";
    const std::string folder = path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
    struct stat s {};
    if (::stat(folder.c_str(), &s) != 0 && errno == ENOENT)
        return "there is no folder " + escaped(folder) + ": " + name;
    return "is the host running? " + name;
}

bool is_no_socket(const std::string& path) {
    struct stat s {};
    return ::stat(path.c_str(), &s) == 0 && !S_ISSOCK(s.st_mode);
}

std::string next_after(int code, const std::string& path) {
    switch (code) {
    case ENOENT: return next_without_socket(path);
    case ECONNREFUSED:
        return is_no_socket(path) ? "what is there is no socket: --uri or $VMSIG_URI names the "
                                    "socket of a host"
                                  : "the socket is there, but nobody serves it: start the host";
    case EACCES:
    case EPERM: return "the mode of the socket or of its folder keeps you out: `ls -ld` shows both";
    default: return "";
    }
}

} // namespace

trouble refused(refusal why, const std::string& what, std::string_view name) {
    const advice a = advice_on(why, name);
    return {a.code, fmt::format("{}: {}", what, a.says), a.next};
}

trouble not_connected(const client_error& why, const std::string& uri) {
    if (why.cause.code == ETIMEDOUT)
        return {too_late, fmt::format("{}: no answer in time", uri),
                "the host may be stuck; --timeout gives it longer"};
    switch (why.why) {
    case wire::farewell::none: break;
    case wire::farewell::denied:
        return {denied, fmt::format("{}: the host does not let you in", uri),
                "no grant of the host names this user"};
    case wire::farewell::full:
        return {failed, fmt::format("{}: the host has no place for another connection", uri),
                "try again when somebody has left"};
    default: return {failed, fmt::format("{}: the host hung up: {}", uri, wire::name_of(why.why))};
    }
    if (why.cause.code == ECONNRESET)
        return {failed, fmt::format("{}: the host hung up", uri), "is it still running?"};
    return {failed, fmt::format("{}: {}", uri, of_errno(why.cause)),
            next_after(why.cause.code, std::string{path_of_socket(uri)})};
}

} // namespace ctl
