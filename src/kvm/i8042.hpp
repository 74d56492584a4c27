// The PS/2 keyboard and its controller. Bytes of scancode set 1 wait on the host's side and are
// shown one by one, as the guest reads: none is lost, however slow the guest. IBM PS/2 Hardware
// Interface Technical Reference, "Keyboard and auxiliary device controller".
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include <vmsig/kvm/vm.hpp>

#include "byte_ring.hpp"

namespace vmsig::kvm {

class i8042 {
public:
    static constexpr std::uint16_t data_port = 0x60;
    static constexpr std::uint16_t command_port = 0x64;

    /// As after power on: nothing waits, and the keyboard does not send until it is told to.
    void reset();
    /// False, and nothing taken, when there is not room for all.
    bool push_keys(std::span<const std::uint8_t> bytes);
    std::size_t waiting_keys() const { return keys_.size() + (shown_key_ ? 1 : 0); }
    std::uint8_t leds() const { return leds_; }

    std::uint8_t read_status() const;
    std::uint8_t read_data();
    void write_command(std::uint8_t command);
    void write_data(std::uint8_t value);

    /// Each is true once after it happened.
    bool take_interrupt();
    bool take_reset_line();
    bool take_leds_changed();
    bool take_keys_taken();

private:
    /// Who the next data byte from the guest is for.
    enum class reader : std::uint8_t { keyboard, configuration, keyboard_leds, keyboard_parameter };

    void keyboard_command(std::uint8_t command);
    void answer(std::uint8_t byte) { answers_.push(byte); }
    void show_next();

    byte_ring<16>
        answers_; // of controller and keyboard; a guest that does not read them loses some
    byte_ring<max_waiting_keys_bytes> keys_;
    std::optional<std::uint8_t> shown_;
    bool shown_key_ = false;
    std::uint8_t last_shown_ = 0;
    std::uint8_t configuration_ = 0;
    std::uint8_t leds_ = 0;
    reader next_ = reader::keyboard;
    bool scanning_ = false;
    bool interrupt_ = false;
    bool reset_line_ = false;
    bool leds_changed_ = false;
    bool keys_taken_ = false;
};

} // namespace vmsig::kvm
