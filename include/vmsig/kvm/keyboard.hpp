// keyboard: the input adapter of a machine's PS/2 keyboard. A frame goes to the controller whole or
// waits, not begun, until the guest has read enough: what is done is in the guest's queue.
#pragma once

#include <cstddef>
#include <span>

#include <vmsig/adapter/adapter.hpp>
#include <vmsig/kvm/fifo.hpp>
#include <vmsig/kvm/incarnation.hpp>
#include <vmsig/kvm/vm.hpp>

namespace vmsig::kvm {

class keyboard_adapter {
public:
    static constexpr roles serves = role::input;

    keyboard_adapter(vm& machine, const incarnation& guest);

    void on_attach(adapter_handle bus) { bus_ = bus; }
    void on_detached();
    void execute(fenced_command c, adapter_handle bus);
    const input_codes& codes() const { return codes_; }
    std::size_t neutral(std::span<const input_change> releases, adapter_handle bus);

    // What the host adapter hears of the machine.

    /// There may be room, or nobody to type to. Completes commands.
    void advance();
    /// Emits.
    void leds_changed();

    adapter_handle line() const { return bus_; }

private:
    bool has_room() const;
    void press(const fenced_command& c);

    vm& vm_;
    const incarnation& guest_;
    adapter_handle bus_;
    fifo<fenced_command> waiting_;
    input_codes codes_;
    bool owes_room_ = false; ///< to those whose releases did not fit
};

} // namespace vmsig::kvm
