// Which port is whose.
#include "board.hpp"

#include <algorithm>

namespace vmsig::kvm {

namespace {

std::uint32_t number_of(std::span<const std::byte> data) {
    std::uint32_t value = 0;
    for (std::size_t i = data.size(); i-- > 0;)
        value = value << 8 | std::to_integer<std::uint32_t>(data[i]);
    return value;
}

bool is_serial(std::uint16_t port) {
    return port >= uart::first_port && port < uart::first_port + uart::port_count;
}

} // namespace

void board::write_port(std::uint16_t port, std::span<const std::byte> data) {
    const std::uint32_t value = number_of(data);
    const auto byte = static_cast<std::uint8_t>(value);
    if (is_serial(port)) return serial.write(port - uart::first_port, byte);
    switch (port) {
    case i8042::data_port: return keyboard.write_data(byte);
    case i8042::command_port: return keyboard.write_command(byte);
    case power_control::status_port: return power.write_status(value);
    case power_control::control_port: return power.write_control(value);
    default: ++unknown_ports_;
    }
}

void board::read_port(std::uint16_t port, std::span<std::byte> data) {
    std::ranges::fill(data, std::byte{0xff});
    if (is_serial(port)) {
        data[0] = std::byte{serial.read(port - uart::first_port)};
    } else if (port == i8042::data_port) {
        data[0] = std::byte{keyboard.read_data()};
    } else if (port == i8042::command_port) {
        data[0] = std::byte{keyboard.read_status()};
    } else if (port == power_control::status_port && data.size() == 2) {
        data[0] = static_cast<std::byte>(power.read_status());
        data[1] = static_cast<std::byte>(power.read_status() >> 8);
    } else {
        ++unknown_ports_;
    }
}

void board::reset() {
    serial.reset();
    keyboard.reset();
    power.reset();
}

} // namespace vmsig::kvm
