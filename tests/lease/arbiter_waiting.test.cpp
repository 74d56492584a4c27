// Rule: waiting is bounded, ordered and timed; a waiter's turn is offered, never taken for it; an
// owner that is asked loses its lease at the deadline whatever it does.
#include <vmsig/lease/arbiter.hpp>

#include <cstdint>
#include <vector>

#include <support/catch.hpp>

#include "fixtures.hpp"

namespace {

using namespace vmsig;
using namespace vmsig::test;
using what = due::event;

TEST_CASE("who wants to wait waits once, by the same id") {
    lease_arbiter<> arbiter{1};
    acquire(arbiter, request_of(alice));
    CHECK(acquire(arbiter, waiting(request_of(bob))).what == step::wait);
    const auto again = arbiter.enqueue(keyboard_cell, waiting(request_of(bob)));
    const auto once_more = arbiter.enqueue(keyboard_cell, waiting(request_of(bob, 7)));
    CHECK(*again == *once_more);
    CHECK(arbiter.status(keyboard_cell).waiters == 1);
    CHECK(arbiter.enqueue(keyboard_cell, waiting(request_of(alice))).error() == refusal::held);
}

TEST_CASE("a full queue answers busy and stays as it was") {
    lease_arbiter<rank_arbitration, 2> arbiter{1};
    acquire(arbiter, request_of(alice));
    acquire(arbiter, waiting(request_of(bob)));
    acquire(arbiter, waiting(request_of(carol)));
    CHECK(acquire(arbiter, waiting(request_of(control(3)))).why == refusal::busy);
    CHECK(arbiter.enqueue(keyboard_cell, request_of(control(3))).error() == refusal::busy);
    CHECK(acquire(arbiter, waiting(request_of(bob))).what == step::wait); // it has its place
    CHECK(arbiter.status(keyboard_cell).waiters == 2);
}

TEST_CASE("the next waiter is taken out for the caller to check, who may drop it for the next") {
    lease_arbiter<> arbiter{1};
    acquire(arbiter, request_of(alice, 9));
    acquire(arbiter, waiting(request_of(bob, 1)));
    acquire(arbiter, waiting(request_of(carol, 2)));
    arbiter.end(keyboard_cell, lease_end::released);
    const waiter died = arbiter.take_next_waiter(keyboard_cell);
    CHECK(died.request.who.who == carol);
    const waiter next = arbiter.take_next_waiter(keyboard_cell);
    REQUIRE(next);
    CHECK(next.request.who.who == bob);
    CHECK(arbiter.grant(keyboard_cell, next.request, {5})->value == 3);
    CHECK_FALSE(arbiter.take_next_waiter(keyboard_cell));
}

TEST_CASE("a time to live counts from the grant, not from the wait") {
    lease_arbiter<> arbiter{1};
    acquire(arbiter, request_of(alice));
    acquire(arbiter, waiting(living(request_of(bob), duration{10})), {1});
    arbiter.end(keyboard_cell, lease_end::released);
    (void)arbiter.grant(keyboard_cell, arbiter.take_next_waiter(keyboard_cell).request, {100});
    CHECK(arbiter.status(keyboard_cell).expires == instant{110});
}

TEST_CASE("nobody slips into a free cell before those who are next") {
    lease_arbiter<> arbiter{1};
    acquire(arbiter, request_of(alice, 9));
    acquire(arbiter, waiting(request_of(bob, 5)));
    arbiter.end(keyboard_cell, lease_end::released);
    CHECK(consider(arbiter, request_of(carol, 5)).why == refusal::held);
    CHECK(consider(arbiter, waiting(request_of(carol, 5))).what == step::wait);
    CHECK(consider(arbiter, request_of(carol, 6)).what == step::grant);
    CHECK(acquire(arbiter, request_of(bob, 5)).what == step::grant); // it is its turn
    CHECK(arbiter.status(keyboard_cell).waiters == 0);
}

TEST_CASE("a wait is withdrawn by its owner only, and once") {
    lease_arbiter<> arbiter{2};
    acquire(arbiter, request_of(alice));
    const wait_id id = *arbiter.enqueue(keyboard_cell, waiting(request_of(bob)));
    CHECK_FALSE(arbiter.withdraw(id, carol));
    CHECK_FALSE(arbiter.withdraw(wait_id{}, bob));
    CHECK_FALSE(arbiter.withdraw(wait_id::make(900, 1), bob)); // a cell that does not exist
    CHECK_FALSE(arbiter.withdraw(1, bob));                     // another cell
    CHECK(arbiter.withdraw(id, bob).id == id);
    CHECK_FALSE(arbiter.withdraw(id, bob));
    const wait_id later = *arbiter.enqueue(keyboard_cell, waiting(request_of(bob)));
    CHECK(later != id);
    CHECK_FALSE(arbiter.withdraw(id, bob)); // the old name of another wait
    CHECK(arbiter.withdraw(keyboard_cell, bob).id == later);
}

TEST_CASE("the number of waits is limited like every counter") {
    lease_arbiter<> arbiter{1, {}, 7};
    acquire(arbiter, request_of(alice));
    std::vector<wait_id> seen;
    for (int i = 0; i < 7; ++i) {
        seen.push_back(*arbiter.enqueue(keyboard_cell, waiting(request_of(bob))));
        arbiter.withdraw(keyboard_cell, bob);
    }
    CHECK(seen.front() < seen.back());
    CHECK(consider(arbiter, waiting(request_of(bob))).why == refusal::exhausted);
    CHECK(arbiter.enqueue(keyboard_cell, waiting(request_of(bob))).error() == refusal::exhausted);
}

TEST_CASE("the waits of a dead control end in all cells, and only they") {
    lease_arbiter<> arbiter{6};
    for (std::uint32_t cell = 0; cell < 6; ++cell) acquire(arbiter, request_of(alice), {1}, cell);
    for (const std::uint32_t cell : {0U, 3U, 5U}) {
        acquire(arbiter, waiting(request_of(bob)), {1}, cell);
        acquire(arbiter, waiting(request_of(carol)), {1}, cell);
    }
    std::vector<std::uint32_t> seen;
    arbiter.drop_waiters_of(bob, [&](std::uint32_t cell, const waiter& w) {
        CHECK(w.request.who.who == bob);
        seen.push_back(cell);
    });
    CHECK(seen == std::vector<std::uint32_t>{0, 3, 5});
    for (const std::uint32_t cell : seen)
        CHECK(arbiter.first_waiter(cell)->request.who.who == carol);
}

TEST_CASE("a time to live expires at its instant, once, and renewing keeps the serial") {
    lease_arbiter<> arbiter{1};
    acquire(arbiter, living(request_of(alice), duration{10}), {100});
    const serial_number serial = arbiter.serial(keyboard_cell);
    CHECK(arbiter.next_deadline(keyboard_cell) == instant{110});
    CHECK(arbiter.expire(keyboard_cell, {109}).what == what::nothing);
    CHECK(arbiter.renew(keyboard_cell, bob, serial, duration{5}, {109}).error() ==
          refusal::not_holder);
    CHECK(arbiter.renew(keyboard_cell, alice, {9}, duration{5}, {109}).error() ==
          refusal::not_holder);
    CHECK(arbiter.renew(keyboard_cell, alice, serial, duration{-1}, {109}).error() ==
          refusal::invalid);
    CHECK(*arbiter.renew(keyboard_cell, alice, serial, duration{5}, {109}) == instant{114});
    CHECK(arbiter.serial(keyboard_cell) == serial);
    CHECK(arbiter.expire(keyboard_cell, {113}).what == what::nothing);
    CHECK(arbiter.expire(keyboard_cell, {114}).what == what::owner_expired);
    arbiter.end(keyboard_cell, lease_end::expired);
    CHECK(arbiter.expire(keyboard_cell, {114}).what == what::nothing);
    CHECK(arbiter.next_deadline(keyboard_cell) == instant::never());
    CHECK(arbiter.renew(keyboard_cell, alice, serial, duration{5}, {114}).error() ==
          refusal::not_holder);
}

TEST_CASE("renewing without a time to live means that it no longer expires") {
    lease_arbiter<> arbiter{1};
    acquire(arbiter, living(request_of(alice), duration{10}), {100});
    CHECK(*arbiter.renew(keyboard_cell, alice, {1}, {}, {105}) == instant::never());
    CHECK(arbiter.expire(keyboard_cell, {1'000'000}).what == what::nothing);
}

TEST_CASE("waiters past their deadline are told before the lease that they waited for is free") {
    lease_arbiter<> arbiter{1};
    acquire(arbiter, living(request_of(alice), duration{10}), {100}); // until 110
    acquire(arbiter, waiting(request_of(bob), {112}), {100});
    acquire(arbiter, waiting(request_of(carol), {111}), {100});
    CHECK(acquire(arbiter, waiting(request_of(control(4)), {100}), {100}).why == refusal::held);
    CHECK(arbiter.next_deadline(keyboard_cell) == instant{110});
    // The loop was late: all three are over.
    std::vector<origin_id> told;
    due d = arbiter.expire(keyboard_cell, {115});
    for (; d.what == what::waiter_expired; d = arbiter.expire(keyboard_cell, {115})) {
        told.push_back(d.who.request.who.who);
    }
    CHECK(told.size() == 2);
    CHECK(d.what == what::owner_expired);
    arbiter.end(keyboard_cell, lease_end::expired);
    CHECK(arbiter.expire(keyboard_cell, {115}).what == what::nothing);
    CHECK_FALSE(arbiter.first_waiter(keyboard_cell));
}

TEST_CASE("an owner that is asked has its grace, then loses the lease to the challenger") {
    lease_arbiter<ask_arbitration> arbiter{1, {duration{50}}};
    acquire(arbiter, request_of(alice, 1), {100});
    acquire(arbiter, waiting(request_of(bob, 1)), {100}); // came first, but may not ask
    const plan p = acquire(arbiter, request_of(carol, 2), {110});
    CHECK(p == plan{step::ask, {}, {160}});
    CHECK(acquire(arbiter, request_of(carol, 2), {120}).what == step::wait); // asked already
    CHECK(arbiter.status(keyboard_cell).ask_deadline == instant{160});
    CHECK(arbiter.next_deadline(keyboard_cell) == instant{160});
    CHECK(arbiter.check(keyboard_cell, alice, {1})); // still the owner
    CHECK(arbiter.expire(keyboard_cell, {159}).what == what::nothing);
    CHECK(arbiter.expire(keyboard_cell, {160}).what == what::ask_elapsed);
    arbiter.end(keyboard_cell, lease_end::preempted);
    CHECK(arbiter.expire(keyboard_cell, {160}).what == what::nothing);
    const waiter next = arbiter.take_next_waiter(keyboard_cell);
    CHECK(next.request.who.who == carol);
    CHECK(arbiter.grant(keyboard_cell, next.request, {160}));
}

TEST_CASE("a challenger that goes away during the grace leaves the owner alone") {
    lease_arbiter<ask_arbitration> arbiter{1, {duration{50}}};
    acquire(arbiter, request_of(alice, 1), {100});
    acquire(arbiter, request_of(bob, 3), {100});
    acquire(arbiter, request_of(carol, 2), {110});
    CHECK(arbiter.next_deadline(keyboard_cell) == instant{150});
    arbiter.withdraw(keyboard_cell, bob);
    CHECK(arbiter.next_deadline(keyboard_cell) == instant{160}); // carol's ask stands
    arbiter.drop_waiters_of(carol, [](std::uint32_t, const waiter&) {});
    CHECK(arbiter.next_deadline(keyboard_cell) == instant::never());
    CHECK(arbiter.expire(keyboard_cell, {500}).what == what::nothing);
    CHECK(arbiter.check(keyboard_cell, alice, {1}));
}

TEST_CASE("only an owner that is asked may acknowledge") {
    lease_arbiter<ask_arbitration> arbiter{1, {duration{50}}};
    acquire(arbiter, request_of(alice, 1), {100});
    CHECK(arbiter.acknowledge(keyboard_cell, alice, {1}) == refusal::invalid);
    acquire(arbiter, request_of(bob, 3), {100});
    CHECK(arbiter.acknowledge(keyboard_cell, bob, {1}) == refusal::not_holder);
    CHECK(arbiter.acknowledge(keyboard_cell, alice, {0}) == refusal::not_holder);
    CHECK(arbiter.acknowledge(keyboard_cell, alice, {1}) == refusal::none);
    arbiter.end(keyboard_cell, lease_end::preempted);
    CHECK(arbiter.acknowledge(keyboard_cell, alice, {1}) == refusal::not_holder);
}

TEST_CASE("who asked a former owner asks the new one by itself") {
    lease_arbiter<ask_arbitration> arbiter{1, {duration{50}}};
    acquire(arbiter, request_of(alice, 1), {100});
    acquire(arbiter, request_of(bob, 2), {100});
    acquire(arbiter, request_of(carol, 3), {110});
    arbiter.end(keyboard_cell, lease_end::released);
    CHECK(consider(arbiter, request_of(control(4), 9)).why == refusal::held); // asks go first
    CHECK(arbiter.status(keyboard_cell).ask_deadline == instant::never());    // nobody to preempt
    CHECK(arbiter.next_deadline(keyboard_cell) == instant::never());
    (void)arbiter.grant(keyboard_cell, request_of(bob, 2), {120}); // the host's choice
    CHECK(arbiter.status(keyboard_cell).ask_deadline == instant::never());
    const waiter* next = arbiter.first_waiter(keyboard_cell);
    REQUIRE(next);
    CHECK(consider(arbiter, next->request, {120}) == plan{step::ask, {}, {170}});
    const wait_id id = next->id;
    CHECK(*arbiter.begin_ask(keyboard_cell, next->request, {170}) == id);
    CHECK(*arbiter.begin_ask(keyboard_cell, request_of(carol, 3), {180}) == id);
    CHECK(arbiter.next_deadline(keyboard_cell) == instant{170});
}

TEST_CASE("an ask whose deadline has come preempts at once") {
    lease_arbiter<ask_arbitration> arbiter{1, {duration{0}}};
    acquire(arbiter, request_of(alice, 1), {100});
    CHECK(consider(arbiter, request_of(bob, 2), {100}).what == step::preempt);
}

TEST_CASE("a full queue makes room for a higher rank only, and a queue with room for nobody") {
    lease_arbiter<rank_arbitration, 2> arbiter{1};
    acquire(arbiter, request_of(alice, 9));
    acquire(arbiter, waiting(request_of(bob, 3)));
    CHECK_FALSE(arbiter.make_room(keyboard_cell, 9));
    acquire(arbiter, waiting(request_of(carol, 5)));
    CHECK_FALSE(arbiter.make_room(keyboard_cell, 3)); // an equal rank came later
    CHECK(arbiter.status(keyboard_cell).waiters == 2);
    const waiter displaced = arbiter.make_room(keyboard_cell, 4);
    REQUIRE(displaced);
    CHECK(displaced.request.who.who == bob);
    CHECK(arbiter.status(keyboard_cell).waiters == 1);
}

} // namespace
