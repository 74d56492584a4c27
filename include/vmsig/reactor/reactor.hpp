// reactor: who wakes the loop, and when. A concept and its contract in words; not a dispatcher: it
// knows no callback, owns no descriptor that it watches, and calls nobody.
//
// One thread runs the loop, and everything is called on it, except `wake`. The models differ in
// cost, not in meaning; `testing/reactor_conformance.hpp` holds each of them to what follows.
//
// Watches. `add`, `modify` and `remove` borrow the descriptor. A watch is level-triggered: every
// `wait` tells it for as long as it is ready, and when more are ready than `out` has room for, none
// is told twice before each was told once. A failed `add` or `modify` has changed nothing: EEXIST
// when already watched, ENOENT when not, EPERM for what cannot be watched, ENOSPC or ENOMEM beyond
// a limit. `remove` is total, and repeating it is harmless. Remove before the close: a descriptor
// that was closed first and has a living duplicate would be told for ever. What one `wait` told
// stays in the caller's hands though its watch is removed meanwhile and its number used again:
// whoever dispatches must compare generations, for which the token has room.
//
// Time. There is one timer, and the clock is CLOCK_MONOTONIC as last read by `now`. While the armed
// time is not after it, `wait` does not block; that comparison, and arming what is due, costs no
// timer call. Nothing reports that the timer is due: `wait` returns early and the caller compares.
// `arm(instant::never())` disarms. End every turn with `arm`: it does nothing if nothing changed.
//
// Sleep. A turn that found nothing left to do says `prepare_sleep`, looks again at whatever other
// threads and signal handlers may have changed, and then calls `wait(out, true)` or goes back to
// the host's loop; the next turn begins with `awake`. `wake` costs a system call only between the
// two, and once (`sleep_flag.hpp` argues why nothing is lost). Callers must take an early return
// with nothing to tell for granted: a wake, the timer, a signal.
//
// Host. `fd` is for a loop that is not ours, to be polled level-triggered for reading: readable
// when a watch is ready, when the timer that `arm` set is due, after `wake`, or after `ring`, which
// says "work is left, come back at once". The `wait` that follows takes back what was not a watch;
// so a turn of a host's loop ends with `arm` and, if work is left, with `ring`.
//
// Fork. A child that has not called exec shares the kernel's objects with its parent. It may
// destroy its copy, which only closes, and must do nothing else with it.
//
// Failure. Only `wait`, `add` and `modify` can fail. A constructor throws std::system_error and
// leaves no descriptor behind. A timer that cannot be set makes the loop poll rather than sleep
// through a deadline.
//
// More. A model may offer other operations, such as receiving into buffers that it provides and
// telling completions instead of readiness. Code that gains from one asks for it with `requires`
// and keeps a path without; the core needs none of them. One it uses where there is one:
// `wake_ordered`, which is `wake` under the terms of `sleep_flag::claim_ordered`.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include <vmsig/base/expected.hpp>
#include <vmsig/base/os_error.hpp>
#include <vmsig/base/time.hpp>
#include <vmsig/reactor/interest.hpp>

namespace vmsig {

/// Tokens are the caller's, up to this one; the few above it are the reactor's own.
inline constexpr std::uint64_t max_watch_token = ~std::uint64_t{0} - 8;

template <class R>
concept reactor = requires(R& r, const R& c, int fd, interests what, std::uint64_t token,
                           instant when, std::span<readiness> out, bool block) {
    { r.add(fd, what, token) } -> std::same_as<expected<void, os_error>>;
    { r.modify(fd, what, token) } -> std::same_as<expected<void, os_error>>;
    { r.remove(fd) } -> std::same_as<void>;
    { r.wait(out, block) } -> std::same_as<expected<std::size_t, os_error>>;
    { r.now() } -> std::same_as<instant>;
    { r.arm(when) } -> std::same_as<void>;
    { r.prepare_sleep() } -> std::same_as<void>;
    { r.awake() } -> std::same_as<void>;
    { r.wake() } -> std::same_as<void>;
    { r.ring() } -> std::same_as<void>;
    { c.fd() } -> std::same_as<int>;
    requires noexcept(r.remove(fd));
    requires noexcept(r.arm(when));
    requires noexcept(r.wake());
    requires noexcept(r.ring());
};

} // namespace vmsig
