// Rule: what happens in the middle of a verb, or of a turn, changes neither who goes first nor what
// is said: one control's timers hold up nobody, order stays, a barrier stays one.
#include "harness.hpp"

#include <algorithm>
#include <functional>

using namespace vmsig;
using namespace vmsig::test;

namespace {

/// Long past when it is accepted: it has ended before it can begin.
command too_late(endpoint_id at) {
    command c = query_status(at);
    c.deadline = instant{1};
    return c;
}

struct tablet : device {
    static constexpr roles serves = role::input;
    input_region area{1, 1000, 1000};
    mutable std::function<void()> when_asked;
    std::span<const input_region> regions() const {
        if (when_asked) std::exchange(when_asked, {})();
        return {&area, 1};
    }
};

struct slow_keyboard : device {
    static constexpr roles serves = role::input;
    std::function<void()> when_asked;
    const input_codes& codes() const {
        if (when_asked) when_asked();
        return takes;
    }
};

} // namespace

TEST_CASE("deadlines that were past when they came hold up no hold, no lease and no replay") {
    for (const std::uint32_t budget : {4096u, 16u}) {
        bench<> w;
        machine m;
        agent busy, types, waits, late;
        w.bus.attach_adapter(m, w.vm);
        w.join(busy, full(w.vm));
        w.join(waits, full(w.vm));
        const lease keys = w.own(types, lease_class::input, 5);
        lease_options short_lived, queued;
        short_lived.time_to_live = milliseconds(20);
        queued.wait = true;
        REQUIRE(types.bus.acquire(w.vm, lease_class::power, short_lived));
        REQUIRE(waits.bus.acquire(w.vm, lease_class::power, queued).wait);
        REQUIRE(types.bus.submit(press(keys, KEY_A).hold(milliseconds(50))));
        w.settle();
        const std::size_t before = m.executed.size();
        bool over = false;
        busy.script = [&](const event& e, control_handle bus) {
            if (e.is(kind::receipt) && !over) (void)bus.submit(too_late(w.vm));
        };
        REQUIRE(busy.bus.submit(too_late(w.vm)));
        late.bus = w.bus.attach(late, full(w.vm));
        for (int i = 0; i < 200; ++i) {
            w.bus.reactor().advance(milliseconds(10));
            w.bus.dispatch(budget);
        }
        CHECK(m.executed.size() > before);
        CHECK(waits.count(kind::lease_granted) == 1);
        CHECK(late.count(kind::replay_end) == 1);
        over = true;
        w.settle();
    }
}

TEST_CASE("timers that one control renews for ever do not keep a newcomer's replay waiting") {
    bench<> w;
    host_device h;
    agent busy, late;
    w.bus.attach_adapter(h, w.vm);
    w.join(busy, full(w.vm));
    h.does = habit::leave;
    bool over = false;
    const auto again = [&](control_handle bus) {
        (void)bus.submit(query_status(w.vm).delayed(microseconds(900)).within(microseconds(950)));
    };
    busy.script = [&](const event& e, control_handle bus) {
        if (e.is(kind::receipt) && !over) again(bus);
    };
    for (int i = 0; i < 64; ++i) again(busy.bus);
    w.bus.reactor().advance(milliseconds(1));
    late.bus = w.bus.attach(late, full(w.vm));
    for (int i = 0; i < 100 && late.count(kind::replay_end) == 0; ++i) {
        w.bus.dispatch(16);
        w.bus.reactor().advance(milliseconds(1));
    }
    CHECK(late.count(kind::replay_end) == 1);
    over = true;
    w.settle();
}

TEST_CASE("one that is detached while its frame is looked at has nothing accepted after it") {
    bench<> w;
    tablet t;
    agent a, sees;
    sensor s;
    t.takes = input_codes::keyboard() | input_codes::tablet();
    w.bus.attach_adapter(t, w.vm);
    w.bus.attach_adapter(s, w.vm);
    w.join(sees, full(w.vm));
    const lease l = w.own(a, lease_class::input, 7);
    const origin_id me = a.bus.origin();
    sees.script = [&](const event& e, control_handle) {
        if (!e.is(kind::console_output)) return;
        w.bus.detach(me);
        CHECK(a.farewells == 1);
    };
    t.when_asked = [&] { s.bus.emit(console_output{}); };
    command c = frame_of(l, {input_change::abs(ABS_X, 5), input_change::abs(ABS_Y, 5)});
    c.region = 1;
    CHECK(a.bus.submit(c).why == refusal::gone);
    CHECK(a.farewells == 1);
    w.settle();
    CHECK(w.records(decision::command_admitted).empty());
}

