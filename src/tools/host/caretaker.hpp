// caretaker: the control by which the host powers its machines off when it stops: as any control
// does, under the power lease, but with a rank above everybody's.
#pragma once

#include <cstdint>
#include <limits>

#include <vmsig/control/build.hpp>
#include <vmsig/control/control.hpp>
#include <vmsig/event/payloads.hpp>

namespace host {

class caretaker {
public:
    static vmsig::grant authority() {
        return vmsig::grant{}
            .on_every()
            .allow(vmsig::right::observe | vmsig::right::power)
            .rank(std::numeric_limits<std::uint32_t>::max());
    }

    /// Of so many machines.
    explicit caretaker(std::size_t machines)
        : left_{machines} {}

    void on_event(const vmsig::event& e, vmsig::control_handle bus) {
        if (e.is(vmsig::kind::replay_end)) {
            const auto asked = bus.acquire(e.endpoint, vmsig::lease_class::power);
            if (asked.why != vmsig::refusal::none) settle(); // nothing can be switched here
        } else if (const auto* lease = e.as<vmsig::lease_granted>()) {
            const auto off = bus.submit(vmsig::power(*lease, vmsig::verb::power_off));
            if (!off) settle();
        } else if (e.is(vmsig::kind::receipt)) {
            settle(); // off, or it was off already
        }
    }
    bool done() const { return left_ == 0; }

private:
    void settle() { left_ -= left_ != 0 ? 1 : 0; }

    std::size_t left_;
};

} // namespace host
