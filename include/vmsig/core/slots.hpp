// The tables of a core: what it keeps for each endpoint, adapter, control and watch. Hot lines
// (what an event reads) are apart from cold slots.
#pragma once

#include <array>
#include <cstdint>

#include <vmsig/adapter/table.hpp>
#include <vmsig/base/dlist.hpp>
#include <vmsig/base/unique_fd.hpp>
#include <vmsig/control/table.hpp>
#include <vmsig/endpoint/epoch_keeper.hpp>
#include <vmsig/endpoint/vm_tracker.hpp>
#include <vmsig/grant/grant.hpp>
#include <vmsig/grant/ledger.hpp>
#include <vmsig/grant/subscription.hpp>
#include <vmsig/input/held_set.hpp>
#include <vmsig/input/input_codes.hpp>
#include <vmsig/memctx/cache.hpp>
#include <vmsig/timing/pacer.hpp>

namespace vmsig::detail {

/// What routing reads: bitmaps over control slots.
struct routing_rows {
    std::array<std::uint64_t, audience_count> rights{}; ///< by audience
    std::array<std::uint64_t, max_sources> sources{};
    std::uint64_t ready = 0;    ///< their replay has ended
    std::uint64_t seen = 0;     ///< they have seen the current epoch
    std::uint64_t recalled = 0; ///< an invalidation of the memctx is on its way to them
};

/// One (endpoint, class) of commands.
struct class_cell {
    dlist live; ///< every command that has not ended
    std::array<dlist, lane_count> parked{};
    std::array<bool, lane_count> held{};  ///< a hold is under way in the lane
    std::array<bool, lane_count> ahead{}; ///< one that was parked is at the front of its queue
    vmsig::pace pace;
    std::uint32_t handed = 0;   ///< given to an adapter and not taken
    std::uint32_t begun = 0;    ///< taken and not completed
    std::uint32_t draining = 0; ///< of those, under a lease that has ended
};

template <class Limits>
struct endpoint_slot {
    endpoint_id id;
    std::uint64_t generation = 0;
    bool live = false;
    bool leaving = false; ///< removed in this turn; the slot is free at its end
    std::array<char, Limits::endpoint_name_bytes + 1> name{};
    epoch_keeper epochs;
    vm_tracker vm;
    vmsig::transition last_transition = transition::none;
    vmsig::cause last_cause = cause::unknown;
    std::uint32_t leds = 0;
    bool leds_known = false;
    memctx_cache memctx;
    export_level shared_level = export_level::refused; ///< of the last export
    std::array<adapter_id, role_count> served{};       ///< by role; input is below
    std::array<adapter_id, Limits::input_adapters_per_endpoint> input{};
    held_set held;
    bool neutral_owed = false; ///< the adapter has not accepted all releases yet
    bool neutral_under_way = false;
    endpoint_statistics counts;
    std::uint64_t losers = 0;     ///< controls to be told of a gap
    std::uint32_t told_until = 0; ///< place in the deferral queue where the last raise is told
    std::array<class_cell, command_class_count> cells{};
};

struct adapter_slot {
    adapter_id id;
    std::uint64_t generation = 0;
    bool live = false;
    bool leaving = false;
    endpoint_id endpoint;
    const adapter_table* table = nullptr;
    adapter_binding binding;
    input_codes codes; ///< as declared when it was attached
    std::uint16_t watches = 0;
};

struct control_slot {
    origin_id id;
    std::uint64_t generation = 0;
    bool live = false;
    bool leaving = false;
    const control_table* table = nullptr;
    control_binding binding;
    vmsig::grant grant;
    vmsig::subscription subscription;
    vmsig::ledger ledger;
    std::uint64_t replay = 0;   ///< endpoint slots to be replayed
    std::uint64_t commands = 0; ///< ever accepted in this slot
    watch_id watch;
    bool wants_write = false;
    static constexpr unsigned max_pins = 16;
    std::array<payload_id, max_pins> pins{};
};

enum class watch_owner : std::uint8_t { nobody, adapter, control, host };

struct watch_slot {
    watch_id id;
    std::uint64_t generation = 0;
    watch_owner owner = watch_owner::nobody;
    std::uint8_t hangups = 0;
    std::uint16_t place = 0; ///< slot of its owner
    int fd = -1;
    vmsig::cookie cookie;
    interests what;
    std::uint16_t next_free = 0; ///< slot + 1
};

} // namespace vmsig::detail
