// The devices behind the ports. Pure state: no descriptor, no lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "i8042.hpp"
#include "power_control.hpp"
#include "uart.hpp"

namespace vmsig::kvm {

class board {
public:
    /// One access of 1, 2 or 4 bytes, little-endian.
    void write_port(std::uint16_t port, std::span<const std::byte> data);
    /// Ones where nothing answers.
    void read_port(std::uint16_t port, std::span<std::byte> data);
    /// The reset line of every device; console output stays readable.
    void reset();

    std::uint64_t unknown_ports() const { return unknown_ports_; }

    uart serial;
    i8042 keyboard;
    power_control power;

private:
    std::uint64_t unknown_ports_ = 0;
};

} // namespace vmsig::kvm
