// The inline payloads of the bus's own events, one struct per kind that carries something.
#pragma once

#include <array>
#include <cstdint>

#include <vmsig/event/command.hpp>
#include <vmsig/event/event.hpp>
#include <vmsig/event/lease.hpp>
#include <vmsig/event/outcome.hpp>

namespace vmsig {

enum class vm_state : std::uint8_t { unknown, running, paused, powered_off, crashed };

/// What happened to a VM. Those from `reset` on destroy the old memory or CPU state: each raises
/// the epoch.
enum class transition : std::uint8_t {
    none,
    started,
    paused,
    resumed,
    crashed, ///< the guest stopped by a fault; memory is intact
    reset,
    restored,
    migrated_in,
    powered_off,
    memory_replaced,
};
constexpr bool destructive(transition t) { return t >= transition::reset; }

enum class cause : std::uint8_t { unknown, guest, host, watchdog };

struct lifecycle {
    static constexpr kind event_kind = kind::lifecycle;
    transition what = transition::none;
    vmsig::cause cause = cause::unknown;
    vm_state state = vm_state::unknown; ///< after it; filled in by the core
    std::uint8_t replayed = 0;          ///< 1: retained state, not news
};

struct epoch_changed {
    static constexpr kind event_kind = kind::epoch_changed;
    transition what = transition::none;
    vmsig::cause cause = cause::unknown;
    std::uint32_t count = 1; ///< epochs that this notice stands for, in a storm of resets
};

struct memctx_published {
    static constexpr kind event_kind = kind::memctx_published;
    version_number version;
};

struct memctx_invalidated {
    static constexpr kind event_kind = kind::memctx_invalidated;
    epoch_number last; ///< no memctx of this epoch or an older one is valid any more
};

struct memctx_unavailable {
    static constexpr kind event_kind = kind::memctx_unavailable;
    std::int32_t error = 0; ///< errno, or 0
};

struct memory_written {
    static constexpr kind event_kind = kind::memory_written;
    std::uint64_t address = 0; ///< as in the command
    std::uint64_t root = 0;    ///< 0: `address` is physical
    std::uint32_t length = 0;  ///< bytes
    write_mode mode = write_mode::atomic;
};

/// The single terminal outcome of an accepted command; `event::correlation` names the command.
struct receipt {
    static constexpr kind event_kind = kind::receipt;
    vmsig::outcome outcome = outcome::none;
    vmsig::failure failure = failure::none;
    vmsig::verb verb = verb::none;
    write_mode mode = write_mode::atomic;
    std::uint8_t begun = 0;             ///< 1: the adapter had taken it out of its fence
    vm_state state = vm_state::unknown; ///< `status` and power verbs
    std::uint16_t reserved = 0;
    std::int32_t error = 0;  ///< errno, with failure::io
    std::uint32_t bytes = 0; ///< read or written
    std::uint64_t value = 0; ///< `mismatch` of up to 8 bytes: what was there instead
};

struct lease_granted : lease {
    static constexpr kind event_kind = kind::lease_granted;
    wait_id wait; ///< of the wait that this ends; 0: none
};

struct lease_lost : lease {
    static constexpr kind event_kind = kind::lease_lost;
    lease_end why = lease_end::none;
};

/// The owner is asked to let go; it is preempted at `event::deadline` whatever it does.
struct lease_asked : lease {
    static constexpr kind event_kind = kind::lease_asked;
    std::uint32_t challenger_rank = 0;
};

struct lease_wait_ended {
    static constexpr kind event_kind = kind::lease_wait_ended;
    wait_id wait;
    vmsig::lease_class lease_class = lease_class::input;
    lease_end why = lease_end::none;
};

/// Told to observers; `holder` 0: free. The event's origin: whose act it was, 0: nobody's.
struct lease_changed : lease {
    static constexpr kind event_kind = kind::lease_changed;
    lease_end why = lease_end::none; ///< of the end of the former lease
    std::uint8_t replayed = 0;
    std::uint32_t count = 1; ///< changes that this notice stands for
    origin_id holder;
    instant since;
};

struct grant_changed {
    static constexpr kind event_kind = kind::grant_changed;
    std::uint32_t rights = 0; ///< on the event's endpoint, now: bits of `right`
};

struct gap {
    static constexpr kind event_kind = kind::gap;
    vmsig::lane lane = lane::normal;
    std::uint64_t count = 0; ///< events lost
};

struct leds_changed {
    static constexpr kind event_kind = kind::leds_changed;
    std::uint32_t lit = 0; ///< bits of LED_*, linux/input-event-codes.h
};

struct console_output {
    static constexpr kind event_kind = kind::console_output;
    std::uint8_t size = 0; ///< bytes of `text`
    std::array<char, inline_payload_bytes - 1> text{};
};

struct adapter_change {
    std::uint64_t adapter = 0; ///< adapter_id
    std::uint32_t roles = 0;   ///< bits of `role`
    std::uint8_t fault = 0;    ///< 1: quarantined
};
struct adapter_attached : adapter_change {
    static constexpr kind event_kind = kind::adapter_attached;
};
struct adapter_detached : adapter_change {
    static constexpr kind event_kind = kind::adapter_detached;
};

} // namespace vmsig
