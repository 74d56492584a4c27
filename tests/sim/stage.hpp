// stage: what the simulated controls and adapters see of the world they act in: chance, the model
// that watches them, and a way to do something else from inside a callback.
#pragma once

#include <stdexcept>

#include <vmsig/adapter/handle.hpp>

#include "meter.hpp"
#include "random.hpp"
#include "shadow.hpp"

namespace vmsig::sim {

struct scripted_failure : std::runtime_error {
    scripted_failure()
        : std::runtime_error{"scripted"} {}
};

/// The descriptors of devices, where there is a kernel to have them from.
struct wiring {
    virtual void attached(adapter_handle) = 0;
    virtual void detached(adapter_id) = 0;
    virtual void ready(adapter_handle, cookie) = 0;
    virtual void hung_up(adapter_handle, cookie) = 0;
    /// Sealed, and all zero.
    virtual int ram() = 0;

protected:
    ~wiring() = default;
};

class stage {
public:
    stage(trace& t, verdict& v, shadow& s, meter& m)
        : log{t}
        , broken{v}
        , model{s}
        , cost{m} {}

    /// From inside a callback: perhaps anything that the host, a control or an adapter could do.
    virtual void interfere() = 0;

    /// Calls into the core.
    template <class F>
    auto bus(F&& f) {
        const meter::side s{cost, true};
        return f();
    }
    /// Called by the core.
    template <class F>
    auto ours(F&& f) {
        const meter::side s{cost, false};
        return f();
    }
    /// While faults are on: `percent` of the time at the worst.
    bool fault(unsigned percent) { return !calm && dice.below(400) < percent * malice; }

    trace& log;
    verdict& broken;
    shadow& model;
    meter& cost;
    wiring* wires = nullptr; ///< null: no descriptors
    random dice{0};
    unsigned malice = 2; ///< 0 to 4
    unsigned nested = 0; ///< what is done inside callbacks, and inside those that it causes
    bool calm = false;   ///< faults are off: everybody does what he should

protected:
    ~stage() = default;
};

} // namespace vmsig::sim
