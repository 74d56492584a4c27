// world: the bus, two machines, and the loop of the demo's own that drives them.
#pragma once

#include <poll.h>

#include <array>
#include <chrono>
#include <memory>
#include <string_view>

#include "allocations.hpp"
#include "participant.hpp"
#include "timeline.hpp"

namespace demo {

struct demo_traits : vmsig::default_traits {
    using observer = vmsig::counting_observer;
};
using demo_core = vmsig::core<demo_traits>;

template <class Machine>
struct world {
    /// `make` gives machines that are off.
    world(timeline& t, std::unique_ptr<Machine> (*make)())
        : out{t} {
        constexpr std::array names{"build-7", "build-8"};
        for (std::size_t i = 0; i < vm.size(); ++i) {
            vm[i] = bus.add_endpoint(names[i]);
            machines[i] = make();
            machines[i]->plug_into(bus, vm[i]);
        }
    }
    ~world() {
        for (auto& m : machines) m->unplug();
    }
    world(const world&) = delete;
    world& operator=(const world&) = delete;

    /// Turns the loop until `held()`; false after ten seconds.
    template <class Held>
    bool until(Held&& held) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (!held()) {
            if (std::chrono::steady_clock::now() > deadline) return false;
            pollfd p{bus.fd(), POLLIN, 0};
            ::poll(&p, 1, 100);
            turn();
        }
        return true;
    }
    void turn() {
        if (!started) {
            bus.dispatch();
            return;
        }
        const counting_allocations counted;
        bus.dispatch();
    }

    timeline& out;
    demo_core bus;
    std::array<vmsig::endpoint_id, 2> vm;
    std::array<std::unique_ptr<Machine>, 2> machines;
    bool started = false; ///< from here on nothing may be allocated
};

} // namespace demo
