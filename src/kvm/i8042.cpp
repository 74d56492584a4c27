// Commands of the controller and of the keyboard behind it.
#include "i8042.hpp"

#include <utility>

namespace vmsig::kvm {

namespace {

constexpr std::uint8_t status_output_full = 0x01, status_system = 0x04, status_unlocked = 0x10;
constexpr std::uint8_t configuration_interrupt = 0x01, configuration_keyboard_off = 0x10;
constexpr std::uint8_t acknowledge = 0xfa;

} // namespace

void i8042::reset() {
    const bool lit = leds_ != 0;
    *this = i8042{};
    leds_changed_ = lit;
}

bool i8042::push_keys(std::span<const std::uint8_t> bytes) {
    if (bytes.size() > keys_.room()) return false;
    for (const std::uint8_t byte : bytes) keys_.push(byte);
    show_next();
    return true;
}

void i8042::show_next() {
    if (shown_) return;
    if (!answers_.empty()) {
        shown_ = answers_.pop();
    } else if (scanning_ && (configuration_ & configuration_keyboard_off) == 0 && !keys_.empty()) {
        shown_ = keys_.pop();
        shown_key_ = true;
    } else {
        return;
    }
    last_shown_ = *shown_;
    if ((configuration_ & configuration_interrupt) != 0) interrupt_ = true;
}

std::uint8_t i8042::read_status() const {
    return static_cast<std::uint8_t>(status_system | status_unlocked |
                                     (shown_ ? status_output_full : 0));
}

std::uint8_t i8042::read_data() {
    shown_.reset();
    if (std::exchange(shown_key_, false) && keys_.empty()) keys_taken_ = true;
    const std::uint8_t value = last_shown_;
    show_next();
    return value;
}

void i8042::write_command(std::uint8_t command) {
    next_ = reader::keyboard;
    switch (command) {
    case 0x20: answer(configuration_); break;
    case 0x60: next_ = reader::configuration; break;
    case 0xaa: answer(0x55); break; // self test passed
    case 0xab: answer(0x00); break; // interface test passed
    case 0xad: configuration_ |= configuration_keyboard_off; break;
    case 0xae: configuration_ &= static_cast<std::uint8_t>(~configuration_keyboard_off); break;
    case 0xfe: reset_line_ = true; break;
    default: break;
    }
    show_next();
}

void i8042::write_data(std::uint8_t value) {
    switch (std::exchange(next_, reader::keyboard)) {
    case reader::configuration: configuration_ = value; break;
    case reader::keyboard_leds:
        if (std::exchange(leds_, value & 7) != leds_) leds_changed_ = true;
        answer(acknowledge);
        break;
    case reader::keyboard_parameter: answer(acknowledge); break;
    case reader::keyboard: keyboard_command(value); break;
    }
    show_next();
}

void i8042::keyboard_command(std::uint8_t command) {
    answer(acknowledge);
    switch (command) {
    case 0xed: next_ = reader::keyboard_leds; break;
    case 0xf0: // scancode set
    case 0xf3: // repeat rate
        next_ = reader::keyboard_parameter;
        break;
    case 0xf4: scanning_ = true; break;
    case 0xf5: scanning_ = false; break;
    case 0xff:
        scanning_ = true;
        answer(0xaa); // self test passed
        break;
    default: break;
    }
}

bool i8042::take_interrupt() { return std::exchange(interrupt_, false); }
bool i8042::take_reset_line() { return std::exchange(reset_line_, false); }
bool i8042::take_leds_changed() { return std::exchange(leds_changed_, false); }
bool i8042::take_keys_taken() { return std::exchange(keys_taken_, false); }

} // namespace vmsig::kvm
