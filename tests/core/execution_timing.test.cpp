// Rule: deadlines, not-before times, paces and holds delay what they are asked to and nothing else.
#include "staffed.hpp"

using namespace vmsig;
using namespace vmsig::test;

using typed = std::vector<std::uint16_t>;
using handed = std::vector<correlation_id>;

TEST_CASE("a not-before time delays one command and blocks nobody") {
    staffed w;
    const auto late = w.submit(query_status(w.vm).delayed(milliseconds(10)));
    const auto now = w.submit(query_status(w.vm));
    w.settle();
    CHECK(w.order() == handed{now});
    w.advance(milliseconds(9));
    CHECK(w.order() == handed{now});
    w.advance(milliseconds(1));
    CHECK(w.order() == handed{now, late});
}

TEST_CASE("a deadline: never begun after it, at it still") {
    staffed w;
    const auto strict = w.submit(query_status(w.vm).within(milliseconds(5)));
    w.bus.reactor().advance(milliseconds(5));
    w.settle();
    CHECK(w.a.outcome_of(strict) == outcome::done);
    w.m.does = habit::leave;
    const auto late = w.submit(query_status(w.vm).within(milliseconds(5)));
    w.settle();
    REQUIRE(w.m.waiting.size() == 1);
    w.bus.reactor().advance(milliseconds(6));
    w.bus.dispatch();
    CHECK_FALSE(w.m.take(w.m.waiting[0]));
    w.settle();
    CHECK(w.a.outcome_of(late) == outcome::expired);
    const auto never = w.submit(query_status(w.vm).delayed(seconds(2)).within(seconds(1)));
    w.advance(seconds(3));
    CHECK(w.a.outcome_of(never) == outcome::expired);
}

TEST_CASE("a deadline wakes the loop, also for what has waited for its not-before time") {
    staffed w;
    w.m.does = habit::leave;
    const auto held = w.submit(query_status(w.vm).delayed(milliseconds(2)).within(milliseconds(9)));
    w.advance(milliseconds(2));
    w.advance(milliseconds(1));
    REQUIRE(w.m.waiting.size() == 1);
    w.bus.reactor().advance(milliseconds(7));
    CHECK(w.bus.reactor().readable());
    w.bus.dispatch();
    CHECK(w.a.outcome_of(held) == outcome::expired);
}

TEST_CASE("a begun command outlives its deadline and ends in its true outcome") {
    staffed w;
    w.m.does = habit::later;
    const auto id = w.submit(query_status(w.vm).within(milliseconds(5)));
    w.settle();
    w.advance(seconds(1));
    CHECK(w.a.outcome_of(id) == outcome::none);
    w.m.bus.complete(id);
    CHECK(w.a.outcome_of(id) == outcome::done);
}

TEST_CASE("pacing: a burst of one, and no catch-up after the clock jumped") {
    staffed w;
    w.bus.set_pace(w.vm, command_class::query, milliseconds(10));
    for (int i = 0; i < 5; ++i) w.submit(query_status(w.vm));
    w.settle();
    CHECK(w.order().size() == 1);
    w.advance(milliseconds(9));
    CHECK(w.order().size() == 1);
    w.advance(milliseconds(1));
    CHECK(w.order().size() == 2);
    w.advance(seconds(3600));
    CHECK(w.order().size() == 3);
    w.advance(milliseconds(10));
    CHECK(w.order().size() == 4);
    const auto other = w.submit(power(w.host, verb::pause)); // another class is not paced
    w.settle();
    CHECK(w.a.outcome_of(other) == outcome::done);
    w.bus.set_pace(w.vm, command_class::query, duration{});
    w.settle();
    CHECK(w.order().size() == 6);
}

TEST_CASE("a hold presses, waits, releases, and only then is done") {
    staffed w;
    const auto id = w.submit(press(w.keys, KEY_A).hold(milliseconds(50)));
    w.settle();
    CHECK(w.pressed() == typed{KEY_A});
    CHECK(w.a.outcome_of(id) == outcome::none);
    w.advance(milliseconds(50));
    CHECK(w.pressed() == typed{KEY_A, 1000 + KEY_A});
    CHECK(w.a.outcome_of(id) == outcome::done);
}

TEST_CASE("a hold blocks only later ones of its key and lane") {
    staffed w;
    w.submit(press(w.keys, KEY_A).hold(milliseconds(50)));
    w.submit(press(w.keys, KEY_B));
    w.submit(release_key(w.keys, KEY_B));
    w.submit(press(w.keys, KEY_C).on(lane::high));
    const auto other = w.submit(query_status(w.vm));
    w.settle();
    CHECK(w.pressed() == typed{KEY_C, KEY_A});
    CHECK(w.a.outcome_of(other) == outcome::done);
    w.advance(milliseconds(50));
    CHECK(w.pressed() == typed{KEY_C, KEY_A, 1000 + KEY_A, KEY_B, 1000 + KEY_B});
}

