// world: the loop.
#include "world.hpp"

#include <poll.h>

#include <chrono>

#include "allocations.hpp"

namespace demo {

world::world(const narrator& out, machine_maker make)
    : out_{out} {
    for (std::size_t i = 0; i < vm.size(); ++i) {
        vm[i] = bus.add_endpoint(machine_names[i]);
        machines_[i] = make(bus, vm[i]);
    }
}

bool world::until(vmsig::function_ref<bool()> held) {
    const auto deadline = std::chrono::steady_clock::now() + longest_wait;
    while (!held()) {
        if (out_.failed() || std::chrono::steady_clock::now() > deadline) return false;
        turn();
    }
    return true;
}

void world::turn(int other) {
    pollfd p[2] = {{bus.fd(), POLLIN, 0}, {other, POLLIN, 0}};
    (void)::poll(p, 2, 5); // guest memory changes without a word
    const counting_allocations counted;
    bus.dispatch();
}

} // namespace demo
