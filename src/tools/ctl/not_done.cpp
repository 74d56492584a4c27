// not_done: what a command that ended otherwise than in `done` means for people: the machine, the
// thing, the cause where it is known, and what to do then.
#include <cstring>

#include <fmt/format.h>

#include <vmsig/audit/names.hpp>
#include <vmsig/transport/names.hpp>

#include "connection.hpp"
#include "output.hpp"
#include "trouble.hpp"
#include "values.hpp"

using namespace vmsig;

namespace ctl {

namespace {

struct account {
    std::string says, next;
};

std::string power_line(std::string_view verb, const std::string& name) {
    return fmt::format("`vmsigctl power {} {}`", verb, name);
}

std::string state_words(vm_state s) {
    return s == vm_state::powered_off ? "powered off" : std::string{name_of(s)};
}

account by_state(verb v, vm_state s, const std::string& name) {
    if (s == vm_state::unknown)
        return {"in its state that means nothing", power_line("status", name) + " tells it"};
    const bool there = (v == verb::start && s == vm_state::running) ||
                       (v == verb::pause && s == vm_state::paused) ||
                       (v == verb::resume && s == vm_state::running) ||
                       (v == verb::power_off && s == vm_state::powered_off);
    account a{fmt::format("it is {}{}", state_words(s), there ? " already" : ""), {}};
    if (s == vm_state::powered_off && !there) a.next = power_line("start", name) + " starts it";
    if (s == vm_state::paused && v == verb::start)
        a.next = power_line("resume", name) + " lets it go on";
    if (s == vm_state::crashed) a.next = power_line("reset", name) + " boots it again";
    return a;
}

account of_absence(verb v, vm_state s, const std::string& name) {
    if (v == verb::snapshot_restore)
        return {"there is no snapshot to restore",
                power_line("snapshot-save", name) + " makes one"};
    if (s == vm_state::powered_off) return by_state(v, s, name);
    return {"it is not there now", power_line("status", name) + " tells whether it runs"};
}

/// The bytes in the order of memory; of long ones the receipt has none.
std::string found_bytes(const receipt& r, std::uint32_t length) {
    if (length == 0 || length > sizeof r.value) return "other bytes are there";
    std::vector<std::byte> bytes(length);
    std::memcpy(bytes.data(), &r.value, length);
    return fmt::format("{} is there", hex_of(bytes));
}

account of_failure(const receipt& r, const vmsig::command& c, vm_state s, const std::string& name) {
    switch (r.failure) {
    case failure::unsupported: return {"the machine does not do this", ""};
    case failure::not_translated:
        return {"the address leads to no memory", "`vmsigctl memctx " + name + "` lists the roots"};
    case failure::outside_ram: return {"it has no memory there", where_it_has(c.memory.root, name)};
    case failure::misaligned:
        return {"the address is no multiple of the length", "--mode paused writes anywhere"};
    case failure::mismatch:
        return {found_bytes(r, c.memory.length) + ", and nothing was written", ""};
    case failure::unavailable: return of_absence(r.verb, s, name);
    case failure::refused_by_vm: return by_state(r.verb, s, name);
    case failure::io:
    case failure::none: break;
    }
    return {};
}

} // namespace

std::string where_it_has(std::uint64_t root, const std::string& name) {
    std::string next = "`vmsigctl memctx " + name + "` shows where it has";
    if (root == 0) next += "; this was taken for a physical address: --vcpu 0 for a virtual one";
    return next;
}

trouble refused(refusal why, const std::string& what, const machine& m) {
    if (why == refusal::not_ready && m.state == vm_state::powered_off) {
        const account a = by_state(verb::none, m.state, escaped(m.name));
        return {failed, fmt::format("{}: {} ({})", what, a.says, name_of(why)), a.next};
    }
    return refused(why, what, escaped(m.name));
}

trouble not_done(const receipt& r, const vmsig::command& c, const machine& m,
                 const std::string& what) {
    const std::string how{name_of(r.outcome)};
    if (r.outcome == outcome::expired) return {too_late, fmt::format("{}: {}", what, how)};
    if (r.outcome == outcome::lease_lost)
        return {held, fmt::format("{}: the lease was lost", what),
                fmt::format("`vmsigctl lease status {}` says who holds it", escaped(m.name))};
    if (r.outcome == outcome::revoked)
        return {denied, fmt::format("{}: the host took the right away", what)};
    if (r.outcome == outcome::stale_epoch) return refused(refusal::stale_epoch, what, m);
    if (r.outcome != outcome::failed) return {failed, fmt::format("{}: {}", what, how)};
    if (r.failure == failure::io)
        return {failed, fmt::format("{}: {}", what, std::strerror(r.error))};
    const vm_state s = r.state != vm_state::unknown ? r.state : m.state;
    const account a = of_failure(r, c, s, escaped(m.name));
    return {failed, fmt::format("{}: {} ({})", what, a.says, name_of(r.failure)), a.next};
}

} // namespace ctl
