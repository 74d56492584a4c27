// limits: how much of everything one core has room for, each a named constant with its unit. What
// is beyond a limit is refused with a type, and nothing changes. A host lowers one by deriving.
#pragma once

#include <cstdint>
#include <limits>

#include <vmsig/base/ids.hpp>

namespace vmsig {

struct default_limits {
    static constexpr std::uint16_t endpoints = 64;
    static constexpr std::uint16_t adapters = 256;
    static constexpr std::uint16_t watches_per_adapter = 8;
    static constexpr std::uint16_t input_adapters_per_endpoint = 4;
    static constexpr std::uint16_t controls = 64;
    static constexpr std::uint16_t commands_per_control = 256;
    static constexpr std::uint16_t host_watches = 64;
    static constexpr std::uint16_t ready_per_wait = 64;
    static constexpr std::uint16_t posts = 1024;
    static constexpr std::uint16_t waiters_per_cell = 8;
    static constexpr std::uint16_t deferred_events = 256; ///< beside the room for safety events
    /// Pooled payloads of adapters' events; of one control's commands; and pinned by it. A block
    /// that was never used takes no memory.
    static constexpr std::uint16_t payload_blocks = 64;
    static constexpr std::uint16_t payloads_per_control = 8;
    static constexpr std::uint16_t pins_per_control = 8;
    static constexpr std::uint32_t payload_bytes = 16 * 1024; ///< of a block; longest transfer
    static constexpr std::uint32_t callbacks_per_turn = 4096;
    static constexpr std::uint32_t commands_per_turn = 1024;
    static constexpr std::uint16_t endpoint_name_bytes = 63;

    /// Epochs, serials and versions refuse to rise beyond it.
    static constexpr std::uint64_t counter_limit = std::numeric_limits<std::uint64_t>::max();
    /// How often a place in a table is used, and how many commands are ever accepted.
    static constexpr std::uint64_t generation_limit = max_generation;
};

} // namespace vmsig
