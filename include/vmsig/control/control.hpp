// control: the automation side, as a concept. An object of the host that sees events and issues
// commands on the loop thread.
//
//     void on_event(const event&, control_handle)   required; the event is valid in the callback
//     void on_detached()                             the last call, before the slot is free
//     int  fd() const                                a descriptor of its own, borrowed, with
//     void on_ready(interests, control_handle)       ... readiness (level-triggered), and
//     void flush(control_handle)                     the end of each turn that called it
//     void take_back(const grant&)                   events that it keeps in a queue of its own and
//                                                    that the grant no longer lets it see; total
//     uint32_t receiver_uid() const                  the uid of whom it stands for, if that is
//                                                    another process: it decides what of the
//                                                    guest's memory may be handed over. Root if not
//                                                    said
//
// Callbacks may submit, acquire, detach anybody, and throw: a control that throws is detached. They
// run one at a time; what they cause is delivered after they return. A control must live until it
// is detached: declare it before the core, or detach it before it dies. `detach` has called
// `on_detached` when it returns, and a control may then be destroyed, also inside its own callback.
#pragma once

#include <concepts>
#include <cstdint>

#include <vmsig/control/handle.hpp>
#include <vmsig/grant/grant.hpp>
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

/// A control with a queue.
template <class C>
concept control_with_queue = control<C> && requires(C& c, const grant& g) {
    c.take_back(g);
};

/// A control that stands for a process of another user.
template <class C>
concept control_with_receiver_uid = control<C> && requires(const C& c) {
    { c.receiver_uid() } -> std::same_as<std::uint32_t>;
};

template <class C>
concept control_with_farewell = control<C> && requires(C& c) {
    c.on_detached();
};

} // namespace vmsig
