// Rule: the loop wakes for whatever is due, whoever armed it; time counts from the call; and nobody
// keeps the timers and the commands of the others from their turn.
#include "harness.hpp"

#include <memory>

using namespace vmsig;
using namespace vmsig::test;

namespace {

/// A host with a loop of its own that sleeps until the core's descriptor is readable.
template <class W>
void sleep_and_turn(W& w, duration most) {
    w.bus.reactor().advance(most);
    while (w.bus.reactor().readable()) w.bus.dispatch();
}
lease_options living(duration d) {
    lease_options o;
    o.time_to_live = d;
    return o;
}

/// Somebody's command beside somebody else's noise.
struct neighbours : bench<> {
    host_device h;
    agent noisy, quiet;
    neighbours() {
        bus.attach_adapter(h, vm);
        join(noisy, full(vm, 1));
        join(quiet, full(vm, 1));
    }
    /// Whether a command of `quiet` ends within so many turns, without and with a timer.
    void check_progress(std::uint32_t budget) {
        const auto now = quiet.bus.submit(query_status(vm)).id;
        const auto later = quiet.bus.submit(query_status(vm).delayed(milliseconds(1))).id;
        REQUIRE(now);
        REQUIRE(later);
        for (int i = 0; i < 300; ++i) {
            bus.reactor().advance(milliseconds(1));
            bus.dispatch(budget);
        }
        INFO("budget " << budget);
        CHECK(quiet.outcome_of(now) == outcome::done);
        CHECK(quiet.outcome_of(later) == outcome::done);
        noisy.bus.detach();
    }
};

struct twelve_limits : small_limits {
    static constexpr std::uint16_t posts = 12;
};
struct twelve_posts : test_traits {
    using limits = twelve_limits;
};

} // namespace

// Contract 12: "the fd is readable whenever work is left, a timer is due, or a post arrived".
TEST_CASE("a time to live that was asked for between turns wakes the host's own loop") {
    bench<> w;
    machine m;
    agent a;
    w.bus.attach_adapter(m, w.vm);
    w.join(a, full(w.vm));
    REQUIRE(a.bus.acquire(w.vm, lease_class::power, living(milliseconds(10))));
    sleep_and_turn(w, milliseconds(20));
    CHECK(a.count(kind::lease_lost) == 1);
}
TEST_CASE("a hold whose press completes between turns wakes the host's own loop") {
    bench<> w;
    machine m;
    agent a;
    w.bus.attach_adapter(m, w.vm);
    const lease l = w.own(a, lease_class::input);
    m.does = habit::later;
    const auto id = a.bus.submit(press(l, KEY_A).hold(milliseconds(10))).id;
    w.settle();
    m.does = habit::complete;
    m.bus.complete(id);
    sleep_and_turn(w, milliseconds(20));
    CHECK(a.outcome_of(id) == outcome::done);
}
TEST_CASE("a drain deadline that begins between turns wakes the host's own loop") {
    bench<> w;
    machine m;
    agent a;
    w.bus.attach_adapter(m, w.vm);
    const lease l = w.own(a, lease_class::power);
    m.does = habit::later;
    REQUIRE(a.bus.submit(power(l, verb::pause)));
    w.settle();
    REQUIRE(a.bus.release(l) == refusal::none);
    sleep_and_turn(w, seconds(2));
    CHECK(m.farewells == 1);
}

// control/build.hpp: `within`: "Not begun later than this after submission". Contract 3: "Times are
// CLOCK_MONOTONIC nanoseconds; only the loop reads the clock" - it has not read it for an hour.
TEST_CASE("relative times of what is submitted between turns count from the call") {
    bench<> w;
    host_device h;
    agent a;
    w.bus.attach_adapter(h, w.vm);
    w.join(a, full(w.vm));
    w.bus.reactor().advance(seconds(3600));
    const auto soon = a.bus.submit(query_status(w.vm).within(seconds(2))).id;
    const auto late = a.bus.submit(query_status(w.vm).delayed(seconds(5))).id;
    w.settle();
    CHECK(a.outcome_of(soon) == outcome::done);
    CHECK(a.outcome_of(late) == outcome::none);
}
// Contract 4: "time to live, renewable"; "Ask: the owner gets a notice with a deadline".
TEST_CASE("a time to live that begins between turns is not over in the next one") {
    bench<> w;
    agent a;
    w.join(a, full(w.vm));
    w.bus.reactor().advance(seconds(3600));
    REQUIRE(a.bus.acquire(w.vm, lease_class::power, living(seconds(2))));
    w.settle();
    CHECK(a.count(kind::lease_lost) == 0);
}
TEST_CASE("an owner that is asked between turns has its time of grace") {
    bench<asking_traits> w;
    agent owner, challenger;
    w.join(owner, full(w.vm, 1));
    w.join(challenger, full(w.vm, 2));
    REQUIRE(owner.bus.acquire(w.vm, lease_class::power));
    w.bus.reactor().advance(seconds(3600));
    REQUIRE(challenger.bus.acquire(w.vm, lease_class::power).what ==
            acquire_result::status::waiting);
    w.settle();
    CHECK(owner.count(kind::lease_lost) == 0);
}

