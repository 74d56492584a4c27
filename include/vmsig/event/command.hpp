// command: what travels down, from a control to an adapter. Two cache lines, trivially copyable.
// What does not fit inline (long frames, long writes) rides beside it as bulk bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <vmsig/base/counter.hpp>
#include <vmsig/base/ids.hpp>
#include <vmsig/base/time.hpp>
#include <vmsig/event/input_change.hpp>
#include <vmsig/event/lane.hpp>
#include <vmsig/event/right.hpp>

namespace vmsig {

enum class verb : std::uint8_t {
    none,
    input,
    start,
    pause,
    resume,
    reset,
    power_button,
    power_off,
    snapshot_save,
    snapshot_restore,
    status,
    mem_write,
    mem_read,
};

/// Commands keep their order, are paced and are blocked per (endpoint, class). The first three
/// are the lease classes, in their order.
enum class command_class : std::uint8_t { input, power, memwrite, memread, query };
inline constexpr unsigned command_class_count = 5;

constexpr bool needs_lease(command_class c) { return c <= command_class::memwrite; }
/// Whether every command of it is fenced by epoch; of the others those that ask.
constexpr bool fenced_class(command_class c) {
    return c == command_class::input || c == command_class::memwrite || c == command_class::memread;
}

constexpr right right_of(command_class c) {
    switch (c) {
    case command_class::input: return right::input;
    case command_class::power: return right::power;
    case command_class::memwrite: return right::memwrite;
    case command_class::memread: return right::memread;
    case command_class::query: break;
    }
    return right::observe;
}

/// What the checks of a command go by.
struct verb_traits {
    vmsig::command_class command_class = command_class::power;
    right needs = right::power;
    bool leased = true;    ///< under a lease of its class
    bool fenced = false;   ///< by the epoch; the others only if the command asks
    bool destroys = false; ///< the machine's old memory and state: raises the epoch
};
inline constexpr unsigned verb_count = 13;

inline constexpr std::array<verb_traits, verb_count> verbs = [] {
    std::array<verb_traits, verb_count> t{};
    const auto put = [&t](verb v, command_class c) {
        t[static_cast<unsigned>(v)] = {c, right_of(c), needs_lease(c), fenced_class(c), false};
    };
    put(verb::none, command_class::query);
    put(verb::input, command_class::input);
    put(verb::status, command_class::query);
    put(verb::mem_write, command_class::memwrite);
    put(verb::mem_read, command_class::memread);
    for (const verb v : {verb::reset, verb::snapshot_restore, verb::power_off})
        t[static_cast<unsigned>(v)].destroys = true;
    return t;
}();
/// Of a verb that is none, those of a power verb.
constexpr const verb_traits& traits_of(verb v) {
    return verbs[v <= verb::mem_read ? static_cast<unsigned>(v)
                                     : static_cast<unsigned>(verb::start)];
}
constexpr command_class class_of(verb v) { return traits_of(v).command_class; }

/// How a memory write is done. `atomic`: 1, 2, 4 or 8 bytes, naturally aligned, in one store (or
/// compare-exchange) as seen by running vCPUs. `paused`: any length up to the limit, all or nothing
/// towards vCPUs, which are stopped around it; devices doing DMA are not. `best_effort`: running
/// vCPUs may see parts; no compare.
enum class write_mode : std::uint8_t { atomic, paused, best_effort };

inline constexpr std::size_t inline_changes = 6;

struct memory_access {
    std::uint64_t address = 0;  ///< guest physical, or virtual under `root`
    std::uint64_t root = 0;     ///< page-table root; 0: `address` is physical
    std::uint64_t value = 0;    ///< up to 8 bytes to write, little-endian
    std::uint64_t expected = 0; ///< with `compare`, up to 8 bytes
    std::uint32_t length = 0;   ///< bytes
    std::uint32_t reserved = 0;
};

struct command {
    vmsig::verb verb = verb::none;
    vmsig::lane lane = lane::normal;
    write_mode mode = write_mode::atomic;
    std::uint8_t changes = 0;       ///< inline input changes; 0 and bulk: the frame is the bulk
    bool deadline_relative = false; ///< `deadline` counts from submission
    bool not_before_relative = false;
    bool fenced_by_epoch = false; ///< power verbs only: refuse in a later epoch than `epoch`
    bool compare = false;         ///< memory writes: only where the expected bytes are
    std::uint32_t region = 0;     ///< what absolute coordinates refer to; the adapter's number
    endpoint_id endpoint;
    serial_number serial; ///< of the lease it acts under
    epoch_number epoch;   ///< pinned; 0: the epoch that its issuer has seen
    correlation_id after; ///< begins only when that command has completed; 0: none
    instant deadline;     ///< never begun after it; 0: none
    instant not_before;   ///< never begun before it; 0: none
    duration hold;        ///< input: the inverse follows after this long; 0: none
    union {
        input_change frame[inline_changes];
        memory_access memory;
    };

    constexpr command()
        : frame{} {}
};
static_assert(sizeof(command) <= 128 && std::is_trivially_copyable_v<command>);

} // namespace vmsig
