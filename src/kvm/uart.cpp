// Registers of the serial port.
#include "uart.hpp"

#include <utility>

namespace vmsig::kvm {

void uart::write(unsigned offset, std::uint8_t value) {
    if (divisor_selected() && offset < 2) return;
    if (offset != 0) {
        registers_[offset] = value;
    } else if (output_.push(value)) {
        news_ = true;
    } else {
        ++dropped_;
    }
}

std::uint8_t uart::read(unsigned offset) const {
    constexpr std::uint8_t nothing_pending = 0x01, transmitter_empty = 0x60, carrier = 0xb0;
    switch (offset) {
    case 0: return 0;
    case 2: return nothing_pending;
    case 5: return transmitter_empty;
    case 6: return carrier;
    default: return registers_[offset];
    }
}

bool uart::take_news() { return std::exchange(news_, false); }

} // namespace vmsig::kvm
