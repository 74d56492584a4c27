// world: the bus, two machines, and the loop of the demo's own that drives them.
#pragma once

#include <array>

#include "cue.hpp"
#include "machines.hpp"
#include "narrator.hpp"
#include "seat.hpp"

namespace demo {

class world final : public patience {
public:
    world(const narrator& out, machine_maker make);

    /// Turns the loop until `held()`.
    bool until(vmsig::function_ref<bool()> held) override;
    /// Waits a little for the bus, or for another descriptor, and turns the loop once. What is
    /// allocated meanwhile is counted.
    void turn(int other = -1);

    demo_core bus;
    std::array<vmsig::endpoint_id, machine_names.size()> vm;

private:
    const narrator& out_;
    std::array<std::unique_ptr<plugged_machine>, machine_names.size()> machines_;
};

} // namespace demo
