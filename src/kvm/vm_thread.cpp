// The vCPU's thread: acts on wishes, runs the guest, answers its accesses.
#include "vm_impl.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>

#include "image.hpp"
#include "kvm_call.hpp"

namespace vmsig::kvm {

namespace {

/// KVM breaks a repeated string access into a few exits; more than this is not progress.
constexpr int max_exits_of_one_access = 64;

void take_kick() {
    sigset_t kick;
    ::sigemptyset(&kick);
    ::sigaddset(&kick, kick_signal);
    const timespec at_once{};
    ::sigtimedwait(&kick, nullptr, &at_once);
}

} // namespace

void vm::impl::serve() {
    held_lock lock{mutex_};
    while (!wishes_.quit) {
        const bool acted = !statuses_.crowded() && act(lock);
        settle_access();
        if (!acted && !wishes_.quit) changed_.wait(lock);
    }
}

/// One step. False when there is nothing to do before somebody calls.
bool vm::impl::act(held_lock& lock) {
    if (state_ == run_state::running && !stop_wanted()) return run_guest(lock), true;
    if (access_pending_) return finish_access(), true;
    if (wishes_.power_off) return switch_off(stop_cause::host), true;
    if (state_ == run_state::off) {
        if (!wishes_.start) return false;
        return begin_incarnation(lock, status_kind::started, stop_cause::host), true;
    }
    if (doings_.power_off) return switch_off(stop_cause::guest), true;
    if (wishes_.reset) return stop_for_reset(stop_cause::host), true;
    if (doings_.reset) return stop_for_reset(*doings_.reset), true;
    if (state_ == run_state::at_reset && wishes_.proceed)
        return begin_incarnation(lock, status_kind::was_reset, reset_cause_), true;
    if (wishes_.registers) {
        wishes_.registers = false;
        return change(state_, {.kind = status_kind::registers_read}), true;
    }
    if (state_ == run_state::running)
        return change(run_state::paused, {.kind = status_kind::paused}), true;
    if (state_ == run_state::paused && wishes_.pauses == 0)
        return change(run_state::running, {.kind = status_kind::resumed}), true;
    return false;
}

bool vm::impl::stop_wanted() const {
    return wishes_.power_off || wishes_.reset || wishes_.registers || wishes_.pauses > 0 ||
           doings_.power_off || doings_.reset;
}

void vm::impl::change(run_state state, status record) {
    const auto read = vcpu_.read();
    registers_ = read ? *read : kvm::registers{};
    registers_.incarnation = incarnation_;
    record.incarnation = incarnation_;
    state_ = state;
    settle_access();
    statuses_.push(record);
}

void vm::impl::switch_off(stop_cause cause) {
    doings_ = {};
    wishes_ = {.pauses = wishes_.pauses, .quit = wishes_.quit};
    change(run_state::off, {.kind = status_kind::powered_off, .cause = cause});
}

void vm::impl::stop_for_reset(stop_cause cause) {
    doings_ = {};
    wishes_.reset = false;
    reset_cause_ = cause;
    if (state_ == run_state::at_reset) return; // the record of the first cause stands for both
    wishes_.proceed = false;
    change(run_state::at_reset, {.kind = status_kind::reset_requested, .cause = cause});
}

void vm::impl::fail(os_error error, std::uint32_t exit_reason) {
    doings_ = {};
    access_pending_ = false;
    change(run_state::failed,
           {.kind = status_kind::failed, .error = error, .exit_reason = exit_reason});
}

void vm::impl::begin_incarnation(held_lock& lock, status_kind kind, stop_cause cause) {
    lock.unlock(); // meanwhile the memory is refused to the owner: see settle_access()
    const auto loaded = load(kind == status_kind::started);
    lock.lock();
    ++incarnation_;
    wishes_.start = false;
    wishes_.proceed = false;
    board_.reset();
    tell_devices_news();
    if (!loaded) return fail(loaded.error(), 0);
    change(run_state::running, {.kind = kind, .cause = cause});
}

expected<void, os_error> vm::impl::load(bool from_power_on) {
    if (from_power_on)
        if (auto cleared = ram_.clear(); !cleared) return cleared;
    const auto image = guest_image();
    const auto header = guest_header();
    std::memcpy(ram_.at(VMSIG_IMAGE_ADDRESS, image.size()), image.data(), image.size());
    if (auto set = chips_.reset(); !set) return set;
    return vcpu_.reset(header.entry, header.root, high_ram_start);
}

void vm::impl::run_guest(held_lock& lock) {
    in_guest_ = true;
    lock.unlock();
    const int result = vcpu_.run();
    lock.lock();
    in_guest_ = false;
    access_pending_ = false;
    if (kicked_ || result == EINTR) take_kick();
    kicked_ = false;
    if (result == 0) return handle_exit();
    if (result != EINTR && result != EAGAIN) fail({result, "KVM_RUN"}, 0);
}

/// Before a stop: an access that KVM has not written back would hit the next incarnation's
/// registers.
void vm::impl::finish_access() {
    for (int i = 0; i < max_exits_of_one_access && access_pending_; ++i) {
        access_pending_ = false;
        const int result = vcpu_.complete();
        if (result == 0) handle_exit();
        if (result == EAGAIN) access_pending_ = true; // KVM had not come to it
        if (result != 0 && result != EINTR && result != EAGAIN) return fail({result, "KVM_RUN"}, 0);
    }
    if (access_pending_) fail({ELOOP, "KVM_RUN"}, 0);
}

void vm::impl::handle_exit() {
    ++exits_;
    kvm_run& exit = vcpu_.exit();
    switch (exit.exit_reason) {
    case KVM_EXIT_INTR: return;
    case KVM_EXIT_SHUTDOWN: doings_.reset = stop_cause::triple_fault; return;
    case KVM_EXIT_IO: return handle_port_access();
    case KVM_EXIT_MMIO:
        access_pending_ = true;
        ++stray_memory_;
        if (!exit.mmio.is_write) std::memset(exit.mmio.data, 0xff, sizeof exit.mmio.data);
        return;
    default: fail({}, exit.exit_reason);
    }
}

void vm::impl::handle_port_access() {
    const auto access = vcpu_.exit().io;
    access_pending_ = true;
    std::span<std::byte> data = vcpu_.port_data();
    for (; !data.empty(); data = data.subspan(access.size)) {
        if (access.direction == KVM_EXIT_IO_OUT)
            board_.write_port(access.port, data.first(access.size));
        else
            board_.read_port(access.port, data.first(access.size));
    }
    tell_devices_news();
    if (board_.power.take_off()) doings_.power_off = true;
    if (board_.keyboard.take_reset_line()) doings_.reset = stop_cause::guest;
}

} // namespace vmsig::kvm
