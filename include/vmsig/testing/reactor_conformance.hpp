// The contract of `reactor` (reactor/reactor.hpp) as a suite for every model of it, in one thread.
// What needs threads, signals or failing system calls is tested per model.
#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <concepts>

#include <vmsig/reactor/reactor.hpp>
#include <vmsig/testing/report.hpp>

namespace vmsig::testing {

/// What the suite needs besides the reactor: descriptors that it can make ready, and time.
template <class D>
concept reactor_driver = requires(D& d, int fd, duration length) {
    { d.reactor() } -> reactor;
    { d.open() } -> std::same_as<int>; ///< new, owned by the driver, nothing ready
    { d.make_readable(fd) } -> std::same_as<void>;
    { d.make_unreadable(fd) } -> std::same_as<void>;
    { d.hang_up(fd) } -> std::same_as<void>;  ///< the peer closes
    { d.pass(length) } -> std::same_as<void>; ///< at least so much time
    { d.readable() } -> std::same_as<bool>;   ///< what a host that polls the reactor's fd sees
};

/// Runs every rule on a fresh driver from `make()`, which returns a model of `reactor_driver`.
template <class Make>
void reactor_conformance(Make make, report& to);

namespace detail {

template <reactor_driver Driver>
class reactor_rules {
public:
    explicit reactor_rules(report& into)
        : to{into} {}

    void quiet(Driver d) {
        VMSIG_EXPECT(to, "nothing watched, nothing told", count(d) == 0);
        VMSIG_EXPECT(to, "nothing watched, nothing to poll", !d.readable());
        const int fd = d.open();
        VMSIG_EXPECT(to, "a new descriptor is watched", d.reactor().add(fd, interest::read, 7));
        VMSIG_EXPECT(to, "a watch that is not ready is not told", count(d) == 0 && !d.readable());
    }

    void level_triggered(Driver d) {
        const int fd = d.open();
        d.reactor().add(fd, interest::read, 7);
        d.make_readable(fd);
        for (int again = 0; again < 3; ++again) {
            VMSIG_EXPECT(to, "a ready watch makes fd() readable", d.readable());
            VMSIG_EXPECT(to, "a ready watch is told until it is served", count(d) == 1);
            VMSIG_EXPECT(to, "its token comes back", out[0].token == 7);
            VMSIG_EXPECT(to, "what is ready is told", out[0].what == interest::read);
        }
        d.make_unreadable(fd);
        VMSIG_EXPECT(to, "a served watch is silent", count(d) == 0 && !d.readable());
    }

    void ready_before_add(Driver d) {
        const int fd = d.open();
        d.make_readable(fd);
        d.reactor().add(fd, interest::read, 7);
        VMSIG_EXPECT(to, "ready before it was watched is ready", d.readable() && count(d) == 1);
    }

    void modify(Driver d) {
        const int fd = d.open();
        d.reactor().add(fd, interest::read, 7);
        d.make_readable(fd);
        VMSIG_EXPECT(to, "modify changes", d.reactor().modify(fd, interest::read, 8).has_value());
        VMSIG_EXPECT(to, "modify changes the token", count(d) == 1 && out[0].token == 8);
        VMSIG_EXPECT(to, "a watch may want nothing", d.reactor().modify(fd, {}, 9).has_value());
        VMSIG_EXPECT(to, "what is not wanted is not told", count(d) == 0 && !d.readable());
        d.reactor().modify(fd, interest::read, 10);
        VMSIG_EXPECT(to, "what is wanted again is told", count(d) == 1 && out[0].token == 10);
    }

    void refusals(Driver d) {
        const int fd = d.open();
        const auto unknown = d.reactor().modify(fd, interest::read, 1);
        VMSIG_EXPECT(to, "modify needs a watch", !unknown && unknown.error().code == ENOENT);
        d.make_readable(fd);
        VMSIG_EXPECT(to, "a refused modify adds nothing", count(d) == 0);
        d.reactor().add(fd, interest::read, 2);
        const auto twice = d.reactor().add(fd, {}, 3);
        VMSIG_EXPECT(to, "a descriptor has one watch", !twice && twice.error().code == EEXIST);
        VMSIG_EXPECT(to, "a refused add changes nothing", count(d) == 1 && out[0].token == 2);
        const auto none = d.reactor().add(-1, interest::read, 4);
        VMSIG_EXPECT(to, "no descriptor, no watch", !none && none.error().code == EBADF);
    }

    void remove(Driver d) {
        const int fd = d.open();
        const int other = d.open();
        d.reactor().add(fd, interest::read, 7);
        d.reactor().add(other, interest::read, 8);
        d.make_readable(fd);
        d.reactor().remove(fd);
        VMSIG_EXPECT(to, "a removed watch is silent", count(d) == 0 && !d.readable());
        d.reactor().remove(fd);
        d.reactor().remove(-1);
        d.make_readable(other);
        VMSIG_EXPECT(to, "remove is total", count(d) == 1 && out[0].token == 8);
        d.reactor().add(fd, interest::read, 9);
        VMSIG_EXPECT(to, "a number may be watched anew", count(d) == 2);
        VMSIG_EXPECT(to, "the token of a removed watch is gone",
                     out[0].token != 7 && out[1].token != 7);
    }

    void hangup(Driver d) {
        const int fd = d.open();
        d.reactor().add(fd, {}, 7);
        d.hang_up(fd);
        VMSIG_EXPECT(to, "a peer that closed is told unasked", count(d) == 1);
        VMSIG_EXPECT(to, "as a hangup", out[0].what.has(interest::hangup));
    }

