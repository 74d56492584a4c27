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
    std::uint64_t found = 0;    ///< they know of it by name, perhaps before their replay

    void leave(std::uint64_t who) {
        for (std::uint64_t& row : rights) row &= ~who;
        for (std::uint64_t& row : sources) row &= ~who;
        ready &= ~who;
        seen &= ~who;
        recalled &= ~who;
        found &= ~who;
    }
};

/// The most events that the snapshot of one endpoint takes, and that one acquire causes.
inline constexpr std::size_t replay_events = 2 + 1 + 1 + 1 + lease_class_count;
inline constexpr std::size_t acquire_events = 8;

/// What a control has beside its functions.
struct brought_along {
    int fd = -1;
    std::uint32_t receiver_uid = 0;
};

/// On whose behalf the core tells something.
struct event_context {
    origin_id origin{};
    correlation_id correlation{};
    instant deadline{};
};

/// Where a control's events go.
struct sink {
    void (*deliver)(void*, const event&) = nullptr;
    void* self = nullptr;
};

/// What an adapter's event of a kind is routed by.
struct kind_row {
    vmsig::audience audience = audience::addressee; ///< so: not for adapters to emit
    vmsig::source source = source::lifecycle;
    vmsig::lane lane = lane::normal;
    bool coalesces = false; ///< in a queue
    friend bool operator==(const kind_row&, const kind_row&) = default;
};

/// One (endpoint, class) of commands.
struct class_cell {
    dlist live; ///< every command that has not ended
    std::array<dlist, lane_count> parked{};
    std::array<bool, lane_count> held{};           ///< a hold is under way in the lane
    std::array<std::uint16_t, lane_count> ahead{}; ///< so many are unparked, and not begun yet
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
    vmsig::lifecycle absorbed; ///< the last destructive one told while a verb that is one ran
    std::uint32_t leds = 0;
    bool leds_known = false;
    memctx_cache memctx;
    std::array<export_level, Limits::controls> shared_level{}; ///< of the last export to each
    std::array<adapter_id, role_count> served{};               ///< by role; input is below
    std::array<adapter_id, Limits::input_adapters_per_endpoint> input{};
    held_set held;
    bool neutral_owed = false; ///< the adapter has not accepted all releases yet
    bool neutral_under_way = false;
    bool losing_power = false; ///< and nobody has been told yet
    endpoint_statistics counts;
    std::uint64_t losers = 0;     ///< controls to be told of a gap
    std::uint32_t told_until = 0; ///< place in the deferral queue where the last raise is told
};

struct alignas(64) adapter_slot {
    adapter_id id;
    const adapter_table* table = nullptr;
    adapter_binding binding;
    endpoint_id endpoint;
    bool live = false;
    bool leaving = false;
    bool allocates = false;     ///< has ever had a block of the pool
    bool farewell_owed = false; ///< attached, and not told `on_detached` yet
    bool lifted = false;        ///< its keys go up, or went, because it leaves
    bool overdue = false;       ///< named by the watch over calls: its call was its last
    std::uint16_t watches = 0;
    std::uint16_t next_leaving = 0; ///< slot + 1
    std::uint16_t first_watch = 0;  ///< slot + 1; the rest by `watch_slot::next`
    std::uint64_t generation = 0;
    input_codes codes; ///< as declared when it was attached
};

struct control_slot {
    origin_id id;
    std::uint64_t generation = 0;
    bool live = false;
    bool leaving = false;
    bool farewell_owed = false; ///< attached, and not told `on_detached` yet
    const control_table* table = nullptr;
    control_binding binding;
    std::uint32_t receiver_uid = 0; ///< of whoever gets what is exported to it
    vmsig::grant grant;
    vmsig::subscription subscription;
    vmsig::ledger ledger;
    std::uint64_t replay = 0;   ///< endpoint slots to be replayed
    std::uint64_t commands = 0; ///< ever accepted in this slot
    watch_id watch;
    interests wants; ///< of its descriptor
    static constexpr unsigned max_pins = 16;
    std::array<payload_id, max_pins> pins{};
};

enum class watch_owner : std::uint8_t { nobody, adapter, control, host };

/// Half a cache line.
struct watch_slot {
    watch_id id; ///< the last one, when it is nobody's
    vmsig::cookie cookie;
    int fd = -1;             ///< -1 also when the number has become another's
    std::uint16_t place = 0; ///< slot of its owner
    std::uint16_t next = 0;  ///< slot + 1: of the same adapter, or free
    std::uint16_t same = 0;  ///< slot + 1: its descriptor has the same hash
    watch_owner owner = watch_owner::nobody;
    std::uint8_t hangups = 0;
};

} // namespace vmsig::detail
