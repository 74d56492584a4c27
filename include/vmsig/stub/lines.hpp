// lines: how a stub machine talks to the bus: through the handles of its adapters, which are weak,
// so that a machine without a bus talks to nobody.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include <vmsig/adapter/handle.hpp>
#include <vmsig/stub/faults.hpp>
#include <vmsig/stub/guest.hpp>

namespace vmsig::stub {

/// A kind of the stub's own: the guest says that something in its memory has changed.
struct doorbell_rung {
    std::uint64_t count = 0; ///< since power on
};

struct lines {
    adapter_handle memory;
    adapter_handle keyboard;
    adapter_handle console;
    adapter_handle host;
    kind doorbell = kind::none; ///< what the bus calls `doorbell_rung`

    /// By whoever is still there.
    void tell(const lifecycle& l) const {
        for (const adapter_handle& line : {host, memory, keyboard, console})
            if (line.emit(l)) return;
    }
    /// Total: all adapters leave. `on_detached` clears their lines.
    void cut() const {
        for (const adapter_handle& line : {host, console, keyboard, memory}) line.detach();
    }
    /// What the guest has to say: the doorbell, its LEDs, what it printed.
    void report(guest& program, bool powered, const faults& script) {
        const std::uint64_t rings = program.rings();
        if (doorbell != kind::none && std::exchange(rings_told_, rings) != rings)
            host.emit(doorbell, doorbell_rung{rings});
        if (powered && std::exchange(leds_told_, program.leds()) != program.leds())
            keyboard.emit(leds_changed{leds_told_});
        std::size_t left = script.floods ? program.console.size() : console_bytes_per_step;
        left = std::min(left, program.console.size());
        while (left != 0) {
            console_output out;
            const std::size_t n = std::min(left, out.text.size());
            out.size = static_cast<std::uint8_t>(script.oversized ? 255 : n);
            program.console.copy(out.text.data(), n);
            program.console.erase(0, n);
            left -= n;
            console.emit(out);
        }
    }

private:
    static constexpr std::size_t console_bytes_per_step = 2048;

    std::uint64_t rings_told_ = 0;
    std::uint32_t leds_told_ = 0;
};

} // namespace vmsig::stub
