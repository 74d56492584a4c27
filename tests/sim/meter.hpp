// meter: allocations by side. The core and the simulation around it call each other in turn; only
// what the core allocates counts.
#pragma once

#include <cstdint>

#include <support/alloc_guard.hpp>

namespace vmsig::sim {

class meter {
public:
    /// While it lives, what is allocated is the core's, or not.
    class side {
    public:
        side(meter& m, bool bus)
            : meter_{m}
            , before_{m.bus_} {
            meter_.turn(bus);
        }
        side(const side&) = delete;
        side& operator=(const side&) = delete;
        ~side() { meter_.turn(before_); }

    private:
        meter& meter_;
        bool before_;
    };

    /// Allocations of the core since the last call.
    std::uint64_t take() {
        const std::uint64_t n = of_bus_;
        of_bus_ = 0;
        return n;
    }

private:
    void turn(bool bus) {
        const std::uint64_t now = test::allocation_count();
        if (bus_) of_bus_ += now - mark_;
        mark_ = now;
        bus_ = bus;
    }

    std::uint64_t mark_ = 0;
    std::uint64_t of_bus_ = 0;
    bool bus_ = false;
};

} // namespace vmsig::sim
