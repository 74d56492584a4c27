// adapter: trusted code on the VM side, bound to one endpoint, as a concept. It says what it serves
// and has the functions that go with it:
//
//     static constexpr roles serves = role::...;             what it serves; default: sensor
//     void on_attach(adapter_handle)                          once, when it is bound
//     void on_ready(cookie, adapter_handle)                   a watched descriptor is ready
//     void on_hangup(cookie, adapter_handle)                  ... was hung up and is unwatched
//     void on_detached()                                      the last call
//     void execute(fenced_command, adapter_handle)            memory_writer, host_management, input
//     const input_codes& codes() const                        input: what it takes
//     span<const input_region> regions() const                input, optional: where absolute
//                                                             coordinates must lie
//     size_t neutral(span<const input_change>, adapter_handle)
//                                                             input: releases, in order; how many
//                                                             were accepted. The rest comes at
//                                                             once, until none is accepted, and
//                                                             then after input_ready(). A touch
//                                                             is two changes, accepted together
//     expected<memctx_locator, os_error> describe()           memctx_provider
//     expected<ram_fds, os_error> share_fds()                 memctx_provider; borrowed
//     void invalidate(epoch_number, adapter_handle)           memctx_provider: drop the snapshot,
//                                                             publish again when ready
//
// `execute` and `neutral` can run under the adapter's own `emit`: emit last. Each taken command is
// completed once, at once or later; to complete needs no take when the command cannot be done.
// Nothing here may block; `core::calls` names who does. An adapter may throw: it is quarantined
// then, the leases of the classes it served end and the endpoint is told.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include <vmsig/adapter/handle.hpp>
#include <vmsig/adapter/role.hpp>
#include <vmsig/input/input_codes.hpp>
#include <vmsig/input/region.hpp>
#include <vmsig/memctx/locator.hpp>

namespace vmsig {

/// The descriptors that back a guest's RAM, borrowed from the provider.
struct ram_fds {
    std::array<int, max_ram_fds> fd{-1, -1, -1, -1};
    std::uint16_t count = 0;
};

template <class A>
constexpr roles served_by() {
    if constexpr (requires { A::serves; })
        return A::serves;
    else
        return role::sensor;
}

template <class A>
concept executor = requires(A& a, fenced_command c, adapter_handle bus) {
    a.execute(c, bus);
};

template <class A>
concept input_adapter = executor<A> &&
    requires(A& a, const A& ca, std::span<const input_change> frame, adapter_handle bus) {
    { ca.codes() } -> std::convertible_to<const input_codes&>;
    { a.neutral(frame, bus) } -> std::convertible_to<std::size_t>;
};

template <class A>
concept memctx_provider = requires(A& a, epoch_number e, adapter_handle bus) {
    { a.describe() } -> std::convertible_to<expected<memctx_locator, os_error>>;
    { a.share_fds() } -> std::convertible_to<expected<ram_fds, os_error>>;
    a.invalidate(e, bus);
};

template <class A>
concept watcher = requires(A& a, cookie c, adapter_handle bus) {
    a.on_ready(c, bus);
};

template <class A>
concept attachable = requires(A& a, adapter_handle bus) {
    a.on_attach(bus);
};

template <class A>
concept hangup_watcher = requires(A& a, cookie c, adapter_handle bus) {
    a.on_hangup(c, bus);
};

template <class A>
concept detachable = requires(A& a) {
    a.on_detached();
};

/// A function with a name of the concept, but not its signature, would never be called.
template <class A>
constexpr bool misspells_a_hook() {
    return (requires { &A::on_attach; } && !attachable<A>) ||
           (requires { &A::on_ready; } && !watcher<A>) ||
           (requires { &A::on_hangup; } && !hangup_watcher<A>) ||
           (requires { &A::on_detached; } && !detachable<A>) ||
           (requires { &A::execute; } && !executor<A>);
}

/// True when `A` has the functions of every role that it says it serves.
template <class A>
constexpr bool keeps_its_word() {
    constexpr roles r = served_by<A>();
    if (r.has(role::input) && !input_adapter<A>) return false;
    if (r.has(role::memctx_provider) && !memctx_provider<A>) return false;
    return !(r.has(role::memory_writer) || r.has(role::host_management)) || executor<A>;
}

template <class A>
concept adapter = (attachable<A> || watcher<A> || executor<A> ||
                   memctx_provider<A>)&&keeps_its_word<A>();

} // namespace vmsig
