// Roles: what an adapter serves at its endpoint. At most one adapter per endpoint for memory and
// host management; several for input, if the codes they take are disjoint.
#pragma once

#include <cstdint>

#include <vmsig/base/bits.hpp>
#include <vmsig/event/command.hpp>

namespace vmsig {

enum class role : std::uint8_t {
    sensor, ///< emits events, executes nothing
    memctx_provider,
    memory_writer,
    host_management,
    input,
    console,
    screen,
};
inline constexpr unsigned role_count = 7;
using roles = mask<role>;
constexpr roles operator|(role a, role b) { return roles{a} | roles{b}; }

/// Which role executes the commands of a class; `sensor`: the core itself does.
constexpr role role_of(command_class c) {
    switch (c) {
    case command_class::input: return role::input;
    case command_class::memwrite: return role::memory_writer;
    case command_class::power:
    case command_class::query: return role::host_management;
    case command_class::memread: break;
    }
    return role::sensor;
}

} // namespace vmsig
