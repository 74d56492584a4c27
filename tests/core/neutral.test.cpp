// Rule: neutral is total. No pace, no cap, no full ring, no full audit delays what a lease holds
// down going up, and what happens while an adapter is asked for it changes nothing of that.
#include "harness.hpp"

using namespace vmsig;
using namespace vmsig::test;

namespace {

input_change up(std::uint16_t k) { return input_change::key(k, false); }
using frame = std::vector<input_change>;

/// `a` holds the input lease and two keys down.
template <class Traits = test_traits>
struct pressed : bench<Traits> {
    agent a, b;
    machine m;
    lease keys;
    pressed() {
        this->bus.attach_adapter(m, this->vm);
        keys = this->own(a, lease_class::input);
        this->join(b, full(this->vm, 9));
        REQUIRE(a.bus.submit(
            frame_of(keys, {input_change::key(KEY_A, true), input_change::key(KEY_B, true)})));
        this->settle();
    }
    lease preempt() {
        const auto got = b.bus.acquire(this->vm, lease_class::input);
        REQUIRE(got);
        return got.lease;
    }
    void reset() { m.bus.emit(lifecycle{transition::reset, cause::guest, {}, 0}); }
};
const frame both_up{up(KEY_B), up(KEY_A)};

/// Every way in which what is held must go up.
using way = void (*)(pressed<fail_closed_traits>&);
const way ways[] = {
    [](auto& w) { w.a.bus.release(w.keys); },
    [](auto& w) { w.preempt(); },
    [](auto& w) { w.bus.force_release(w.vm, lease_class::input); },
    [](auto& w) { w.bus.set_grant(w.a.bus.origin(), grant{}); },
    [](auto& w) { w.a.bus.detach(); },
    [](auto& w) { w.m.bus.detach(); },
    [](auto& w) { w.bus.remove_endpoint(w.vm); },
    [](auto& w) { w.reset(); },
};

} // namespace

TEST_CASE("neutral waits for no pace, and the next owner's first key still does") {
    pressed w;
    w.bus.set_pace(w.vm, command_class::input, seconds(10)); // from the last press on
    const auto parked = w.a.bus.submit(press(w.keys, KEY_D)).id;
    w.settle();
    REQUIRE(w.a.outcome_of(parked) == outcome::none);
    const lease next = w.preempt();
    CHECK(w.m.released == both_up);
    CHECK(w.a.outcome_of(parked) == outcome::lease_lost);
    const auto first = w.b.bus.submit(press(next, KEY_E)).id;
    w.advance(duration{seconds(10).ns - 1});
    CHECK(w.b.outcome_of(first) == outcome::none);
    w.advance(duration{1});
    CHECK(w.b.outcome_of(first) == outcome::done);
}

TEST_CASE("neutral needs no place among the pending commands or timers of its control") {
    pressed w;
    w.m.does = habit::later;
    int pending = 0;
    while (w.a.bus.submit(query_status(w.vm).within(seconds(9)))) REQUIRE(++pending < 1000);
    REQUIRE(pending > 0);
    CHECK(w.a.bus.submit(query_status(w.vm)).why == refusal::busy);
    w.a.bus.release(w.keys);
    CHECK(w.m.released == both_up);
    CHECK(w.bus.pending_of(w.a.bus.origin()) == static_cast<std::uint32_t>(pending));
}

TEST_CASE("neutral needs no place in the ring of deferred events") {
    pressed w;
    sensor s;
    w.bus.attach_adapter(s, w.vm);
    inside(w, w.b, s, [&] {
        int emitted = 0;
        while (s.bus.emit(console_output{})) REQUIRE(++emitted < 1000);
        CHECK(w.a.bus.acquire(w.vm, lease_class::power).why == refusal::busy);
        CHECK(w.a.bus.release(w.keys) == refusal::none);
        CHECK(w.m.released == both_up);
    });
}

TEST_CASE("neutral needs no room in a fail-closed audit, and what was lost is said") {
    for (const way ends : ways) {
        pressed<fail_closed_traits> w;
        const unsigned share = w.a.bus.origin().slot();
        int accepted = 0;
        while (w.a.bus.submit(query_status(w.vm))) REQUIRE(++accepted < 1000);
        CHECK(w.a.bus.submit(query_status(w.vm)).why == refusal::audit_unavailable);
        w.m.released.clear();
        ends(w);
        CHECK(w.m.released == both_up);
        std::uint64_t lost = w.bus.audit().lost(share);
        CHECK(lost > 0);
        w.bus.audit().sink().drain([](const audit_record&) {});
        w.bus.dispatch();
        w.settle();
        w.bus.audit().sink().drain([&](const audit_record& r) {
            if (r.what == decision::lost && audit_share_of(r.origin) == share) lost -= r.detail;
        });
        CHECK(lost == 0);
    }
}

