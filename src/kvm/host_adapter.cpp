// What the machine says, and who has to know.
#include <vmsig/kvm/host.hpp>

#include "fault.hpp"

namespace vmsig::kvm {

namespace {

constexpr cause cause_of(stop_cause c) {
    return c == stop_cause::host ? cause::host : cause::guest;
}

} // namespace

void host_adapter::on_attach(adapter_handle bus) {
    bus_ = bus;
    watch(vm_.status_fd(), status_ready);
    watch(doorbell_.fd(), doorbell_rang);
    catch_up();
}

void host_adapter::watch(int fd, cookie c) {
    const auto watched = bus_.watch(fd, interest::read, c);
    if (!watched) throw system_fault{watched.error()};
}

/// What happened while nobody listened is no news to this bus; what is now, is.
void host_adapter::catch_up() {
    guest_.alive = false;
    guest_.ending = 0;
    told_started_ = told_paused_ = false;
    while (const auto record = vm_.next_status()) {
        if (record->kind == status_kind::reset_requested) vm_.proceed(record->incarnation);
        if (record->kind == status_kind::powered_off) drop_commanded_pause();
        on_device(record->kind);
    }
    const run_state now = vm_.state();
    if (now == run_state::off || now == run_state::at_reset) return;
    guest_.number = vm_.last_registers().incarnation;
    guest_.alive = true;
    beside_.memory.begun();
    started();
    if (now == run_state::failed) tell(transition::crashed, cause::unknown);
    told_paused_ = commanded_pause_;
    if (told_paused_) tell(transition::paused, cause::host);
}

void host_adapter::on_detached() {
    bus_ = {};
    active_ = {};
    waiting_.clear();
}

void host_adapter::on_ready(cookie c, adapter_handle) {
    if (c == doorbell_rang) {
        beside_.memory.look_again();
        return doorbell_.rung(bus_);
    }
    for (int i = 0; i < records_per_call && bus_.id(); ++i) {
        const auto record = vm_.next_status();
        if (!record) return;
        on_record(*record);
    }
}

void host_adapter::tell(transition what, cause why) { bus_.emit(lifecycle{what, why}); }

void host_adapter::started() {
    told_started_ = true;
    tell(transition::started, cause::host);
}

void host_adapter::on_record(const status& s) {
    switch (s.kind) {
    case status_kind::started:
    case status_kind::was_reset: return on_begun(s);
    case status_kind::reset_requested: return on_reset_requested(s);
    case status_kind::powered_off: return on_powered_off(s);
    case status_kind::failed: return on_failed(s);
    case status_kind::paused:
        beside_.memory.advance();
        if (commanded_pause_ && !told_paused_ && vm_.stopped()) paused();
        return advance();
    case status_kind::resumed:
        if (told_paused_ && !commanded_pause_) resumed();
        return advance();
    default: return on_device(s.kind);
    }
}

void host_adapter::on_device(status_kind kind) {
    switch (kind) {
    case status_kind::registers_read: return beside_.memory.registers_read();
    case status_kind::console_readable: return beside_.console.drain();
    case status_kind::leds_changed: return beside_.keyboard.leds_changed();
    case status_kind::keys_taken: return beside_.keyboard.advance();
    default: return;
    }
}

/// `started` or `was_reset`. When the guest was about to begin anew already as a reset was
/// commanded, its own reset comes first.
void host_adapter::on_begun(const status& s) {
    if (s.incarnation <= guest_.number) return; // told already
    const bool commanded = active_.what == verb::reset && s.cause == stop_cause::host;
    guest_.number = s.incarnation;
    guest_.alive = true;
    beside_.memory.begun();
    if (s.kind == status_kind::started || !told_started_) started();
    if (commanded) tell(transition::reset, cause::host);
    if (commanded || active_.what == verb::start) finish();
    advance();
    beside_.keyboard.advance();
}

/// The machine stands still, and begins anew when it is told to.
void host_adapter::on_reset_requested(const status& s) {
    const bool commanded = guest_.ending != 0;
    guest_.alive = false;
    beside_.memory.ended();
    if (!commanded) tell(transition::reset, cause_of(s.cause));
    vm_.proceed(s.incarnation);
    beside_.keyboard.advance();
}

void host_adapter::on_powered_off(const status& s) {
    const bool commanded = active_.what == verb::power_off;
    guest_.alive = false;
    drop_commanded_pause();
    beside_.memory.ended();
    tell(transition::powered_off, cause_of(s.cause));
    if (commanded)
        finish();
    else if (active_.id)
        refuse();
    advance();
    beside_.keyboard.advance();
}

/// The guest crashed, or its next incarnation could not be loaded.
void host_adapter::on_failed(const status& s) {
    const bool loading = s.incarnation > guest_.number;
    beside_.memory.advance();
    guest_.number = s.incarnation;
    tell(transition::crashed, s.error.code == 0 ? cause::guest : cause::host);
    if (active_.what == verb::pause) drop_commanded_pause();
    if (loading && (active_.what == verb::start || active_.what == verb::reset))
        finish(completion::failed(failure::io, s.error.code));
    else if (active_.what == verb::pause || active_.what == verb::resume)
        refuse();
    advance();
    beside_.keyboard.advance();
}

} // namespace vmsig::kvm
