// The memctx of a machine, and the order of its writes.
#include <vmsig/kvm/memory.hpp>

#include <cerrno>

#include <vmsig/guest/guest_state.hpp>

#include "memory_write.hpp"

namespace vmsig::kvm {

void memory_adapter::on_attach(adapter_handle bus) {
    bus_ = bus;
    asked_ = bus.epoch();
    owed_ = true;
}

void memory_adapter::on_detached() {
    if (active_ && active_->pauses()) vm_.request_resume();
    active_.reset();
    waiting_.clear();
    shown_ = {};
    bus_ = {};
}

expected<memctx_locator, os_error> memory_adapter::describe() const {
    if (shown_.incarnation == 0) return unexpected<os_error>{os_error{ENODATA, "describe"}};
    memctx_locator where;
    where.paging = shown_.paging();
    where.fd_count = 1;
    for (const ram_region& region : vm_.regions()) (void)where.add(region);
    address_space_root cpu;
    cpu.root = shown_.root();
    cpu.taken = taken_;
    (void)where.add(cpu);
    return where;
}

expected<ram_fds, os_error> memory_adapter::share_fds() const {
    ram_fds out;
    out.fd[0] = vm_.ram_fd();
    out.count = 1;
    return out;
}

void memory_adapter::invalidate(epoch_number e, adapter_handle) {
    if (e != asked_) ended();
    asked_ = e;
    owed_ = true;
    vm_.request_registers();
}

void memory_adapter::begun() {
    shown_ = {};
    owed_ = true;
    vm_.request_registers();
}

void memory_adapter::ended() {
    shown_ = {};
    if (active_) finish(completion::failed(failure::unavailable));
}

void memory_adapter::look_again() {
    if (owed_ && guest_.settled()) vm_.request_registers();
}

void memory_adapter::registers_read() {
    if (!owed_ || !guest_.settled()) return;
    const registers now = vm_.last_registers();
    if (now.incarnation != guest_.number || !maps_state(now)) return;
    shown_ = now;
    taken_ = bus_.now();
    owed_ = false;
    bus_.publish(asked_);
}

bool memory_adapter::maps_state(const registers& now) const {
    const page_table_reader tables{vm_};
    return walk_page(tables, region_map{vm_.regions()}, now.paging(), now.root(),
                     VMSIG_GUEST_STATE_ADDRESS)
        .has_value();
}

void memory_adapter::execute(fenced_command c, adapter_handle bus) {
    if (!has_place(waiting_)) return bus.complete(c.id(), completion::failed(failure::unavailable));
    waiting_.push(c);
    advance();
}

void memory_adapter::advance() {
    while (active_ || !waiting_.empty()) {
        if (!active_ && !take(waiting_.pop())) continue;
        if (!guest_.settled()) {
            finish(completion::failed(failure::unavailable));
        } else if (!active_->pauses() || vm_.stopped()) {
            finish(write_memory(vm_, active_->taken));
        } else {
            return;
        }
    }
}

bool memory_adapter::take(const fenced_command& c) {
    const auto taken = c.take();
    if (!taken) return false;
    active_.emplace(begun_write{c.id(), *taken});
    if (active_->pauses()) vm_.request_pause();
    return true;
}

void memory_adapter::finish(const completion& how) {
    const correlation_id id = active_->id;
    if (active_->pauses()) vm_.request_resume();
    active_.reset();
    if (how.outcome == outcome::done) vm_.kick();
    bus_.complete(id, how);
}

} // namespace vmsig::kvm
