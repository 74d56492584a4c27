// Rule: what a lease holds down goes up again, exactly and in reverse order, before the next
// owner's first key; an adapter that does not accept that in time is quarantined.
#include "harness.hpp"

using namespace vmsig;
using namespace vmsig::test;

namespace {

input_change down(std::uint16_t k) { return input_change::key(k, true); }
input_change up(std::uint16_t k) { return input_change::key(k, false); }
using frame = std::vector<input_change>;

template <class Device = machine>
struct keyed : bench<> {
    agent a, b;
    Device m;
    lease l;
    keyed() {
        bus.attach_adapter(m, vm);
        l = own(a, lease_class::input);
        join(b, full(vm, 9));
    }
    void hold(std::initializer_list<input_change> f) {
        REQUIRE(a.bus.submit(frame_of(l, f)));
        settle();
        m.journal = nullptr;
    }
    lease preempt() {
        const auto got = b.bus.acquire(vm, lease_class::input);
        REQUIRE(got);
        return got.lease;
    }
};

} // namespace

TEST_CASE("on release exactly the inverse is sent, in reverse order") {
    keyed w;
    w.hold({down(KEY_LEFTSHIFT), down(KEY_A), down(KEY_B), up(KEY_A)});
    w.a.bus.release(w.l);
    CHECK(w.m.released == frame{up(KEY_B), up(KEY_LEFTSHIFT)});
    CHECK(w.records(decision::neutral).size() == 1);
}

TEST_CASE("neutral comes before the next owner's grant and key, after the old owner's receipts") {
    keyed w;
    std::vector<std::string> order;
    w.hold({down(KEY_A)});
    const auto queued = w.a.bus.submit(press(w.l, KEY_B)).id;
    w.m.journal = &order;
    w.a.script = [&](const event& e, control_handle) {
        if (e.is(kind::receipt)) order.push_back("receipt");
    };
    w.b.script = [&](const event& e, control_handle) {
        if (e.is(kind::lease_granted)) order.push_back("granted");
    };
    const lease next = w.preempt();
    w.b.bus.submit(press(next, KEY_C));
    w.settle();
    CHECK(order.front() == "neutral");
    CHECK(std::find(order.begin(), order.end(), "receipt") <
          std::find(order.begin(), order.end(), "granted"));
    CHECK(std::find(order.begin(), order.end(), "granted") <
          std::find(order.begin(), order.end(), "execute"));
    CHECK(w.a.outcome_of(queued) == outcome::lease_lost);
    CHECK(w.m.released == frame{up(KEY_A)});
}

TEST_CASE("on every way a lease ends, nothing stays down") {
    const auto ends = [](auto&& how) {
        keyed w;
        w.hold({down(KEY_A)});
        how(w);
        w.settle();
        return w.m.released == frame{up(KEY_A)};
    };
    using keys = keyed<>;
    CHECK(ends([](keys& w) { w.preempt(); }));
    CHECK(ends([](keys& w) { w.bus.detach(w.a.bus.origin()); }));
    CHECK(ends([](keys& w) { w.bus.set_grant(w.a.bus.origin(), grant{}); }));
    CHECK(ends([](keys& w) { w.bus.force_release(w.vm, lease_class::input); }));
    CHECK(ends([](keys& w) { w.bus.remove_endpoint(w.vm); }));
    CHECK(ends([](keys& w) { w.bus.detach(w.m.bus.id()); }));
    CHECK(ends([](keys& w) {
        w.a.bus.renew(w.l, milliseconds(1));
        w.advance(milliseconds(1));
    }));
    CHECK(ends([](keys& w) { w.m.bus.emit(lifecycle{transition::reset, cause::guest, {}, 0}); }));
}

