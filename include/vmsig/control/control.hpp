// control: the automation side, as a concept. An object of the host that sees events and issues
// commands on the loop thread.
//
//     void on_event(const event&, control_handle)   required; the event is valid in the callback
//     void on_detached()                             the last call, before the slot is free
//     int  fd() const                                a descriptor of its own, borrowed, with
//     void on_ready(interests, control_handle)       ... readiness (level-triggered), and
//     void flush(control_handle)                     the end of each turn that delivered to it
//
// Callbacks may submit, acquire, detach anybody, and throw: a control that throws is detached. They
// run one at a time; what they cause is delivered after they return. A control must live until it
// is detached: declare it before the core, or detach it before it dies. `detach` has called
// `on_detached` when it returns, and a control may then be destroyed, also inside its own callback.
#pragma once

#include <concepts>

#include <vmsig/control/handle.hpp>
#include <vmsig/reactor/interest.hpp>

namespace vmsig {

template <class C>
concept control = requires(C& c, const event& e, control_handle bus) {
    c.on_event(e, bus);
};

/// A control that brings a descriptor.
template <class C>
concept control_with_fd = control<C> && requires(C& c, interests ready, control_handle bus) {
    { c.fd() } -> std::convertible_to<int>;
    c.on_ready(ready, bus);
};

template <class C>
concept control_with_flush = control<C> && requires(C& c, control_handle bus) {
    c.flush(bus);
};

template <class C>
concept control_with_farewell = control<C> && requires(C& c) {
    c.on_detached();
};

} // namespace vmsig