    void taking_turns(Driver d) {
        constexpr std::size_t watches = 7;
        std::array<unsigned, watches> told{};
        for (std::size_t i = 0; i < watches; ++i) {
            const int fd = d.open();
            d.reactor().add(fd, interest::read, i);
            d.make_readable(fd);
        }
        for (unsigned round = 1; round <= watches; ++round) {
            const auto n = d.reactor().wait(std::span{out}.first(1), false);
            if (!VMSIG_EXPECT(to, "a batch is no longer than its room", n && *n == 1)) return;
            ++told[static_cast<std::size_t>(out[0].token)];
        }
        VMSIG_EXPECT(to, "nobody is told twice before all were told once",
                     std::all_of(told.begin(), told.end(), [](unsigned n) { return n == 1; }));
    }

    void timer(Driver d) {
        const instant start = d.reactor().now();
        d.reactor().arm(start + hour);
        VMSIG_EXPECT(to, "an hour ahead is not due", count(d) == 0 && !d.readable());
        const instant due = d.reactor().now() + tick;
        d.reactor().arm(due);
        d.pass(tick);
        VMSIG_EXPECT(to, "re-arming to an earlier time holds", d.readable());
        VMSIG_EXPECT(to, "a due timer ends a wait", count(d, true) == 0);
        VMSIG_EXPECT(to, "and not early", d.reactor().now() >= due);
        VMSIG_EXPECT(to, "the clock does not run backwards", d.reactor().now() >= start);
        d.reactor().arm(due);
        VMSIG_EXPECT(to, "due and armed again is due again", d.readable() && count(d, true) == 0);
        d.reactor().arm(d.reactor().now() + hour);
        count(d);
        VMSIG_EXPECT(to, "re-arming to a later time holds", !d.readable());
    }

    void blocking_timer(Driver d) {
        const instant due = d.reactor().now() + tick;
        d.reactor().arm(due);
        VMSIG_EXPECT(to, "a wait ends when the timer is due", count(d, true) == 0);
        VMSIG_EXPECT(to, "and again, though the clock was not read", count(d, true) == 0);
        VMSIG_EXPECT(to, "which is not before its time", d.reactor().now() >= due);
        VMSIG_EXPECT(to, "what is due does not sleep", count(d, true) == 0);
        d.reactor().arm(d.reactor().now());
        VMSIG_EXPECT(to, "armed for now is due", d.readable() && count(d, true) == 0);
    }

    void disarm(Driver d) {
        d.reactor().arm(d.reactor().now() + tick);
        d.reactor().arm(instant::never());
        d.pass(tick);
        d.pass(tick);
        VMSIG_EXPECT(to, "never does not come", !d.readable() && count(d) == 0);
        d.reactor().arm(d.reactor().now() + tick);
        d.pass(tick);
        d.reactor().arm(instant::never());
        VMSIG_EXPECT(to, "an expiry that nobody took is disarmed too", !d.readable());
    }

    void sleep(Driver d) {
        d.reactor().wake();
        VMSIG_EXPECT(to, "a wake of one who does not sleep costs nothing", !d.readable());
        for (int again = 0; again < 3; ++again) {
            d.reactor().prepare_sleep();
            d.reactor().wake();
            d.reactor().wake();
            VMSIG_EXPECT(to, "a wake of a sleeper is seen by a host", d.readable());
            VMSIG_EXPECT(to, "a wake ends a wait", count(d, true) == 0);
            d.reactor().awake();
            VMSIG_EXPECT(to, "a wake ends one sleep only", !d.readable());
        }
        d.reactor().prepare_sleep();
        d.reactor().awake();
        d.reactor().wake();
        VMSIG_EXPECT(to, "a withdrawn sleep is none", !d.readable() && count(d) == 0);
    }

    void ring(Driver d) {
        for (int again = 0; again < 3; ++again) {
            d.reactor().ring();
            d.reactor().ring();
            VMSIG_EXPECT(to, "work that is left makes fd() readable", d.readable());
            VMSIG_EXPECT(to, "and ends a wait", count(d, true) == 0);
            VMSIG_EXPECT(to, "once", !d.readable());
        }
    }

    void all_at_once(Driver d) {
        const int fd = d.open();
        d.reactor().add(fd, interest::read, 7);
        d.make_readable(fd);
        d.reactor().ring();
        d.reactor().arm(d.reactor().now());
        VMSIG_EXPECT(to, "the reactor's own signals are not told", count(d, true) == 1);
        VMSIG_EXPECT(to, "beside a watch that is", out[0].token == 7);
        d.make_unreadable(fd);
        d.reactor().arm(instant::never());
        VMSIG_EXPECT(to, "one wait takes them all", !d.readable());
    }

private:
    static constexpr duration hour = seconds(3600);
    static constexpr duration tick = milliseconds(2);

    /// How many watches one wait tells; the rest of the rules need no failures.
    std::size_t count(Driver& d, bool block = false) {
        const auto n = d.reactor().wait(out, block);
        return VMSIG_EXPECT(to, "wait succeeds", n.has_value()) ? *n : out.size() + 1;
    }

    report& to;
    std::array<readiness, 16> out{};
};

} // namespace detail

template <class Make>
void reactor_conformance(Make make, report& to) {
    using rules = detail::reactor_rules<decltype(make())>;
    rules run{to};
    run.quiet(make());
    run.level_triggered(make());
    run.ready_before_add(make());
    run.modify(make());
    run.refusals(make());
    run.remove(make());
    run.hangup(make());
    run.taking_turns(make());
    run.timer(make());
    run.blocking_timer(make());
    run.disarm(make());
    run.sleep(make());
    run.ring(make());
    run.all_at_once(make());
}

} // namespace vmsig::testing
