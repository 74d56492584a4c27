// command_node: a command while a core owns it, from acceptance until its receipt was delivered.
// The room for its receipt and for its place in every list is inside, so ending it needs nothing.
#pragma once

#include <array>
#include <cstdint>

#include <vmsig/adapter/fenced_command.hpp>
#include <vmsig/base/dlist.hpp>
#include <vmsig/event/event.hpp>

namespace vmsig::detail {

enum class command_state : std::uint8_t {
    free,
    delayed,   ///< its not-before time is to come
    following, ///< waits for another command's completion
    queued,
    parked,  ///< its (endpoint, class) is paced, draining, or in a hold
    chosen,  ///< taken out of the queue in this instant
    handed,  ///< given to the adapter, not taken
    begun,   ///< taken: what counts now is how it truly ends
    holding, ///< the press is done, the release is to come
    ended,   ///< the receipt waits to be delivered
};

/// What few commands have.
struct command_marks {
    bool unparked = false;      ///< has waited in its turn
    bool orphan = false;        ///< its issuer is detached
    bool timed = false;         ///< a timer is charged; only then one may be armed
    bool charged_block = false; ///< a payload is
    bool releasing = false;     ///< the second half of a hold
    bool raised_epoch = false;
    bool lease_over = false;     ///< begun under a lease that has ended
    bool behind_another = false; ///< parked, and not the first of its control
};

/// In the order of use: what every command needs comes first.
struct alignas(64) command_node {
    vmsig::command command;
    command_marks is;
    correlation_id id;
    origin_id issuer;
    adapter_id adapter; ///< while handed, begun or holding
    completion result;
    dlink queue; ///< in a lane, a parking place, or the followers of another
    dlink cell;  ///< among all live commands of its (endpoint, class)
    dlist followers;
    std::uint16_t cell_number = 0;
    command_state state = command_state::free;
    bool was_begun = false;

    std::uint8_t release_count = 0;
    bool power_lost = false; ///< since it began: what it pressed is up
    dlist behind;            ///< parked ones of the same control, when it is the first of them
    payload_id bulk;         ///< bytes beside the command, or those that were read
    std::array<input_change, inline_changes> release{}; ///< what ends a hold
};
static_assert(sizeof(command_node) == 256);

/// Its effect cannot be taken back: the adapter took it, or the press of a hold.
constexpr bool has_begun(const command_node& n) {
    return n.is.releasing || n.state >= command_state::begun;
}

/// It waits for its receipt, or there is none.
constexpr bool is_over(const command_node& n) {
    return n.state == command_state::ended || n.state == command_state::free;
}

} // namespace vmsig::detail
