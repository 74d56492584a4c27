// Rule: a frame reaches the guest's keyboard whole and in order, and what a lease held down is up
// before anybody else types.
#include <vmsig/kvm/keyboard.hpp>

#include <vmsig/guest/scancodes.hpp>

#include "plugged.hpp"

using namespace vmsig;
using test::plugged;
using bytes = std::vector<std::uint8_t>;

namespace {

/// A frame of `changes` changes: presses and releases of the right arrow, two bytes each.
std::vector<input_change> long_frame(std::size_t changes) {
    std::vector<input_change> frame;
    for (std::size_t i = 0; i < changes; ++i)
        frame.push_back(input_change::key(KEY_RIGHT, i % 2 == 0));
    return frame;
}

/// As long, and two keys stay down.
std::vector<input_change> held_frame() {
    auto frame = long_frame(254);
    frame.push_back(input_change::key(KEY_RIGHTCTRL, true));
    frame.push_back(input_change::key(KEY_RIGHTALT, true));
    return frame;
}

correlation_id send(plugged& p, const std::vector<input_change>& frame) {
    return p.submit(frame_of(p.input(), {}), std::as_bytes(std::span{frame}));
}

bool reads(plugged& p, std::uint64_t keys) {
    return p.until([&] { return p.word(STATE_OFFSET(key_count)) >= keys; });
}

/// While the machine is paused and its keyboard full: the key waits for the guest to read.
void next_owner_types(plugged& p) {
    p.lease_of(lease_class::input) = p.acquire(p.me, lease_class::input);
    const correlation_id next = p.submit(press(p.input(), KEY_O));
    CHECK(p.status() == vm_state::paused);
    CHECK_FALSE(p.sees.receipt_of(next));
    REQUIRE(p.power(verb::resume).outcome == outcome::done);
    CHECK(p.ended(next).outcome == outcome::done);
}

} // namespace

TEST_CASE("a typed key is echoed by the guest") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    for (int i = 0; i < 20; ++i) {
        CHECK(p.type(KEY_A).outcome == outcome::done);
        CHECK(p.run(release_key(p.input(), KEY_A)).outcome == outcome::done);
    }
    REQUIRE(reads(p, 40));
    REQUIRE(p.until([&] { return p.sees.console().ends_with("key 1e\nkey 9e\n"); }));
    CHECK(p.keys_since(38) == bytes{0x1e, 0x9e});
}

TEST_CASE("extended keys have their prefix, and a frame is whole") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    CHECK(p.run(frame_of(p.input(),
                         {input_change::key(KEY_LEFTCTRL, true), input_change::key(KEY_RIGHT, true),
                          input_change::key(KEY_RIGHT, false),
                          input_change::key(KEY_LEFTCTRL, false)}))
              .outcome == outcome::done);
    REQUIRE(reads(p, 6));
    CHECK(p.keys_since(0) == bytes{0x1d, 0xe0, 0x4d, 0xe0, 0xcd, 0x9d});
}

TEST_CASE("every key with a scancode is taken, and nothing else") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    for (std::uint16_t key = 0; key < KEY_CNT; ++key) {
        const auto answer = p.me.submit(release_key(p.input(), key));
        CHECK(static_cast<bool>(answer) == static_cast<bool>(scancode_of(key)));
    }
    CHECK(p.me.submit(frame_of(p.input(), {input_change::rel(REL_X, 1)})).why ==
          refusal::unsupported);
}

TEST_CASE("a preempted key goes up before the next owner's first key") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    REQUIRE(p.type(KEY_LEFTSHIFT).outcome == outcome::done);
    test::witness operator_;
    const control_handle other = p.join(operator_, 100);
    const lease theirs = p.acquire(other, lease_class::input);
    const auto key = other.submit(press(theirs, KEY_O).hold(milliseconds(1)));
    REQUIRE(key);
    REQUIRE(p.until([&] { return operator_.receipt_of(key.id).has_value(); }));
    REQUIRE(reads(p, 4));
    CHECK(p.keys_since(0) == bytes{0x2a, 0xaa, 0x18, 0x98});
    CHECK(p.me.submit(press(p.input(), KEY_C)).why == refusal::not_holder);
    p.bus.detach(other.origin());
}

TEST_CASE("frames that do not fit wait, in order, until the guest reads") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    REQUIRE(p.power(verb::pause).outcome == outcome::done);
    std::vector<correlation_id> ids;
    for (int i = 0; i < 6; ++i) ids.push_back(send(p, long_frame(256)));
    ids.push_back(p.submit(press(p.input(), KEY_Z)));
    CHECK(p.ended(ids[1]).outcome == outcome::done); // two of them are as much as fits
    CHECK(p.status() == vm_state::paused);
    CHECK_FALSE(p.sees.receipt_of(ids[2]));
    const correlation_id gone = p.submit(press(p.input(), KEY_X));
    CHECK(p.status() == vm_state::paused); // handed over by now, and not begun
    CHECK(p.me.cancel(gone) == cancel_result::cancelled);
    REQUIRE(p.power(verb::resume).outcome == outcome::done);
    for (const correlation_id id : ids) CHECK(p.ended(id).outcome == outcome::done);
    for (std::size_t n = 1; n < ids.size(); ++n)
        CHECK(p.sees.place(ids[n - 1]) < p.sees.place(ids[n]));
    REQUIRE(reads(p, 6 * 512 + 1));
    CHECK(p.keys_since(6 * 512 - 2) == bytes{0xe0, 0xcd, 0x2c});
    CHECK(p.word(STATE_OFFSET(key_count)) == 6 * 512 + 1);
}

