// Rule: nothing stays stuck: what a lease holds down goes up exactly once, whatever the adapter
// answers, and nobody's key is released while its lease lasts.
#include "harness.hpp"

using namespace vmsig;
using namespace vmsig::test;

namespace {

using frame = std::vector<input_change>;

input_change down(std::uint16_t code) { return input_change::key(code, true); }
input_change up(std::uint16_t code) { return input_change::key(code, false); }

struct typist : bench<> {
    machine m;
    agent a;
    lease l;
    typist() {
        bus.attach_adapter(m, vm);
        l = own(a, lease_class::input);
    }
    outcome run(const command& c) {
        const auto id = a.bus.submit(c).id;
        REQUIRE(id);
        settle();
        return a.outcome_of(id);
    }
};

} // namespace

// Contract 8: "When that lease ends, exactly the inverse is sent, in reverse order: nothing stays
// stuck." The release that the adapter failed to apply has left the key down.
TEST_CASE("a release that the adapter fails leaves the key held, and it goes up with the lease") {
    typist w;
    REQUIRE(w.run(press(w.l, KEY_A)) == outcome::done);
    w.m.does = habit::fail;
    REQUIRE(w.run(release_key(w.l, KEY_A)) == outcome::failed);
    w.m.does = habit::complete;
    REQUIRE(w.a.bus.release(w.l) == refusal::none);
    CHECK(w.m.released == frame{up(KEY_A)});
}

// The same, with the second half of a hold.
TEST_CASE("a hold whose release fails leaves its key held, and it goes up with the lease") {
    typist w;
    w.m.on_execute = [&](fenced_command c, adapter_handle b) {
        if (!w.m.take(c)) return;
        const auto& got = w.m.executed.back().frame;
        const bool lifts = got.size() == 1 && got.front() == up(KEY_A);
        b.complete(c.id(), lifts ? completion::failed(failure::io, EIO) : completion{});
    };
    const auto id = w.a.bus.submit(press(w.l, KEY_A).hold(milliseconds(5))).id;
    w.settle();
    w.advance(milliseconds(5));
    REQUIRE(w.a.outcome_of(id) == outcome::failed);
    w.a.bus.release(w.l);
    CHECK(w.m.released == frame{up(KEY_A)});
}

// Outcome `done`: "the device took the input". The retry must reach the device.
TEST_CASE("a press that the adapter failed is not taken for done when it is repeated") {
    typist w;
    w.m.does = habit::fail;
    REQUIRE(w.run(press(w.l, KEY_A)) == outcome::failed);
    w.m.does = habit::complete;
    w.m.executed.clear();
    CHECK(w.run(press(w.l, KEY_A)) == outcome::done);
    REQUIRE(w.m.executed.size() == 1);
    CHECK(w.m.executed.front().frame == frame{down(KEY_A)});
}

// Fault 48: no key survives a reset. Neutral was sent when the epoch rose; what fails after it may
// be down again.
TEST_CASE("input that fails after the reset that it began before goes up at once") {
    typist w;
    w.m.does = habit::later;
    const auto id = w.a.bus.submit(press(w.l, KEY_A)).id;
    w.settle();
    w.m.bus.emit(lifecycle{transition::reset, cause::guest, {}, 0});
    w.settle();
    REQUIRE(w.m.released == frame{up(KEY_A)});
    w.m.does = habit::complete;
    REQUIRE(w.run(press(w.l, KEY_B)) == outcome::done); // its owner drives on
    w.m.released.clear();
    w.m.bus.complete(id, completion::failed(failure::io, EIO));
    CHECK(w.m.released == frame{up(KEY_A)});
    w.settle();
    CHECK(w.a.outcome_of(id) == outcome::failed);
    w.m.released.clear();
    REQUIRE(w.a.bus.release(w.l) == refusal::none);
    CHECK(w.m.released == frame{up(KEY_B)});
}

