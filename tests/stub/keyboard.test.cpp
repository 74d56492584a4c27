// Rule: what was pressed under a lease or in an epoch is released with it, in reverse order,
// however the adapter behaves; frames are applied whole and in order.
#include <vmsig/stub/keyboard.hpp>

#include "plugged.hpp"

using namespace vmsig;
using namespace vmsig::test;

TEST_CASE("frames reach the guest whole and in order") {
    plugged p;
    CHECK(p.ended(
               frame_of(p.of(lease_class::input),
                        {input_change::key(KEY_LEFTSHIFT, true), input_change::key(KEY_A, true),
                         input_change::key(KEY_A, false), input_change::key(KEY_LEFTSHIFT, false)}))
              .outcome == outcome::done);
    p.step();
    CHECK(p.sees.console().ends_with("key 2a\nkey 1e\nkey 9e\nkey aa\n"));
}

TEST_CASE("the mouse moves, clicks and scrolls") {
    plugged p;
    p.ended(frame_of(p.of(lease_class::input),
                     {input_change::rel(REL_X, 5), input_change::rel(REL_Y, -3),
                      input_change::key(BTN_RIGHT, true), input_change::rel(REL_WHEEL, 1)}));
    CHECK(p.machine.cpu().pointer_x == 5);
    CHECK(p.machine.cpu().pointer_y == -3);
    CHECK(p.machine.cpu().wheel == 1);
    CHECK(p.machine.cpu().buttons == 2);
    p.me.release(p.of(lease_class::input));
    CHECK(p.machine.cpu().buttons == 0);
}

TEST_CASE("it takes the keys that a PS/2 keyboard has, and no others") {
    plugged p;
    CHECK(p.me.submit(press(p.of(lease_class::input), KEY_PROG1)).why == refusal::unsupported);
    CHECK(p.type(KEY_RIGHTMETA).outcome == outcome::done);
}

TEST_CASE("a lease that ends releases what it held, the last press first") {
    plugged p;
    p.type(KEY_A);
    p.type(KEY_UP);
    p.step();
    p.me.release(p.of(lease_class::input));
    p.step();
    CHECK(p.sees.console().ends_with("key e0\nkey c8\nkey 9e\n"));
    CHECK_FALSE(p.machine.holds(KEY_A));
    CHECK_FALSE(p.machine.holds(KEY_UP));
}

TEST_CASE("no key survives a reset, and the old machine is told the release before") {
    plugged p;
    p.type(KEY_A);
    p.step();
    p.machine.script().guest_resets = 1;
    p.step();
    CHECK_FALSE(p.machine.holds(KEY_A));
    CHECK(p.type(KEY_A).outcome == outcome::done); // not taken for a repetition
    p.step();
    CHECK(p.machine.holds(KEY_A));
}

TEST_CASE("a frame that had begun when the machine was reset presses nothing in the new epoch") {
    plugged p;
    p.machine.script().completes = stub::completing::on_demand;
    const correlation_id id = p.submit(press(p.of(lease_class::input), KEY_A));
    p.settle();
    p.machine.script().guest_resets = 1;
    p.step();
    p.machine.complete_pending();
    p.step();
    CHECK(p.sees.receipts_of(id) == 1);
    CHECK(p.sees.receipt_of(id)->begun == 1);
    CHECK_FALSE(p.machine.holds(KEY_A));
    CHECK(p.machine.word(offsetof(vmsig_guest_state, key_count)) == 0);
}

TEST_CASE("a frame that had begun when its lease ended is released after it, not before") {
    plugged p;
    p.machine.script().completes = stub::completing::on_demand;
    p.submit(press(p.of(lease_class::input), KEY_A));
    p.settle();
    p.me.release(p.of(lease_class::input));
    p.step();
    CHECK(p.sees.console().ends_with("key 1e\nkey 9e\n"));
    p.machine.complete_pending();
    p.step();
    CHECK_FALSE(p.machine.holds(KEY_A));
}

TEST_CASE("releases that are accepted one by one hold up the next owner's input until the last") {
    plugged p;
    for (std::uint16_t key : {std::uint16_t{KEY_A}, std::uint16_t{KEY_B}, std::uint16_t{KEY_C}})
        p.type(key);
    p.step();
    p.machine.script().neutral_per_step = 1;
    p.me.release(p.of(lease_class::input));
    const lease next = p.me.acquire(p.vm, lease_class::input).lease;
    const correlation_id id = p.submit(press(next, KEY_D));
    p.settle();
    for (int accepted = 1; accepted < 3; ++accepted) {
        CHECK(p.sees.receipts_of(id) == 0);
        p.step();
    }
    p.step();
    CHECK(p.sees.receipt_of(id)->outcome == outcome::done);
    CHECK(p.sees.console().ends_with("key ae\nkey b0\nkey 9e\nkey 20\n"));
}

TEST_CASE("an adapter that does not accept the releases in time is quarantined") {
    plugged p;
    p.type(KEY_A);
    p.machine.script().neutral_per_step = 0;
    p.me.release(p.of(lease_class::input));
    p.bus.reactor().advance(seconds(2));
    p.settle();
    CHECK(p.sees.last<adapter_detached>()->fault == 1);
    CHECK(p.me.submit(query_status(p.vm)).why == refusal::none); // the others stay
}

TEST_CASE("caps lock comes back up as an LED") {
    plugged p;
    p.type(KEY_CAPSLOCK);
    p.step();
    CHECK(p.sees.last<leds_changed>()->lit == 1u << LED_CAPSL);
}

TEST_CASE("a keyboard that is full refuses a frame whole") {
    plugged p;
    p.power(verb::pause);
    std::size_t done = 0;
    for (int i = 0; i < 600; ++i) {
        done += p.type(KEY_UP).outcome == outcome::done;
        const bool released =
            p.ended(release_key(p.of(lease_class::input), KEY_UP)).outcome == outcome::done;
        if (!released) break;
        ++done;
    }
    CHECK(done == stub::key_queue::capacity_bytes / 2);
    CHECK(p.sees.last<receipt>()->failure == failure::unavailable);
    p.power(verb::resume);
    p.step();
    CHECK(p.machine.word(offsetof(vmsig_guest_state, key_count)) ==
          stub::key_queue::capacity_bytes);
}
