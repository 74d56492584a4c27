// command_codec: a command as a `submit` frame, and back. Its endpoint travels as a handle; input
// changes always travel in the tail, few or many.
#pragma once

#include <vmsig/transport/requests.hpp>

namespace vmsig::wire {

/// False: it says something that no frame can, and would be `invalid` in process.
inline bool to_submit(const command& c, submit& s) {
    if (c.verb > last_of<verb> || c.lane > last_of<lane> || c.mode > last_of<write_mode>)
        return false;
    const auto option = [](bool on, std::uint8_t bit) { return on ? bit : std::uint8_t{0}; };
    s.verb = c.verb;
    s.lane = c.lane;
    s.mode = c.mode;
    s.options = static_cast<std::uint8_t>(option(c.deadline_relative, deadline_relative) |
                                          option(c.not_before_relative, not_before_relative) |
                                          option(c.fenced_by_epoch, fenced_by_epoch) |
                                          option(c.compare, compares));
    s.region = c.region;
    s.endpoint = c.endpoint;
    s.serial = c.serial;
    s.epoch = c.epoch;
    s.after = c.after;
    s.deadline = c.deadline;
    s.not_before = c.not_before;
    s.hold = c.hold;
    if (c.verb == verb::input) return c.changes <= inline_changes;
    s.length = c.memory.length;
    s.address = c.memory.address;
    s.root = c.memory.root;
    s.value = c.memory.value;
    s.expected = c.memory.expected;
    return true;
}
/// What goes before the bulk bytes in the tail. Borrows the command.
inline std::span<const std::byte> tail_of(const command& c) {
    if (c.verb != verb::input) return {};
    return std::as_bytes(std::span{c.frame, c.changes});
}

/// The command that a frame stands for, on that endpoint of the bus. `bulk` borrows the tail.
inline refusal to_command(const wire::submit& s, std::span<const std::byte> tail, endpoint_id at,
                          command& c, std::span<const std::byte>& bulk) {
    if (!at) return refusal::denied;
    c.verb = s.verb;
    c.lane = s.lane;
    c.mode = s.mode;
    c.deadline_relative = (s.options & wire::deadline_relative) != 0;
    c.not_before_relative = (s.options & wire::not_before_relative) != 0;
    c.fenced_by_epoch = (s.options & wire::fenced_by_epoch) != 0;
    c.compare = (s.options & wire::compares) != 0;
    c.region = s.region;
    c.endpoint = at;
    c.serial = s.serial;
    c.epoch = s.epoch;
    c.after = s.after;
    c.deadline = s.deadline;
    c.not_before = s.not_before;
    c.hold = s.hold;
    if (s.verb == verb::input) {
        if (tail.empty() || tail.size() % sizeof(input_change) != 0) return refusal::invalid;
        const std::size_t n = tail.size() / sizeof(input_change);
        if (n > inline_changes) return bulk = tail, refusal::none;
        c.changes = static_cast<std::uint8_t>(n);
        std::memcpy(static_cast<void*>(c.frame), tail.data(), tail.size());
        return refusal::none;
    }
    c.memory = {s.address, s.root, s.value, s.expected, s.length, 0};
    bulk = tail;
    return refusal::none;
}

} // namespace vmsig::wire
