// doorkeeper: deciding, and saying so.
#include "doorkeeper.hpp"

#include <cerrno>
#include <cstring>
#include <new>
#include <string>
#include <utility>

#include <vmsig/transport/names.hpp>

#include "log.hpp"
#include "process_start.hpp"

namespace host {
namespace {

constexpr std::uint64_t lines_per_period = 100;
constexpr vmsig::duration period = vmsig::seconds(10);

/// For a line of the log. Many processes in turn may have one pid; its start tells them apart.
std::string description_of(const vmsig::peer_identity& who) {
    std::string text = fmt::format("peer \"{}\" of uid {}, pid {}", vmsig::wire::text_of(who.name),
                                   who.uid, who.pid);
    if (const auto ticks = process_start(who.pid, who.pidfd.get()))
        text += fmt::format(" (started at {})", *ticks);
    return text;
}

} // namespace

std::optional<vmsig::grant> doorkeeper::authenticate(const vmsig::peer_identity& who) {
    std::vector<named_endpoint> endpoints;
    bus_.for_each_endpoint([&endpoints](vmsig::endpoint_id id, std::string_view name) {
        endpoints.push_back({id, name});
    });
    std::optional<vmsig::grant> given;
    if (const rule* r = grants_.rule_for(who)) given = grants::grant_by(*r, endpoints);
    if (!given && may_log()) log("{}: nothing is granted", description_of(who));
    return given;
}

void doorkeeper::admitted(const vmsig::peer_identity& who, vmsig::origin_id as) {
    if (!may_log()) return;
    const rule* r = grants_.rule_for(who);
    log("{}: attached as {}, by line {} of the grants", description_of(who), numbered(as),
        r ? r->where.line : 0);
}

void doorkeeper::left(const vmsig::peer_identity& who, vmsig::origin_id as,
                      vmsig::wire::farewell why) {
    if (may_log())
        log("{}: {} has left: {}", description_of(who), numbered(as), vmsig::wire::name_of(why));
}

void doorkeeper::accepted(int error) noexcept {
    const bool no_room = error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
    if (error != 0 && !no_room) return; // a peer that is lost, or none
    if (std::exchange(nobody_gets_in_, no_room) == no_room) return;
    try {
        if (!may_log()) return;
        if (no_room)
            log("nobody can attach for the time being: {}", std::strerror(error));
        else
            log("peers can attach again");
    } catch (const std::bad_alloc&) { // no memory for a line: the peer matters more
    }
}

bool doorkeeper::may_log() {
    const vmsig::instant now = bus_.now();
    if (now - since_ > period) {
        if (unsaid_ != 0) log("peers: {} more lines were not written", unsaid_);
        since_ = now;
        logged_ = unsaid_ = 0;
    }
    if (logged_ < lines_per_period) return ++logged_, true;
    return ++unsaid_, false;
}

} // namespace host
