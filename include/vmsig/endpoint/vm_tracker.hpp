// vm_tracker: the state of one VM as its lifecycle events tell it. It believes what the adapter
// says last: no transition is refused, repeating one changes nothing.
#pragma once

#include <vmsig/event/payloads.hpp>

namespace vmsig {

/// Where `t` leads from `before`. A VM that was not executing does not execute after a reset or a
/// restore either, until `started` or `resumed` says so (QEMU's run states do the same).
constexpr vm_state after(vm_state before, transition t) {
    switch (t) {
    case transition::started:
    case transition::resumed: return vm_state::running;
    case transition::paused: return vm_state::paused;
    case transition::crashed: return vm_state::crashed;
    case transition::powered_off: return vm_state::powered_off;
    case transition::reset:
    case transition::restored:
    case transition::migrated_in:
        return before == vm_state::crashed || before == vm_state::powered_off ? vm_state::paused
                                                                              : before;
    case transition::none:
    case transition::memory_replaced: break;
    }
    return before;
}

class vm_tracker {
public:
    constexpr vm_state state() const { return state_; }
    /// The state after `t`.
    constexpr vm_state apply(transition t) { return state_ = after(state_, t); }

private:
    vm_state state_ = vm_state::unknown;
};

} // namespace vmsig