TEST_CASE("input that fails after its machine lost its power has pressed nothing") {
    typist w;
    w.m.does = habit::later;
    const auto id = w.a.bus.submit(press(w.l, KEY_A)).id;
    w.settle();
    w.m.bus.emit(lifecycle{transition::powered_off, cause::guest, {}, 0});
    w.settle();
    REQUIRE(w.m.released == frame{up(KEY_A)});
    w.m.released.clear();
    w.m.bus.emit(lifecycle{transition::started, cause::host, {}, 0});
    w.m.bus.complete(id, completion::failed(failure::io, EIO));
    w.settle();
    CHECK(w.a.outcome_of(id) == outcome::failed);
    REQUIRE(w.a.bus.release(w.l) == refusal::none);
    CHECK(w.m.released.empty());
}

// The same key, pressed again in the new epoch, is its owner's.
TEST_CASE("input that fails after a reset lifts no key that was pressed since") {
    typist w;
    w.m.does = habit::later;
    const auto id = w.a.bus.submit(press(w.l, KEY_A)).id;
    w.settle();
    w.m.bus.emit(lifecycle{transition::reset, cause::guest, {}, 0});
    w.m.does = habit::complete;
    w.settle();
    REQUIRE(w.run(press(w.l, KEY_A)) == outcome::done);
    w.m.released.clear();
    w.m.bus.complete(id, completion::failed(failure::io, EIO));
    CHECK(w.m.released.empty());
    w.settle();
    REQUIRE(w.a.bus.release(w.l) == refusal::none);
    CHECK(w.m.released == frame{up(KEY_A)});
}

// Contract 8: "When that lease ends, exactly the inverse is sent": this one has not ended.
TEST_CASE("a mouse that leaves in peace lifts no key of the keyboard") {
    bench<> w;
    input_device keyboard, mouse;
    agent a;
    keyboard.takes = input_codes::keyboard();
    mouse.takes = input_codes::pointer();
    w.bus.attach_adapter(keyboard, w.vm);
    w.bus.attach_adapter(mouse, w.vm);
    const lease l = w.own(a, lease_class::input);
    for (const std::uint16_t code : {std::uint16_t{KEY_A}, std::uint16_t{BTN_LEFT}}) {
        a.bus.submit(press(l, code));
        w.settle();
    }
    mouse.bus.detach();
    CHECK(mouse.released == frame{up(BTN_LEFT)});
    CHECK(keyboard.released.empty());
    a.bus.release(l);
    CHECK(keyboard.released == frame{up(KEY_A)});
}

// Contract 8 and faults 48: the held set is cleared only "if the device is gone". A guest that
// crashed and goes on (transition::crashed: "memory is intact") still sees the key down.
TEST_CASE("a key that was down when the guest crashed goes up with its lease") {
    typist w;
    REQUIRE(w.run(press(w.l, KEY_A)) == outcome::done);
    w.m.bus.emit(lifecycle{transition::crashed, cause::guest, {}, 0});
    w.m.bus.emit(lifecycle{transition::resumed, cause::host, {}, 0});
    w.a.bus.release(w.l);
    CHECK(w.m.released == frame{up(KEY_A)});
}

// Contract 8: "After a restore the eight modifiers and the buttons are released too".
TEST_CASE("a machine that is restored while it loses its power has its modifiers released") {
    typist w;
    REQUIRE(w.run(press(w.l, KEY_A)) == outcome::done);
    w.m.on_neutral = [&] {
        w.m.on_neutral = {};
        w.m.accepts = 0;
        w.m.bus.emit(lifecycle{transition::restored, cause::host, {}, 0});
    };
    w.m.bus.emit(lifecycle{transition::powered_off, cause::guest, {}, 0});
    CHECK(w.m.released.empty());
    w.m.accepts = ~std::size_t{0};
    w.m.bus.input_ready();
    CHECK(w.m.released.size() == all_safety_releases.size());
}

