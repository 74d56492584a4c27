// A 16550 that only speaks: always ready, never interrupts, nothing to receive. National
// Semiconductor PC16550D, register summary.
#pragma once

#include <array>
#include <cstdint>

#include <vmsig/kvm/vm.hpp>

#include "byte_ring.hpp"

namespace vmsig::kvm {

class uart {
public:
    static constexpr std::uint16_t first_port = 0x3f8;
    static constexpr std::uint16_t port_count = 8;

    void reset() { registers_ = {}; }
    void write(unsigned offset, std::uint8_t value);
    std::uint8_t read(unsigned offset) const;

    byte_ring<max_console_bytes>& output() { return output_; }
    std::uint64_t dropped() const { return dropped_; }
    /// True once after bytes came.
    bool take_news();

private:
    bool divisor_selected() const { return (registers_[line_control] & 0x80) != 0; }
    static constexpr unsigned line_control = 3;

    std::array<std::uint8_t, port_count> registers_{};
    byte_ring<max_console_bytes> output_;
    std::uint64_t dropped_ = 0;
    bool news_ = false;
};

} // namespace vmsig::kvm
