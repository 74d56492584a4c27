// keyboard: the input adapter of a stub machine: a PS/2 keyboard, of which the guest reads the
// bytes, and a mouse, of which the guest only counts what it did.
#pragma once

#include <span>

#include <vmsig/adapter/adapter.hpp>
#include <vmsig/stub/vm.hpp>

namespace vmsig::stub {

class keyboard_adapter final : private performer {
public:
    static constexpr roles serves = role::input;

    explicit keyboard_adapter(vm& machine)
        : vm_{machine} {
        for (std::uint16_t key = 0; key < BTN_MISC; ++key)
            if (scancode_of(key)) codes_.add(EV_KEY, key);
    }

    void on_attach(adapter_handle bus) {
        vm_.lines.keyboard = bus;
        vm_.script.enter(device::keyboard, hook::on_attach);
    }
    void on_detached() {
        vm_.lines.keyboard = {};
        vm_.script.enter(device::keyboard, hook::on_detached);
    }
    const input_codes& codes() const { return codes_; }
    void execute(fenced_command c, adapter_handle bus) {
        vm_.script.enter(device::keyboard, hook::execute);
        vm_.accept(*this, c, bus);
        vm_.react();
    }
    /// What was begun before comes first.
    std::size_t neutral(std::span<const input_change> releases, adapter_handle) {
        vm_.script.enter(device::keyboard, hook::neutral);
        vm_.perform_open(*this);
        std::size_t accepted = 0;
        for (const input_change& c : releases) {
            const bool room = vm_.neutral_accepted < vm_.script.neutral_per_step;
            if (!room || (vm_.powered() && !apply(c))) {
                vm_.owes_room = true;
                break;
            }
            ++vm_.neutral_accepted;
            ++accepted;
        }
        return accepted;
    }

private:
    completion perform(const taken_command& t) override {
        if (!vm_.powered()) return completion::failed(failure::unavailable);
        std::size_t bytes = 0;
        for (const input_change& c : t.frame)
            if (c.type == EV_KEY) bytes += scancode_bytes_of(c.code, c.value != 0).size;
        if (bytes > vm_.program.keys.room()) return completion::failed(failure::unavailable);
        for (const input_change& c : t.frame) apply(c);
        return {};
    }
    /// False: no room.
    bool apply(const input_change& c) {
        cpu_state& cpu = vm_.program.cpu;
        if (c.type == EV_REL) {
            if (c.code == REL_X) cpu.pointer_x += c.value;
            if (c.code == REL_Y) cpu.pointer_y += c.value;
            if (c.code == REL_WHEEL) cpu.wheel += c.value;
        } else if (c.type == EV_KEY && c.code >= BTN_LEFT && c.code <= BTN_TASK) {
            cpu.buttons &= ~bit(c.code - BTN_LEFT);
            if (c.value != 0) cpu.buttons |= bit(c.code - BTN_LEFT);
        } else if (c.type == EV_KEY) {
            return vm_.program.keys.push(scancode_bytes_of(c.code, c.value != 0));
        }
        return true;
    }

    vm& vm_;
    input_codes codes_ = input_codes::pointer();
};

} // namespace vmsig::stub
