// faults: how a stub machine misbehaves, as a script that a test or a simulation sets and changes
// at any time. All off: a machine that keeps its contract.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <stdexcept>

namespace vmsig::stub {

enum class device : std::uint8_t { memory, keyboard, console, host };
inline constexpr unsigned device_count = 4;

/// The functions of an adapter that the core calls.
enum class hook : std::uint8_t {
    on_attach,
    on_ready,
    on_hangup,
    on_detached,
    execute,
    neutral,
    describe,
    share_fds,
    invalidate,
};
inline constexpr unsigned hook_count = 9;

/// What a scripted hook throws.
struct scripted_failure : std::runtime_error {
    scripted_failure()
        : std::runtime_error{"scripted failure"} {}
};

/// When a command is performed and completed.
enum class completing : std::uint8_t {
    at_once,   ///< before `execute` returns
    next_step, ///< when the guest makes its next step
    on_demand, ///< when `machine::complete_pending` is called: a stall
};

struct faults {
    static constexpr std::uint32_t unlimited = std::numeric_limits<std::uint32_t>::max();

    completing completes = completing::at_once;
    bool takes_late = false; ///< not at hand-over but when it is performed
    bool lies = false;       ///< says `done` without having taken the command
    bool completes_twice = false;
    int describe_error = 0;                     ///< errno of `describe`
    int share_error = 0;                        ///< errno of `share_fds`
    std::uint64_t publishes_ahead = 0;          ///< added to the epoch of each publication
    std::uint32_t neutral_per_step = unlimited; ///< releases accepted between two steps
    std::uint32_t guest_resets = 0;             ///< by the guest, in the next step
    std::uint32_t reset_tells = 1;              ///< how often one reset is told
    bool floods = false;                        ///< all console output in one step, however much
    bool oversized = false; ///< console events say that they hold more than they do

    /// The `kth` call from now on throws; 0: none does.
    void throw_at(device d, hook h, std::uint32_t kth = 1) {
        countdown[static_cast<unsigned>(d)][static_cast<unsigned>(h)] = kth;
    }
    /// Each hook begins with it.
    void enter(device d, hook h) {
        std::uint32_t& left = countdown[static_cast<unsigned>(d)][static_cast<unsigned>(h)];
        if (left != 0 && --left == 0) throw scripted_failure{};
    }

    std::array<std::array<std::uint32_t, hook_count>, device_count> countdown{};
};

} // namespace vmsig::stub