TEST_CASE("what waits and is lost with its lease leaves room for the next owner's keys") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    REQUIRE(p.power(verb::pause).outcome == outcome::done);
    send(p, long_frame(256));
    REQUIRE(p.ended(send(p, long_frame(256))).outcome == outcome::done); // no room for more
    std::vector<correlation_id> lost;
    for (std::size_t n = 0; n < kvm::fifo<fenced_command>::capacity; ++n) {
        lost.push_back(p.submit(press(p.input(), KEY_A)));
        if (n % 64 == 0) CHECK(p.status() == vm_state::paused);
    }
    CHECK(p.until([&] { return !p.bus.dispatch(); }));
    CHECK(p.me.release(p.input()) == refusal::none);
    for (const correlation_id id : lost) CHECK(p.ended(id).outcome == outcome::lease_lost);
    next_owner_types(p);
    REQUIRE(reads(p, 1024 + 1));
    CHECK(p.keys_since(1024) == bytes{0x18});
}

TEST_CASE("releases that do not fit are sent later, before the next owner's keys") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    REQUIRE(p.power(verb::pause).outcome == outcome::done);
    send(p, long_frame(256));
    CHECK(p.ended(send(p, held_frame())).outcome == outcome::done);
    const correlation_id lost = send(p, long_frame(256));
    CHECK(p.status() == vm_state::paused);
    CHECK(p.me.release(p.input()) == refusal::none);
    CHECK(p.ended(lost).outcome == outcome::lease_lost); // it had not begun
    next_owner_types(p);
    REQUIRE(reads(p, 1024 + 5));
    CHECK(p.keys_since(1020) == bytes{0xe0, 0x1d, 0xe0, 0x38, 0xe0, 0xb8, 0xe0, 0x9d, 0x18});
}

TEST_CASE("no key survives a reset, and a key of the new epoch reaches the new incarnation") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    REQUIRE(p.type(KEY_LEFTSHIFT).outcome == outcome::done);
    correlation_id early;
    p.sees.script = [&](const event& e, control_handle bus) {
        if (e.is(kind::epoch_changed)) early = bus.submit(press(p.input(), KEY_B)).id;
    };
    CHECK(p.power(verb::reset).outcome == outcome::done);
    p.sees.script = {};
    REQUIRE(p.ready(2));
    REQUIRE(early);
    CHECK(p.ended(early).outcome == outcome::done);
    REQUIRE(reads(p, 1));
    REQUIRE(p.run(release_key(p.input(), KEY_B)).outcome == outcome::done);
    REQUIRE(reads(p, 2));
    CHECK(p.keys_since(0) == bytes{0x30, 0xb0});
}

TEST_CASE("what waits when a paused machine is reset does not reach the next incarnation") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    REQUIRE(p.power(verb::pause).outcome == outcome::done);
    send(p, long_frame(256));
    REQUIRE(p.ended(send(p, held_frame())).outcome == outcome::done); // no room for its releases
    const correlation_id waiting = send(p, long_frame(256));
    CHECK(p.status() == vm_state::paused);
    CHECK(p.power(verb::reset).outcome == outcome::done);
    CHECK(p.ended(waiting).outcome == outcome::stale_epoch);
    REQUIRE(p.power(verb::resume).outcome == outcome::done);
    REQUIRE(p.ready(2));
    CHECK(p.type(KEY_A).outcome == outcome::done);
    REQUIRE(reads(p, 1));
    CHECK(p.keys_since(0) == bytes{0x1e});
}

TEST_CASE("there is nobody to type to when the machine is off") {
    VMSIG_NEEDS_KVM();
    plugged p;
    CHECK(p.type(KEY_A).failure == failure::unavailable);
    REQUIRE(p.power(verb::start).outcome == outcome::done);
    REQUIRE(p.ready(1));
    // The core holds it for pressed, so another key.
    CHECK(p.type(KEY_B).outcome == outcome::done);
    CHECK(p.power(verb::power_off).outcome == outcome::done);
    CHECK(p.type(KEY_C).failure == failure::unavailable);
}

TEST_CASE("the guest's LEDs come as events") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    const auto lit = [&] {
        const auto* l = p.sees.last<leds_changed>();
        return l ? l->lit : 0;
    };
    CHECK(p.run(press(p.input(), KEY_CAPSLOCK).hold(milliseconds(1))).outcome == outcome::done);
    CHECK(p.until([&] { return lit() == 1u << LED_CAPSL; }));
    CHECK(p.run(press(p.input(), KEY_CAPSLOCK).hold(milliseconds(1))).outcome == outcome::done);
    CHECK(p.until([&] { return lit() == 0 && p.sees.count(kind::leds_changed) == 2; }));
}