TEST_CASE("the next owner's input waits until all of neutral was accepted") {
    keyed w;
    w.hold({down(KEY_A), down(KEY_B), down(KEY_C)});
    w.m.accepts = 1;
    const lease next = w.preempt();
    const auto id = w.b.bus.submit(press(next, KEY_D)).id;
    w.settle();
    CHECK(w.m.released == frame{up(KEY_C)});
    CHECK(w.m.executed.size() == 1);
    w.m.accepts = 1;
    w.m.bus.input_ready();
    w.settle();
    CHECK(w.m.executed.size() == 1);
    w.m.accepts = ~std::size_t{0};
    w.m.bus.input_ready();
    w.settle();
    CHECK(w.m.released == frame{up(KEY_C), up(KEY_B), up(KEY_A)});
    CHECK(w.b.outcome_of(id) == outcome::done);
    w.advance(seconds(10));
    CHECK(w.m.farewells == 0);
}

TEST_CASE("an adapter that does not accept neutral by the drain deadline is quarantined") {
    keyed w;
    w.hold({down(KEY_A)});
    w.m.accepts = 0;
    const lease next = w.preempt();
    const auto id = w.b.bus.submit(press(next, KEY_D)).id;
    w.advance(milliseconds(999));
    CHECK(w.m.farewells == 0);
    w.advance(milliseconds(1));
    CHECK(w.m.farewells == 1);
    CHECK(w.b.outcome_of(id) == outcome::adapter_fault);
    CHECK_FALSE(w.bus.lease_of(w.vm, lease_class::input).owner.who);
}

TEST_CASE("input_ready inside neutral does not send it again") {
    keyed w;
    w.hold({down(KEY_A), down(KEY_B)});
    w.m.on_neutral = [&] {
        if (w.m.neutral_calls < 10) w.m.bus.input_ready();
    };
    w.a.bus.release(w.l);
    CHECK(w.m.neutral_calls == 1);
    CHECK(w.m.released == frame{up(KEY_B), up(KEY_A)});
}

TEST_CASE("only the adapter that owes neutral is quarantined, and the others' keys go up") {
    desk w;
    agent a;
    input_device &keyboard = w.keyboard, &mouse = w.mouse;
    const lease l = w.own(a, lease_class::input);
    for (const std::uint16_t k : {std::uint16_t{KEY_A}, std::uint16_t{BTN_LEFT}})
        REQUIRE(a.bus.submit(press(l, k)));
    w.settle();
    mouse.accepts = 0;
    a.bus.release(l);
    w.advance(seconds(1));
    CHECK(mouse.farewells == 1);
    CHECK(keyboard.farewells == 0);
    CHECK(keyboard.released == frame{up(KEY_A)});
}

TEST_CASE("what a device held is gone with it, what another holds goes up") {
    desk w;
    agent a;
    input_device &keyboard = w.keyboard, &mouse = w.mouse;
    const lease l = w.own(a, lease_class::input);
    for (const std::uint16_t k : {std::uint16_t{KEY_A}, std::uint16_t{BTN_LEFT}})
        REQUIRE(a.bus.submit(press(l, k)));
    w.settle();
    mouse.throws = hook::on_ready;
    REQUIRE(mouse.bus.watch(5, interest::read, cookie{}).has_value());
    w.bus.reactor().make_ready(5, interest::read);
    w.settle();
    CHECK(mouse.farewells == 1);
    a.bus.release(l);
    w.settle();
    CHECK(keyboard.released == frame{up(KEY_A)});
}

TEST_CASE("what a device held that broke in neutral is not lifted by the next one of its codes") {
    desk w;
    agent a;
    input_device &keyboard = w.keyboard, &mouse = w.mouse;
    input_device next;
    next.takes = mouse.takes;
    const lease l = w.own(a, lease_class::input);
    for (const auto k : {std::uint16_t{BTN_LEFT}, std::uint16_t{KEY_A}, std::uint16_t{BTN_RIGHT}})
        REQUIRE(a.bus.submit(press(l, k)));
    w.settle();
    keyboard.accepts = 0;
    mouse.throws = hook::neutral;
    a.bus.release(l);
    w.settle();
    REQUIRE(mouse.farewells == 1);
    REQUIRE(keyboard.released.empty());
    w.bus.attach_adapter(next, w.vm);
    keyboard.accepts = 1;
    keyboard.bus.input_ready();
    w.settle();
    CHECK(keyboard.released == frame{up(KEY_A)});
    CHECK(next.released.empty());
}

