// Verbs of host management: begun one after the other, completed when they have truly happened.
#include <vmsig/kvm/host.hpp>

#include <utility>

namespace vmsig::kvm {

namespace {

constexpr bool ends_incarnation(verb v) { return v == verb::reset || v == verb::power_off; }

} // namespace

/// A pause that the bus took for a write is none of the machine's state.
vm_state host_adapter::state() const {
    switch (vm_.state()) {
    case run_state::off: return vm_state::powered_off;
    case run_state::failed: return vm_state::crashed;
    default: return commanded_pause_ ? vm_state::paused : vm_state::running;
    }
}

void host_adapter::execute(fenced_command c, adapter_handle bus) {
    if (waiting_.full()) return bus.complete(c.id(), completion::failed(failure::unavailable));
    const auto taken = c.take();
    if (!taken) return;
    const verb what = taken->command.verb;
    if (what == verb::status) return bus.complete(c.id(), {.state = state()});
    if (ends_incarnation(what)) ++guest_.ending;
    waiting_.push({what, c.id()});
    advance();
}

void host_adapter::advance() {
    while (!active_.id && !waiting_.empty()) {
        active_ = waiting_.pop();
        begin();
    }
}

/// Leaves the verb active when its end is a record to come.
void host_adapter::begin() {
    switch (active_.what) {
    case verb::start: return start();
    case verb::pause: return pause();
    case verb::resume: return resume();
    case verb::reset:
        if (!vm_.request_reset()) refuse();
        return;
    case verb::power_off:
        if (!vm_.request_power_off()) refuse();
        return;
    case verb::power_button:
        if (vm_.state() == run_state::off) return refuse();
        vm_.press_power_button();
        return finish();
    default: return finish(completion::failed(failure::unsupported));
    }
}

void host_adapter::finish(const completion& how) {
    const begun_verb over = std::exchange(active_, {});
    if (ends_incarnation(over.what)) --guest_.ending;
    bus_.complete(over.id, how);
}

void host_adapter::start() {
    if (!vm_.start()) refuse();
}

void host_adapter::pause() {
    const run_state now = vm_.state();
    if (now == run_state::off || now == run_state::failed) return refuse();
    if (commanded_pause_) return finish();
    commanded_pause_ = true;
    if (vm_.request_pause()) paused();
}

void host_adapter::resume() {
    const run_state now = vm_.state();
    if (now == run_state::off || now == run_state::failed) return refuse();
    if (!commanded_pause_) return finish();
    commanded_pause_ = false;
    vm_.request_resume();
    if (vm_.state() != run_state::paused) resumed(); // it was not, for the sake of this pause
}

void host_adapter::paused() {
    told_paused_ = true;
    tell(transition::paused, cause::host);
    if (active_.what == verb::pause) finish();
}

void host_adapter::resumed() {
    told_paused_ = false;
    tell(transition::resumed, cause::host);
    if (active_.what == verb::resume) finish();
}

void host_adapter::drop_commanded_pause() {
    told_paused_ = false;
    if (std::exchange(commanded_pause_, false)) vm_.request_resume();
}

} // namespace vmsig::kvm
