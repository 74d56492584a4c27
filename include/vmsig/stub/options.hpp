// options: what a stub machine is made of.
#pragma once

#include <cstddef>
#include <cstdint>

#include <vmsig/base/time.hpp>
#include <vmsig/stub/guest.hpp>

namespace vmsig::stub {

/// Who lets time pass for the guest.
enum class clocking : std::uint8_t {
    timer,  ///< a timerfd that the host adapter watches; input and mailbox are answered at once
    manual, ///< whoever calls `step`: for the manual reactor
};

struct machine_options {
    clocking clock = clocking::timer;
    duration period = milliseconds(5);   ///< of the timer
    bool power_on = true;                ///< from the start
    std::size_t low_ram = min_low_ram;   ///< bytes, a multiple of 4 KiB
    std::size_t high_ram = min_high_ram; ///< from 4 GiB on
};

} // namespace vmsig::stub
