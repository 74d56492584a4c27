// Commands as one writes them: `press(lease, KEY_A).hold(50ms).within(2s)`. Thin: each function
// fills in a `command` and nothing else.
#pragma once

#include <initializer_list>

#include <vmsig/event/command.hpp>
#include <vmsig/event/lease.hpp>

namespace vmsig {

/// A command under construction; converts to `command`.
struct command_builder {
    command value;

    constexpr command_builder(verb v, endpoint_id e, serial_number s = {}) {
        value.verb = v;
        value.endpoint = e;
        value.serial = s;
    }
    constexpr operator const command&() const { return value; }

    /// Not begun later than this after submission.
    constexpr command_builder& within(duration d) {
        value.deadline = instant{d.ns > 0 ? d.ns : 1}; // 0 would be none
        value.deadline_relative = true;
        return *this;
    }
    /// Not begun earlier than this after submission.
    constexpr command_builder& delayed(duration d) {
        value.not_before = instant{d.ns};
        value.not_before_relative = true;
        return *this;
    }
    /// Input only: what the frame pressed is released again after this long. Later input commands
    /// of the same lane wait for it.
    constexpr command_builder& hold(duration d) {
        value.hold = d;
        return *this;
    }
    constexpr command_builder& on(lane l) {
        value.lane = l;
        return *this;
    }
    /// What its absolute coordinates refer to.
    constexpr command_builder& in_region(std::uint32_t id) {
        value.region = id;
        return *this;
    }
    /// Begins when that command of one's own has completed, however it ended.
    constexpr command_builder& following(correlation_id id) {
        value.after = id;
        return *this;
    }
    /// Refused in any later epoch than this one.
    constexpr command_builder& pinned(epoch_number e) {
        value.epoch = e;
        value.fenced_by_epoch = true;
        return *this;
    }
};

/// One input frame of up to six changes. A longer one is refused `invalid` when it is submitted: it
/// goes beside its command as `bulk`.
constexpr command_builder frame_of(const lease& l, std::initializer_list<input_change> changes) {
    command_builder c{verb::input, l.endpoint, l.serial};
    for (const input_change& change : changes) {
        if (c.value.changes++ == inline_changes) break;
        c.value.frame[c.value.changes - 1] = change;
    }
    return c;
}
constexpr command_builder press(const lease& l, std::uint16_t code) {
    return frame_of(l, {input_change::key(code, true)});
}
constexpr command_builder release_key(const lease& l, std::uint16_t code) {
    return frame_of(l, {input_change::key(code, false)});
}

/// A verb of host management, under the power lease.
constexpr command_builder power(const lease& l, verb v) { return {v, l.endpoint, l.serial}; }
/// Asks for the VM's state. Needs `observe`, no lease.
constexpr command_builder query_status(endpoint_id e) { return {verb::status, e}; }

/// Where memory is read or written: physical, or virtual under a page-table root.
struct memory_at {
    std::uint64_t address = 0;
    std::uint64_t root = 0; ///< 0: physical
};

/// Each holds a payload until its receipt has been delivered, of which a control has 8 at most:
/// `busy` beyond.
constexpr command_builder read_memory(endpoint_id e, memory_at at, std::uint32_t bytes) {
    command_builder c{verb::mem_read, e};
    c.value.memory = {
        .address = at.address, .root = at.root, .value = 0, .expected = 0, .length = bytes};
    return c;
}
/// 1, 2, 4 or 8 bytes in one single-copy-atomic store.
constexpr command_builder store(const lease& l, memory_at at, std::uint64_t value,
                                std::uint32_t bytes = 8) {
    command_builder c{verb::mem_write, l.endpoint, l.serial};
    c.value.mode = write_mode::atomic;
    c.value.memory = {
        .address = at.address, .root = at.root, .value = value, .expected = 0, .length = bytes};
    return c;
}
/// One compare-exchange: writes `value` only where `expected` is.
constexpr command_builder compare_store(const lease& l, memory_at at, std::uint64_t expected,
                                        std::uint64_t value, std::uint32_t bytes = 8) {
    command_builder c = store(l, at, value, bytes);
    c.value.compare = true;
    c.value.memory.expected = expected;
    return c;
}
/// A longer write; its bytes go beside the command as `bulk`.
constexpr command_builder write_memory(const lease& l, memory_at at, std::uint32_t bytes,
                                       write_mode mode) {
    command_builder c = store(l, at, 0, bytes);
    c.value.mode = mode;
    return c;
}

} // namespace vmsig
