// metered: a reactor that brackets the turns of its core, so that the shared main can fail a test
// case in which a core allocated in one: after start-up nothing is allocated.
//
// What counts: operator new, on the thread of the turn, from the end of the wait until the reactor
// is armed for the next one: routing, dispatch, timers, replay, reaping, the library's adapters.
// What does not: code of the test that the core calls back, which says so by `beside_the_turn`;
// verbs between turns; and a build under a sanitizer, where throwing alone allocates.
#pragma once

#include <cstddef>
#include <span>

#include <vmsig/reactor/reactor.hpp>

#include <support/alloc_guard.hpp>

namespace vmsig::test {

template <reactor Base>
class metered : public Base {
public:
    using Base::Base;

    expected<std::size_t, os_error> wait(std::span<readiness> out, bool block) {
        turn_ended();
        auto told = Base::wait(out, block);
        turn_began();
        return told;
    }
    void arm(instant when) noexcept {
        turn_ended();
        Base::arm(when);
    }
};

} // namespace vmsig::test