TEST_CASE("what a control submits while neutral runs ends with the lease") {
    pressed w;
    submit_result meanwhile;
    w.m.on_neutral = [&] { meanwhile = w.a.bus.submit(press(w.keys, KEY_C)); };
    bool told = false;
    w.b.script = [&](const event& e, control_handle) {
        if (e.is(kind::lease_granted)) told = w.a.receipts_of(meanwhile.id).size() == 1;
    };
    const lease next = w.preempt();
    CHECK(told); // its receipt is ahead of the next owner's grant
    w.settle();
    REQUIRE(meanwhile.why == refusal::none);
    CHECK(w.a.outcome_of(meanwhile.id) == outcome::lease_lost);
    CHECK(w.m.executed.size() == 1);
    const auto first = w.b.bus.submit(press(next, KEY_D)).id;
    w.settle();
    CHECK(w.b.outcome_of(first) == outcome::done);
    CHECK(w.a.receipts_of(meanwhile.id).size() == 1);
}

TEST_CASE("what a control submits while neutral runs in a raise is refused or of the new epoch") {
    pressed w;
    submit_result blind, pinned;
    w.m.on_neutral = [&] {
        blind = w.a.bus.submit(press(w.keys, KEY_C));
        pinned = w.a.bus.submit(press(w.keys, KEY_C).pinned(w.bus.epoch_of(w.vm)));
    };
    w.reset();
    w.settle();
    CHECK(blind.why == refusal::stale_epoch);
    REQUIRE(pinned.why == refusal::none);
    CHECK(w.a.outcome_of(pinned.id) == outcome::done);
    CHECK(w.m.released == both_up);
}

TEST_CASE("an adapter that throws in neutral during its own detachment is quarantined, once") {
    pressed w;
    const auto queued = w.a.bus.submit(press(w.keys, KEY_C).delayed(seconds(1))).id;
    const auto query = w.a.bus.submit(query_status(w.vm).delayed(seconds(1))).id;
    w.m.throws = hook::neutral;
    w.m.bus.detach();
    w.settle();
    CHECK(w.m.neutral_calls == 1);
    CHECK(w.m.farewells == 1);
    CHECK(w.records(decision::adapter_quarantined).size() == 1);
    CHECK(w.records(decision::adapter_detached).empty());
    CHECK(w.b.count(kind::adapter_detached) == 1);
    CHECK(w.b.last<adapter_detached>().fault == 1);
    CHECK(w.a.outcome_of(queued) == outcome::adapter_fault);
    CHECK(w.a.outcome_of(query) == outcome::adapter_fault);
    CHECK_FALSE(w.bus.lease_of(w.vm, lease_class::input).owner.who);
    machine next;
    w.bus.attach_adapter(next, w.vm);
    const lease again = w.own(w.b, lease_class::input);
    REQUIRE(w.b.bus.submit(press(again, KEY_A)));
    w.settle();
    CHECK(next.executed.size() == 1);
}

TEST_CASE("a hold that is under way at a reset ends there, and its key goes up once") {
    pressed w;
    const auto id = w.a.bus.submit(press(w.keys, KEY_C).hold(milliseconds(50))).id;
    w.settle();
    REQUIRE(w.m.executed.size() == 2);
    w.reset();
    CHECK(w.m.released == frame{up(KEY_C), up(KEY_B), up(KEY_A)});
    CHECK(w.a.outcome_of(id) == outcome::stale_epoch);
    CHECK(w.a.receipts_of(id).at(0).begun == 1);
    const auto next = w.a.bus.submit(press(w.keys, KEY_D)).id; // it waits for no hold any more
    w.advance(milliseconds(50));
    CHECK(w.m.executed.size() == 3);
    CHECK(w.a.outcome_of(next) == outcome::done);
}

TEST_CASE("a hold whose press completes after a reset was taken in is stale and releases nothing") {
    pressed w;
    w.m.does = habit::later;
    const auto id = w.a.bus.submit(press(w.keys, KEY_C).hold(milliseconds(50))).id;
    w.settle();
    w.reset();
    CHECK(w.a.outcome_of(id) == outcome::none); // begun: it ends as it truly does
    w.m.bus.complete(id);
    CHECK(w.a.outcome_of(id) == outcome::stale_epoch);
    w.advance(milliseconds(50));
    CHECK(w.m.executed.size() == 2);
    CHECK(w.m.released == frame{up(KEY_C), up(KEY_B), up(KEY_A)});
}

TEST_CASE("the second half of a hold that was handed over before a reset is not taken after it") {
    pressed w;
    const auto id = w.a.bus.submit(press(w.keys, KEY_C).hold(milliseconds(50))).id;
    w.settle();
    w.m.does = habit::leave;
    w.advance(milliseconds(50));
    REQUIRE(w.m.waiting.size() == 1);
    w.reset();
    CHECK(w.a.outcome_of(id) == outcome::stale_epoch);
    CHECK_FALSE(w.m.waiting[0].take().has_value());
    CHECK(w.m.released == frame{up(KEY_C), up(KEY_B), up(KEY_A)});
}