// Contract 10: safety actions "never fail, allocate, or wait". An adapter that accepts one change
// at a time is within its rights (adapter.hpp).
TEST_CASE("an adapter that accepts one change of a touch at a time does not hang the loop") {
    bench<> v;
    input_device pad;
    agent a;
    pad.takes = input_codes::touchscreen();
    v.bus.attach_adapter(pad, v.vm);
    const lease l = v.own(a, lease_class::input);
    a.bus.submit(frame_of(l, {input_change::touch_slot(0), input_change::touch_id(1)}));
    v.settle();
    int calls = 0;
    pad.on_neutral = [&] {
        pad.accepts = 1;
        if (++calls == 100) throw std::runtime_error{"the bus does not stop asking"};
    };
    a.bus.release(l);
    CHECK(calls < 100);
    CHECK(pad.farewells == 0);
}

// "Setting up. These throw `setup_error`; nothing has changed then." (core.hpp)
TEST_CASE("an input adapter that fails to say its codes costs nobody else its lease") {
    bench<> w;
    input_device keyboard, broken;
    agent a;
    keyboard.takes = input_codes::keyboard();
    broken.takes = input_codes::pointer();
    broken.throws = hook::codes;
    w.bus.attach_adapter(keyboard, w.vm);
    const lease l = w.own(a, lease_class::input);
    CHECK_THROWS_AS(w.bus.attach_adapter(broken, w.vm), setup_error);
    CHECK(a.bus.submit(press(l, KEY_A)));
    CHECK(a.count(kind::lease_lost) == 0);
}

TEST_CASE("what goes up inside the neutral of an adapter that leaves is not released again") {
    typist w;
    REQUIRE(w.run(press(w.l, KEY_LEFTCTRL)) == outcome::done);
    REQUIRE(w.run(press(w.l, KEY_LEFTSHIFT)) == outcome::done);
    w.m.on_neutral = [&] {
        if (w.m.neutral_calls != 1) return;
        w.m.bus.emit(lifecycle{transition::restored, cause::host, vm_state::unknown, 0});
        w.m.accepts = 1; // of two, of which the second is up by now
    };
    w.m.bus.detach();
    w.settle();
    CHECK(w.m.neutral_calls == 3); // as it leaves; in between for the new epoch, and for safety
    const auto ups = [&w](std::uint16_t code) {
        return std::count(w.m.released.begin(), w.m.released.end(), up(code));
    };
    CHECK(ups(KEY_LEFTSHIFT) == 3);
    CHECK(ups(KEY_LEFTCTRL) == 2);
    CHECK(w.bus.audit().count(decision::adapter_quarantined) == 0);
}

TEST_CASE("what a device that is gone had begun under a lease that is over is owed by nobody") {
    desk w;
    agent a, b;
    input_device &keyboard = w.keyboard, &mouse = w.mouse;
    const lease l = w.own(a, lease_class::input);
    keyboard.does = habit::later;
    const auto id = a.bus.submit(press(l, KEY_A)).id;
    w.settle();
    REQUIRE(a.bus.release(l) == refusal::none);
    REQUIRE(keyboard.released == frame{up(KEY_A)});
    if (GENERATE(true, false)) {
        keyboard.bus.detach();
    } else {
        keyboard.throws = hook::on_ready;
        REQUIRE(keyboard.bus.watch(5, interest::read, cookie{}).has_value());
        w.bus.reactor().make_ready(5, interest::read);
    }
    w.settle();
    REQUIRE(keyboard.farewells == 1);
    CHECK(a.outcome_of(id) == outcome::adapter_fault);
    CHECK(mouse.neutral_calls == 0);
    w.join(b, full(w.vm));
    const auto got = b.bus.acquire(w.vm, lease_class::input);
    REQUIRE(got);
    const auto next = b.bus.submit(press(got.lease, BTN_LEFT)).id; // waits for nothing
    w.settle();
    CHECK(b.outcome_of(next) == outcome::done);
}
