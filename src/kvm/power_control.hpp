// The PM1a registers of ACPI 6.4, 4.8.3: power button and soft off, no more.
#pragma once

#include <cstdint>
#include <utility>

#include <vmsig/guest/guest_state.hpp>

namespace vmsig::kvm {

class power_control {
public:
    static constexpr std::uint16_t status_port = VMSIG_GUEST_PORT_PM1_STATUS;
    static constexpr std::uint16_t control_port = VMSIG_GUEST_PORT_PM1_CONTROL;

    void reset() { *this = power_control{}; }
    void press_button() { status_ |= VMSIG_GUEST_PM1_POWER_BUTTON; }
    std::uint16_t read_status() const { return status_; }
    /// Ones clear.
    void write_status(std::uint32_t value) { status_ &= static_cast<std::uint16_t>(~value); }
    void write_control(std::uint32_t value) {
        if ((value & VMSIG_GUEST_PM1_SLEEP_S5) != 0) off_ = true;
    }
    /// True once after the guest switched itself off.
    bool take_off() { return std::exchange(off_, false); }

private:
    std::uint16_t status_ = 0;
    bool off_ = false;
};

} // namespace vmsig::kvm