TEST_CASE("a hold blocks from its hand-over on, also when the adapter completes later") {
    staffed w;
    w.m.does = habit::later;
    const auto a = w.submit(press(w.keys, KEY_A).hold(milliseconds(50)));
    w.submit(press(w.keys, KEY_B));
    w.settle();
    CHECK(w.pressed() == typed{KEY_A});
    w.m.bus.complete(a);
    w.settle();
    CHECK(w.pressed() == typed{KEY_A});
    w.advance(milliseconds(50));
    CHECK(w.pressed() == typed{KEY_A, 1000 + KEY_A});
    w.m.bus.complete(a);
    w.settle();
    CHECK(w.pressed() == typed{KEY_A, 1000 + KEY_A, KEY_B});
}

TEST_CASE("the end of the lease cuts a hold short, and the receipt says that it had begun") {
    staffed w;
    const auto id = w.submit(press(w.keys, KEY_A).hold(seconds(5)));
    w.settle();
    CHECK(w.a.bus.cancel(id) == cancel_result::too_late);
    CHECK(w.a.bus.release(w.keys) == refusal::none);
    w.settle();
    CHECK(w.a.outcome_of(id) == outcome::lease_lost);
    CHECK(w.a.receipts_of(id)[0].begun == 1);
    CHECK(w.m.released == std::vector{input_change::key(KEY_A, false)});
    w.advance(seconds(10));
    CHECK(w.a.receipts_of(id).size() == 1);
}

TEST_CASE("the second half of a hold is past cancelling and past its deadline") {
    staffed w;
    const auto id = w.submit(press(w.keys, KEY_A).hold(milliseconds(5)).within(milliseconds(1)));
    w.settle();
    w.m.does = habit::leave;
    w.advance(milliseconds(5));
    REQUIRE(w.m.waiting.size() == 1);
    CHECK(w.a.bus.cancel(id) == cancel_result::too_late);
    w.advance(seconds(1));
    CHECK(w.a.outcome_of(id) == outcome::none);
    REQUIRE(w.m.take(w.m.waiting[0]));
    w.m.bus.complete(id);
    CHECK(w.a.outcome_of(id) == outcome::done);
}

TEST_CASE("the fence holds at the adapter: what is handed but not taken ends with its right") {
    staffed w;
    w.m.does = habit::leave;
    const auto by_grant = w.submit(query_status(w.vm));
    const auto by_lease = w.submit(power(w.host, verb::pause));
    const auto by_epoch = w.submit(press(w.keys, KEY_A));
    w.settle();
    REQUIRE(w.m.waiting.size() == 3);
    w.m.bus.emit(lifecycle{transition::reset, cause::guest, {}, 0});
    CHECK(w.a.outcome_of(by_epoch) == outcome::stale_epoch);
    w.a.bus.release(w.host);
    CHECK(w.a.outcome_of(by_lease) == outcome::lease_lost);
    w.bus.set_grant(w.a.bus.origin(), grant{}.on(w.vm).allow(right::power));
    CHECK(w.a.outcome_of(by_grant) == outcome::revoked);
    for (const fenced_command c : w.m.waiting) CHECK_FALSE(w.m.take(c));
    w.settle();
    CHECK(w.a.receipts_of(by_epoch).size() == 1);
}

TEST_CASE("pacing counts from the hand-over, also when the adapter takes later") {
    staffed w;
    w.m.does = habit::leave;
    w.bus.set_pace(w.vm, command_class::query, milliseconds(10));
    for (int i = 0; i < 3; ++i) w.submit(query_status(w.vm));
    w.settle();
    CHECK(w.m.waiting.size() == 1);
    w.advance(milliseconds(10));
    CHECK(w.m.waiting.size() == 2);
}

TEST_CASE("what an adapter takes too late in the turn that ends it is expired at the fence") {
    staffed w;
    w.m.does = habit::leave;
    const auto id = w.submit(query_status(w.vm).within(milliseconds(5)));
    w.settle();
    REQUIRE(w.m.bus.watch(5, interest::read, {}).has_value());
    bool taken = true;
    w.m.when_ready = [&](cookie, adapter_handle) { // descriptors come before timers
        if (w.m.executed.empty()) taken = w.m.take(w.m.waiting.at(0));
    };
    w.bus.reactor().make_ready(5, interest::read);
    w.bus.reactor().advance(milliseconds(6));
    w.bus.dispatch();
    CHECK_FALSE(taken);
    CHECK(w.m.executed.at(0).refused == outcome::expired);
    CHECK(w.a.outcome_of(id) == outcome::expired);
}
