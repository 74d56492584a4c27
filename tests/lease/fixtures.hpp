// What the tests of the arbiter share: controls with names, requests in a few words, and the way
// in which a core uses the two-phase calls.
#pragma once

#include <vmsig/lease/arbiter.hpp>

#include <cstdint>

namespace vmsig::test {

inline const endpoint_id machine = endpoint_id::make(0, 1);
inline constexpr std::uint32_t keyboard_cell = 0; ///< of `machine` and lease_class::input

constexpr origin_id control(std::uint32_t n) { return origin_id::make(n, 1); }
inline const origin_id alice = control(0);
inline const origin_id bob = control(1);
inline const origin_id carol = control(2);

constexpr lease_request request_of(origin_id who, std::uint32_t rank = 0) {
    lease_request r;
    r.who = {who, rank};
    return r;
}
constexpr lease_request waiting(lease_request r, instant until = {}) {
    r.wait = true;
    r.wait_deadline = until;
    return r;
}
constexpr lease_request living(lease_request r, duration time_to_live) {
    r.time_to_live = time_to_live;
    return r;
}

template <class Arbiter>
plan consider(const Arbiter& arbiter, const lease_request& r, instant now = {1},
              std::uint32_t cell = keyboard_cell) {
    return arbiter.consider(cell, machine, class_of_cell(cell), r, now);
}

/// As a core acquires: the plan, carried out. The answer is the plan.
template <class Arbiter>
plan acquire(Arbiter& arbiter, const lease_request& r, instant now = {1},
             std::uint32_t cell = keyboard_cell) {
    const plan p = consider(arbiter, r, now, cell);
    if (p.what == step::preempt) arbiter.end(cell, lease_end::preempted);
    if (p.what == step::preempt || p.what == step::grant) (void)arbiter.grant(cell, r, now);
    if (p.what == step::ask) (void)arbiter.begin_ask(cell, r, p.deadline);
    if (p.what == step::wait) (void)arbiter.enqueue(cell, r);
    return p;
}

/// As a core releases: a no-op for whoever does not hold it under `serial`.
template <class Arbiter>
ended release(Arbiter& arbiter, origin_id who, serial_number serial,
              std::uint32_t cell = keyboard_cell) {
    if (!arbiter.check(cell, who, serial)) return {};
    return arbiter.end(cell, lease_end::released);
}

} // namespace vmsig::test