TEST_CASE("repeated presses and releases are idempotent") {
    keyed w;
    w.hold({down(KEY_A)});
    const auto again = w.a.bus.submit(press(w.l, KEY_A)).id;
    const auto stray = w.a.bus.submit(release_key(w.l, KEY_B)).id;
    w.settle();
    CHECK(w.m.executed.size() == 1);
    CHECK(w.a.outcome_of(again) == outcome::done);
    CHECK(w.a.outcome_of(stray) == outcome::done);
}

TEST_CASE("more keys than can be held at once fail and press nothing") {
    keyed w;
    frame many;
    for (std::uint16_t k = KEY_ESC; many.size() < 65; ++k) many.push_back(down(k));
    const auto id = w.a.bus.submit(frame_of(w.l, {}), std::as_bytes(std::span{many})).id;
    w.settle();
    CHECK(w.a.outcome_of(id) == outcome::failed);
    CHECK(w.m.executed.empty());
}

TEST_CASE("frames that are handed together and taken late cannot hold more than the limit") {
    keyed w;
    w.m.does = habit::leave;
    std::vector<correlation_id> ids;
    for (std::uint16_t first : {std::uint16_t{1}, std::uint16_t{60}}) {
        frame many;
        for (std::uint16_t k = 0; k < 50; ++k)
            many.push_back(down(static_cast<std::uint16_t>(first + k)));
        ids.push_back(w.a.bus.submit(frame_of(w.l, {}), std::as_bytes(std::span{many})).id);
    }
    w.settle();
    REQUIRE(w.m.waiting.size() == 2);
    CHECK(w.m.take(w.m.waiting[0]));
    CHECK_FALSE(w.m.take(w.m.waiting[1]));
    w.settle();
    CHECK(w.a.outcome_of(ids[1]) == outcome::failed);
}

TEST_CASE("after a reset the old owner drives on, with nothing down") {
    keyed w;
    w.hold({down(KEY_A)});
    w.m.bus.emit(lifecycle{transition::reset, cause::guest, {}, 0});
    w.settle();
    CHECK(w.m.released == frame{up(KEY_A)});
    CHECK(w.bus.lease_of(w.vm, lease_class::input).serial == w.l.serial);
    const auto id = w.a.bus.submit(press(w.l, KEY_A)).id;
    w.settle();
    CHECK(w.a.outcome_of(id) == outcome::done);
}

TEST_CASE("after a restore modifiers and buttons are released, commanded or not, and not before") {
    keyed w;
    w.m.bus.emit(lifecycle{transition::restored, cause::host, {}, 0});
    w.settle();
    CHECK(w.m.released.size() == all_safety_releases.size());
    w.m.released.clear();
    const lease host = w.own(w.a, lease_class::power);
    w.m.does = habit::later;
    REQUIRE(w.a.bus.submit(power(host, verb::snapshot_restore)));
    w.settle();
    CHECK(w.m.released.empty());
    w.m.bus.complete(w.m.last_id());
    w.settle();
    CHECK(w.m.released.size() == all_safety_releases.size());
}

TEST_CASE("a machine that is powered off holds nothing, and its adapter owes nothing") {
    keyed w;
    w.hold({down(KEY_A)});
    w.m.accepts = 0;
    w.m.bus.emit(lifecycle{transition::powered_off, cause::guest, {}, 0});
    w.advance(seconds(5));
    CHECK(w.m.farewells == 0);
    w.m.accepts = ~std::size_t{0};
    const auto id = w.a.bus.submit(press(w.l, KEY_B)).id;
    w.settle();
    CHECK(w.a.outcome_of(id) == outcome::done);
    w.a.bus.release(w.l);
    CHECK(w.m.released == frame{up(KEY_B)});
}