TEST_CASE("power verbs stay in order when their pace changes while one's notices are told") {
    bench<> w;
    machine m;
    agent a, sees;
    m.republishes = true;
    w.bus.attach_adapter(m, w.vm);
    m.bus.publish(epoch_number{1});
    w.join(sees, full(w.vm, 1));
    const lease l = w.own(a, lease_class::power, 2);
    w.bus.set_pace(w.vm, command_class::power, seconds(1));
    const auto submit = [&](verb v) {
        const auto r = a.bus.submit(power(l, v));
        REQUIRE(r);
        return r.id;
    };
    submit(verb::start);
    w.settle();
    std::vector<correlation_id> order;
    for (const verb v : {verb::reset, verb::pause, verb::resume, verb::power_button})
        order.push_back(submit(v));
    w.settle();
    m.executed.clear();
    bool done = false;
    a.script = sees.script = [&](const event& e, control_handle) {
        if (e.is(kind::memctx_invalidated) && !std::exchange(done, true))
            w.bus.set_pace(w.vm, command_class::power, {});
    };
    w.bus.reactor().advance(seconds(2));
    for (int i = 0; i < 200; ++i) w.bus.dispatch(1);
    REQUIRE(done);
    std::vector<correlation_id> executed;
    for (const auto& e : m.executed) executed.push_back(e.id);
    CHECK(executed == order);
}

TEST_CASE("a full window takes the next command in the callback of a receipt") {
    bench<> w;
    host_device h;
    agent a;
    w.bus.attach_adapter(h, w.vm);
    w.join(a, full(w.vm));
    const std::size_t cap = small_limits::commands_per_control;
    std::size_t refused = 0, more = cap;
    a.script = [&](const event& e, control_handle bus) {
        if (e.is(kind::receipt) && more != 0) {
            --more;
            if (w.bus.pending_of(bus.origin()) < cap)
                refused += bus.submit(query_status(w.vm)) ? 0 : 1;
        }
    };
    for (std::size_t i = 0; i < cap; ++i) REQUIRE(a.bus.submit(query_status(w.vm)));
    w.bus.dispatch(3);
    w.settle();
    CHECK(refused == 0);
    CHECK(more == 0);
}

TEST_CASE("a grant that is set while an older one takes effect is the one that is told last") {
    bench<> w;
    machine m;
    agent a;
    w.bus.attach_adapter(m, w.vm);
    const lease l = w.own(a, lease_class::input, 3);
    REQUIRE(a.bus.submit(press(l, KEY_A)));
    w.settle();
    a.log.clear();
    const origin_id me = a.bus.origin();
    bool once = false;
    m.on_neutral = [&] {
        if (!std::exchange(once, true))
            w.bus.set_grant(me, grant{}.on(w.vm).allow(rights{right::observe}));
    };
    w.bus.set_grant(me, grant{}.on(w.vm).allow(right::observe | right::power));
    w.settle();
    REQUIRE(once);
    const auto told = a.all<grant_changed>();
    REQUIRE_FALSE(told.empty());
    CHECK(told.back().rights == rights{right::observe}.bits);
    CHECK(a.bus.may(verb::reset, w.vm) == refusal::denied);
}

TEST_CASE("an adapter that is named overdue while its codes are asked for is not attached") {
    bench<> w;
    slow_keyboard k;
    call_watch::call_number last = 0;
    adapter_id named;
    k.when_asked = [&] {
        (void)w.bus.calls().look(last);
        named = w.bus.calls().look(last);
    };
    setup_fault why = setup_fault::none;
    try {
        w.bus.attach_adapter(k, w.vm);
    } catch (const setup_error& e) {
        why = e.fault();
    }
    CHECK(named);
    CHECK(why == setup_fault::adapter_failed);
    CHECK_FALSE(k.bus.endpoint());
    k.when_asked = {};
    w.bus.attach_adapter(k, w.vm); // its place was not lost
}

TEST_CASE("a watch needs somebody to call, and a clean-up that throws ends no destructor") {
    auto w = std::make_unique<bench<>>();
    const auto deaf = w->bus.watch(100, interest::read, core<test_traits>::fd_callback{});
    REQUIRE_FALSE(deaf);
    CHECK(deaf.error().code == EINVAL);
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const unique_fd writes{ends[1]};
    unique_fd reads{ends[0]};
    bool cleaned = false;
    REQUIRE(w->bus.watch(
        reads, interest::read, [](interests) {},
        [&cleaned] {
            cleaned = true;
            throw 1;
        }));
    w.reset();
    CHECK(cleaned);
}