// control/build.hpp: `within`: "Not begun later than this after submission": 0 is no exception.
TEST_CASE("a deadline of no time at all is not none") {
    bench<> w;
    host_device h;
    agent a;
    w.bus.attach_adapter(h, w.vm);
    w.join(a, full(w.vm));
    const auto id = a.bus.submit(query_status(w.vm).within(duration{})).id;
    w.advance(seconds(1));
    if (id) CHECK(a.outcome_of(id) == outcome::expired);
}

// Contract 12: "the core goes on at the next turn" (core.hpp), and the descriptor says that there
// is one to make.
TEST_CASE("after a closure that throws the descriptor is readable for what is left") {
    bench<> w;
    host_device h;
    agent a;
    w.bus.attach_adapter(h, w.vm);
    w.join(a, full(w.vm));
    w.settle();
    int ran = 0;
    REQUIRE(w.bus.post([] {
        const beside_the_turn mine;
        throw std::runtime_error{"host"};
    }));
    REQUIRE(w.bus.post([&ran] { ++ran; }));
    CHECK_THROWS_AS(w.bus.dispatch(), std::runtime_error);
    CHECK(w.bus.reactor().readable());
    sleep_and_turn(w, duration{});
    CHECK(ran == 1);
}
TEST_CASE("a timer that was armed before a closure threw still wakes the host's own loop") {
    bench<> w;
    host_device h;
    agent a;
    w.bus.attach_adapter(h, w.vm);
    w.join(a, full(w.vm));
    w.settle();
    correlation_id id;
    REQUIRE(w.bus.post([&] {
        id = a.bus.submit(query_status(w.vm).delayed(milliseconds(1))).id;
        const beside_the_turn mine;
        throw std::runtime_error{"host"};
    }));
    CHECK_THROWS_AS(w.bus.dispatch(), std::runtime_error);
    sleep_and_turn(w, milliseconds(5));
    CHECK(a.outcome_of(id) == outcome::done);
}

// Invariants I16 and I25; contract 2: "a control at its cap is refused; nobody else notices".
TEST_CASE("a control that takes and leaves a lease for ever keeps nobody from his turn") {
    for (const std::uint32_t budget : {4096u, 64u, 8u, 4u, 1u}) {
        neighbours w;
        w.noisy.script = [&](const event& e, control_handle bus) {
            w.noisy.log.clear();
            if (const auto* got = e.as<lease_granted>()) bus.release(*got);
            if (e.is(kind::lease_changed)) bus.acquire(w.vm, lease_class::power);
        };
        w.noisy.bus.acquire(w.vm, lease_class::power);
        w.check_progress(budget);
    }
}
TEST_CASE("a control that subscribes again at each replay keeps nobody from his turn") {
    for (const std::uint32_t budget : {4096u, 64u, 8u, 4u, 1u}) {
        neighbours w;
        w.noisy.script = [&](const event& e, control_handle bus) {
            w.noisy.log.clear();
            if (!e.is(kind::replay_end)) return;
            bus.subscribe(subscription::none());
            bus.subscribe(subscription::all());
        };
        w.noisy.bus.subscribe(subscription::none());
        w.noisy.bus.subscribe(subscription::all());
        w.check_progress(budget);
    }
}
TEST_CASE("a sensor that always has something to say keeps nobody from his turn") {
    for (const std::uint32_t budget : {4096u, 64u, 8u, 4u, 1u}) {
        neighbours w;
        sensor s;
        w.noisy.script = [&](const event&, control_handle) { w.noisy.log.clear(); };
        w.quiet.bus.subscribe(subscription{}.from(source::lifecycle));
        w.settle();
        w.bus.attach_adapter(s, w.vm);
        s.when_ready = [&](cookie, adapter_handle b) {
            for (std::uint32_t i = 0; i < budget + 1; ++i) b.emit(console_output{});
        };
        REQUIRE(s.bus.watch(5, interest::read, cookie{}).has_value());
        w.bus.reactor().make_ready(5, interest::read);
        w.check_progress(budget);
    }
}

// Contract 2: "so that a loss is seen": in the turn that it can be told, which must come.
TEST_CASE("a loss between turns is told without anybody's help") {
    bench<> w;
    sensor s;
    agent a;
    w.bus.attach_adapter(s, w.vm);
    w.join(a, full(w.vm));
    bool first = true;
    a.script = [&](const event& e, control_handle) {
        if (!e.is(kind::console_output) || !std::exchange(first, false)) return;
        for (int i = 0; i < small_limits::deferred_events + 5; ++i) s.bus.emit(console_output{});
    };
    s.bus.emit(console_output{});
    sleep_and_turn(w, duration{});
    CHECK(a.count(kind::gap) == 1);
}

// "A host lowers one by deriving" (limits.hpp).
TEST_CASE("a ring of posts holds as many as its limit says") {
    bench<twelve_posts> w;
    int ran = 0;
    for (int i = 0; i < 12; ++i) CHECK(w.bus.post([&ran] { ++ran; }));
    w.settle();
    CHECK(ran == 12);
}
