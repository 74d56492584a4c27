// Rule: at most one owner per cell, a serial that rises at every grant and end, and calls that do
// nothing when repeated.
#include <vmsig/lease/arbiter.hpp>

#include <cstdint>
#include <vector>

#include <support/alloc_guard.hpp>
#include <support/catch.hpp>

#include "fixtures.hpp"

namespace {

using namespace vmsig;
using namespace vmsig::test;

TEST_CASE("cells are numbered by endpoint slot and class") {
    CHECK(lease_cell(endpoint_id::make(0, 9), lease_class::input) == 0);
    CHECK(lease_cell(endpoint_id::make(2, 9), lease_class::memwrite) == 8);
    CHECK(class_of_cell(8) == lease_class::memwrite);
}

TEST_CASE("a free cell is granted, and held against an equal rank") {
    lease_arbiter<> arbiter{3};
    CHECK(acquire(arbiter, request_of(alice, 4)).what == step::grant);
    CHECK(arbiter.owner(keyboard_cell) == alice);
    CHECK(arbiter.serial(keyboard_cell).value == 1);
    CHECK(acquire(arbiter, request_of(bob, 4)) == plan{step::refuse, refusal::held, {}});
    CHECK(consider(arbiter, request_of(bob), {1}, 1).what == step::grant); // another class is free
}

TEST_CASE("acquiring what one holds keeps the serial, at the counter's limit too") {
    lease_arbiter<> arbiter{1, {}, 2};
    acquire(arbiter, request_of(alice));
    CHECK(acquire(arbiter, request_of(alice, 9)).what == step::already);
    CHECK(arbiter.serial(keyboard_cell).value == 1);
    CHECK(arbiter.status(keyboard_cell).owner == lease_party{alice, 0});
}

TEST_CASE("a higher rank preempts against the rank that the owner had when it acquired") {
    lease_arbiter<> arbiter{1};
    acquire(arbiter, request_of(alice, 4));
    acquire(arbiter, request_of(alice, 9)); // its grant was widened: no new snapshot
    CHECK(consider(arbiter, request_of(bob, 5)).what == step::preempt);
    const serial_number first = arbiter.serial(keyboard_cell);
    acquire(arbiter, request_of(bob, 5));
    CHECK(arbiter.owner(keyboard_cell) == bob);
    CHECK(arbiter.serial(keyboard_cell).value == first.value + 2); // one end, one grant
    CHECK_FALSE(arbiter.check(keyboard_cell, alice, first));
}

TEST_CASE("the fence knows the owner and the serial, and nobody while it is free") {
    lease_arbiter<> arbiter{1};
    CHECK_FALSE(arbiter.check(keyboard_cell, {}, arbiter.serial(keyboard_cell)));
    acquire(arbiter, request_of(alice));
    const serial_number serial = arbiter.serial(keyboard_cell);
    CHECK(arbiter.check(keyboard_cell, alice, serial));
    CHECK_FALSE(arbiter.check(keyboard_cell, bob, serial));
    CHECK_FALSE(arbiter.check(keyboard_cell, alice, {serial.value + 1}));
    arbiter.end(keyboard_cell, lease_end::released);
    CHECK_FALSE(arbiter.check(keyboard_cell, alice, serial));
    CHECK_FALSE(arbiter.check(keyboard_cell, {}, arbiter.serial(keyboard_cell)));
}

TEST_CASE("an end tells what ended, once") {
    lease_arbiter<> arbiter{1};
    (void)arbiter.grant(keyboard_cell, request_of(alice, 3), {70});
    const ended first = arbiter.end(keyboard_cell, lease_end::forced);
    REQUIRE(first);
    CHECK(first.owner == lease_party{alice, 3});
    CHECK(first.serial.value == 1);
    CHECK(first.since == instant{70});
    CHECK(first.why == lease_end::forced);
    CHECK_FALSE(arbiter.end(keyboard_cell, lease_end::released));
    CHECK(arbiter.serial(keyboard_cell).value == 2);
    CHECK(arbiter.status(keyboard_cell).last_end == lease_end::forced);
}

TEST_CASE("a grant does not displace an owner, whoever asks") {
    lease_arbiter<> arbiter{1};
    acquire(arbiter, request_of(alice));
    CHECK(arbiter.grant(keyboard_cell, request_of(bob, 9), {1}).error() == refusal::held);
    CHECK(arbiter.grant(keyboard_cell, request_of(alice), {1}).error() == refusal::held);
    CHECK(arbiter.serial(keyboard_cell).value == 1);
}

TEST_CASE("a malformed request is refused and changes nothing") {
    lease_arbiter<> arbiter{1};
    const lease_request nobody;
    CHECK(consider(arbiter, nobody) == plan{step::refuse, refusal::invalid, {}});
    CHECK(arbiter.grant(keyboard_cell, nobody, {1}).error() == refusal::invalid);
    CHECK(arbiter.enqueue(keyboard_cell, nobody).error() == refusal::invalid);
    CHECK(arbiter.begin_ask(keyboard_cell, nobody, {9}).error() == refusal::invalid);
    CHECK(arbiter.serial(keyboard_cell).value == 0);
    CHECK(arbiter.status(keyboard_cell).waiters == 0);
}

TEST_CASE("at the limit a grant is refused and an end still works") {
    const std::uint64_t limit = GENERATE(as<std::uint64_t>{}, 0, 1, 2, 3, 6, 7);
    lease_arbiter<> arbiter{1, {}, limit};
    std::uint64_t leases = 0;
    while (consider(arbiter, request_of(alice)).what == step::grant) {
        REQUIRE(arbiter.grant(keyboard_cell, request_of(alice), {1}));
        // A lease that could not end could not be preempted either.
        const plan challenged = consider(arbiter, request_of(bob, 9));
        CHECK((challenged.what == step::preempt || challenged.why == refusal::exhausted));
        REQUIRE(arbiter.end(keyboard_cell, lease_end::owner_gone));
        ++leases;
    }
    CHECK(leases == limit / 2);
    CHECK(arbiter.serial(keyboard_cell).value == leases * 2);
    CHECK(consider(arbiter, request_of(alice)).why == refusal::exhausted);
    CHECK(arbiter.grant(keyboard_cell, request_of(alice), {1}).error() == refusal::exhausted);
    CHECK(arbiter.serial(keyboard_cell).value == leases * 2);
    CHECK_FALSE(arbiter.owner(keyboard_cell));
}

TEST_CASE("near the limit the owner is not preempted for a grant that would be refused") {
    lease_arbiter<> arbiter{1, {}, 3};
    acquire(arbiter, request_of(alice, 1));
    CHECK(acquire(arbiter, request_of(bob, 2)).why == refusal::exhausted);
    CHECK(acquire(arbiter, waiting(request_of(carol, 1))).why == refusal::exhausted);
    CHECK(arbiter.owner(keyboard_cell) == alice);
}

TEST_CASE("status tells who, how long, and why") {
    lease_arbiter<> arbiter{1};
    lease_request r = living(request_of(alice, 4), duration{100});
    REQUIRE(r.reason.assign("typing a password"));
    (void)arbiter.grant(keyboard_cell, r, {50});
    acquire(arbiter, waiting(request_of(bob)));
    const lease_status s = arbiter.status(keyboard_cell);
    CHECK(s.owner == lease_party{alice, 4});
    CHECK(s.serial.value == 1);
    CHECK(s.since == instant{50});
    CHECK(s.expires == instant{150});
    CHECK(s.ask_deadline == instant::never());
    CHECK(s.waiters == 1);
    CHECK(s.reason.text() == "typing a password");
    arbiter.end(keyboard_cell, lease_end::released);
    CHECK_FALSE(arbiter.status(keyboard_cell).owner.who);
    CHECK(arbiter.status(keyboard_cell).reason.text().empty());
    CHECK(arbiter.status(keyboard_cell).expires == instant::never());
}

TEST_CASE("the cells that somebody holds can be ended while they are listed") {
    lease_arbiter<> arbiter{6};
    for (const std::uint32_t cell : {1U, 2U, 5U}) acquire(arbiter, request_of(alice), {1}, cell);
    acquire(arbiter, request_of(bob), {1}, 3);
    std::vector<std::uint32_t> seen;
    arbiter.for_each_held_by(alice, [&](std::uint32_t cell) {
        seen.push_back(cell);
        arbiter.end(cell, lease_end::owner_gone);
    });
    CHECK(seen == std::vector<std::uint32_t>{1, 2, 5});
    arbiter.for_each_held_by(alice, [](std::uint32_t) { FAIL("nothing is left"); });
    arbiter.for_each_held_by({}, [](std::uint32_t) { FAIL("free cells are nobody's"); });
    CHECK(arbiter.owner(3) == bob);
}

struct stubborn {
    bool gives_way = false;
    ruling decide(const lease_party&, const lease_party&, endpoint_id, lease_class wanted,
                  instant) const {
        const bool yes = gives_way && wanted == lease_class::power;
        return {yes ? ruling_kind::preempt : ruling_kind::refuse, {}};
    }
};

TEST_CASE("a policy of the host is asked with its state and the class, and stays reachable") {
    lease_arbiter<stubborn> arbiter{3};
    acquire(arbiter, request_of(alice), {1}, 0);
    acquire(arbiter, request_of(alice), {1}, 1);
    CHECK(acquire(arbiter, request_of(bob, 9), {1}, 1).why == refusal::held);
    arbiter.policy().gives_way = true;
    CHECK(acquire(arbiter, request_of(bob, 9), {1}, 0).why == refusal::held);
    CHECK(acquire(arbiter, request_of(bob, 9), {1}, 1).what == step::preempt);
}

TEST_CASE("nothing allocates after construction") {
    lease_arbiter<ask_arbitration> arbiter{192};
    std::uint32_t ends = 0;
    const auto allocations = allocations_in([&] {
        for (std::int64_t t = 1; t < 200; ++t) {
            const auto who = control(static_cast<std::uint32_t>(t % 11));
            const auto rank = static_cast<std::uint32_t>(t % 5);
            const auto cell = static_cast<std::uint32_t>(t % 4);
            acquire(arbiter, waiting(request_of(who, rank), {t + 50}), {t}, cell);
            if (t % 7 == 0 && arbiter.end(cell, lease_end::released)) ++ends;
            if (const waiter next = arbiter.take_next_waiter(cell)) {
                (void)arbiter.grant(cell, next.request, {t});
            }
            while (arbiter.expire(cell, {t}).what == due::event::waiter_expired) {}
            arbiter.drop_waiters_of(control(3), [](std::uint32_t, const waiter&) {});
        }
    });
    CHECK(ends > 10);
    CHECK(allocations == 0);
}

TEST_CASE("with the time at hand the fence closes when the time to live is over, told or not") {
    lease_arbiter<> arbiter{1};
    const auto serial = arbiter.grant(keyboard_cell, living(request_of(alice), duration{10}), {5});
    REQUIRE(serial);
    CHECK(arbiter.check(keyboard_cell, alice, *serial, {14}));
    CHECK_FALSE(arbiter.check(keyboard_cell, alice, *serial, {15}));
    CHECK(arbiter.check(keyboard_cell, alice, *serial)); // nobody has asked `expire` yet
    CHECK_FALSE(arbiter.check(keyboard_cell, bob, *serial, {14}));
}

} // namespace