TEST_CASE("an adapter that leaves and asks meanwhile what it owes is told of no key twice") {
    keyed w;
    w.hold({down(KEY_A), down(KEY_B), down(KEY_C)});
    w.m.accepts = 0;
    w.a.bus.release(w.l);
    w.m.accepts = 1;
    int calls = 0;
    w.m.on_neutral = [&] {
        if (++calls != 2) return;
        w.m.accepts = ~std::size_t{0};
        w.m.bus.input_ready();
        w.m.accepts = 0;
    };
    w.m.bus.detach();
    w.settle();
    CHECK(w.m.released == frame{up(KEY_C), up(KEY_B), up(KEY_A)});
}

TEST_CASE("a release that an adapter refuses by throwing costs it its place, not the loop") {
    keyed w;
    w.hold({down(KEY_A)});
    w.m.throws = hook::neutral;
    w.a.bus.release(w.l);
    w.settle();
    CHECK(w.m.farewells == 1);
    CHECK(w.records(decision::adapter_quarantined).size() == 1);
    CHECK_FALSE(w.bus.lease_of(w.vm, lease_class::input).owner.who);
}

TEST_CASE("LED state comes up as an event and is replayed") {
    keyed w;
    w.m.bus.emit(leds_changed{5});
    CHECK(w.a.last<leds_changed>().lit == 5);
    agent late;
    late.bus = w.bus.attach(late, full(w.vm));
    w.settle();
    CHECK(late.last<leds_changed>().lit == 5);
}

TEST_CASE("safety releases that the adapter does not accept at once are owed") {
    keyed w;
    w.m.accepts = 3;
    w.m.bus.emit(lifecycle{transition::restored, cause::host, {}, 0});
    const auto id = w.a.bus.submit(press(w.l, KEY_A)).id;
    w.settle();
    CHECK(w.m.released.size() == 3);
    CHECK(w.m.executed.empty());
    w.m.accepts = ~std::size_t{0};
    w.m.bus.input_ready();
    w.settle();
    CHECK(w.m.released.size() == all_safety_releases.size());
    CHECK(w.a.outcome_of(id) == outcome::done);
    w.m.accepts = 0;
    w.m.bus.emit(lifecycle{transition::restored, cause::host, {}, 0});
    w.advance(seconds(1));
    CHECK(w.m.farewells == 1);
}

TEST_CASE("each adapter that owes something has its own time for it") {
    desk w;
    agent a;
    input_device &keyboard = w.keyboard, &mouse = w.mouse;
    const lease l = w.own(a, lease_class::input);
    for (const std::uint16_t k : {std::uint16_t{KEY_A}, std::uint16_t{BTN_LEFT}})
        REQUIRE(a.bus.submit(press(l, k)));
    w.settle();
    mouse.accepts = keyboard.accepts = 0;
    a.bus.release(l);
    w.advance(seconds(1));
    CHECK(mouse.farewells == 1);
    CHECK(keyboard.farewells == 0);
    keyboard.accepts = 1;
    keyboard.bus.input_ready();
    w.advance(seconds(5));
    CHECK(keyboard.farewells == 0);
    CHECK(keyboard.released == frame{up(KEY_A)});
}

TEST_CASE("adapters that did not complete what an ended lease began are all quarantined") {
    desk w;
    agent a;
    input_device &keyboard = w.keyboard, &mouse = w.mouse;
    keyboard.does = mouse.does = habit::later;
    const lease l = w.own(a, lease_class::input);
    for (const std::uint16_t k : {std::uint16_t{KEY_A}, std::uint16_t{BTN_LEFT}})
        REQUIRE(a.bus.submit(press(l, k)));
    w.settle();
    a.bus.release(l);
    w.advance(seconds(1));
    CHECK(mouse.farewells == 1);
    CHECK(keyboard.farewells == 1);
    for (const receipt& r : a.all<receipt>()) CHECK(r.outcome == outcome::adapter_fault);
}
