// The C face: commands.
#include "boundary.hpp"

using namespace vmsig;

namespace {

constexpr std::uint32_t all_flags = VMSIG_COMMAND_DEADLINE_RELATIVE |
                                    VMSIG_COMMAND_NOT_BEFORE_RELATIVE |
                                    VMSIG_COMMAND_FENCED_BY_EPOCH | VMSIG_COMMAND_COMPARE;

static_assert(sizeof(vmsig_input_change) == sizeof(input_change));

bool numbers_known(const vmsig_command& c) {
    return c.verb != VMSIG_VERB_NONE && c.verb < verb_count && c.lane <= VMSIG_LANE_BULK &&
           c.mode <= VMSIG_WRITE_BEST_EFFORT && (c.flags & ~all_flags) == 0;
}
bool pointers_hold(const vmsig_command& c) {
    const bool input = c.verb == VMSIG_VERB_INPUT;
    if (input && (c.bulk_bytes != 0 || (c.change_count != 0 && !c.changes))) return false;
    if (!input && (c.change_count != 0 || (c.bulk_bytes != 0 && !c.bulk))) return false;
    return true;
}

command translated(const vmsig_command& in) {
    command c;
    const auto flag = [&in](std::uint32_t f) { return (in.flags & f) != 0; };
    c.verb = static_cast<verb>(in.verb);
    if (in.lane != VMSIG_LANE_DEFAULT) c.lane = static_cast<lane>(in.lane - 1);
    c.mode = static_cast<write_mode>(in.mode);
    c.deadline_relative = flag(VMSIG_COMMAND_DEADLINE_RELATIVE);
    c.not_before_relative = flag(VMSIG_COMMAND_NOT_BEFORE_RELATIVE);
    c.fenced_by_epoch = flag(VMSIG_COMMAND_FENCED_BY_EPOCH);
    c.compare = flag(VMSIG_COMMAND_COMPARE);
    c.region = in.region;
    c.endpoint = abi::endpoint(in.endpoint);
    c.serial = serial_number{in.serial};
    c.epoch = epoch_number{in.epoch};
    c.after = {in.after};
    c.deadline = {in.deadline_ns};
    c.not_before = {in.not_before_ns};
    c.hold = duration{in.hold_ns};
    if (c.verb != verb::input) {
        c.memory = {in.address, in.root, in.value, in.expected, in.length, 0};
    } else if (in.change_count <= inline_changes) {
        c.changes = static_cast<std::uint8_t>(in.change_count);
        for (std::uint32_t n = 0; n < in.change_count; ++n)
            c.frame[n] = {in.changes[n].type, in.changes[n].code, in.changes[n].value};
    }
    return c;
}
std::span<const std::byte> bulk_of(const vmsig_command& in) {
    if (in.verb != VMSIG_VERB_INPUT)
        return {static_cast<const std::byte*>(in.bulk), in.bulk ? in.bulk_bytes : 0};
    if (in.change_count <= inline_changes) return {};
    return std::as_bytes(std::span{in.changes, in.change_count});
}

/// Calls f(client&, command, bulk) with what the caller means.
template <class F>
vmsig_result with_command(vmsig_client* c, const vmsig_command* command, F&& f) noexcept {
    vmsig_command in = VMSIG_COMMAND_INIT;
    if (!abi::take(command, in) || !pointers_hold(in)) return VMSIG_ERROR_ARGUMENT;
    if (!numbers_known(in)) return VMSIG_REFUSED_INVALID;
    return abi::guarded(c, [&](client& bus) { return f(bus, translated(in), bulk_of(in)); });
}

vmsig_result answered(const submit_result& r, std::uint64_t* correlation) {
    if (correlation) *correlation = r.id.value;
    return abi::result_of(r.why);
}

} // namespace

extern "C" {

vmsig_result vmsig_client_submit(vmsig_client* c, const vmsig_command* command,
                                 std::uint64_t* correlation) {
    return with_command(c, command, [=](client& bus, const auto& what, auto bulk) {
        return answered(bus.submit(what, bulk), correlation);
    });
}

vmsig_result vmsig_client_send(vmsig_client* c, const vmsig_command* command,
                               std::uint32_t* request) {
    if (!request) return VMSIG_ERROR_ARGUMENT;
    return with_command(c, command, [=](client& bus, const auto& what, auto bulk) {
        if (!bus.connected()) return VMSIG_REFUSED_GONE;
        *request = bus.send(what, bulk);
        return *request != 0 ? VMSIG_OK : VMSIG_REFUSED_INVALID;
    });
}

vmsig_result vmsig_client_flush(vmsig_client* c) {
    return abi::guarded(c, [](client& bus) { return bus.flush() ? VMSIG_OK : VMSIG_REFUSED_GONE; });
}

vmsig_result vmsig_client_submitted(vmsig_client* c, std::uint32_t request,
                                    std::uint64_t* correlation) {
    return abi::guarded(c, [=](client& bus) {
        submit_result r;
        (void)bus.receive();
        return bus.submitted(request, r) ? answered(r, correlation) : VMSIG_NOT_YET;
    });
}

vmsig_result vmsig_client_cancel(vmsig_client* c, std::uint64_t correlation) {
    return abi::guarded(c, [=](client& bus) {
        switch (bus.cancel({correlation})) {
        case cancel_result::cancelled: return VMSIG_OK;
        case cancel_result::too_late: return VMSIG_TOO_LATE;
        case cancel_result::gone: break;
        }
        return VMSIG_REFUSED_GONE;
    });
}

} // extern "C"
