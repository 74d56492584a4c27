// Rule: at most one owner per (endpoint, class); however a lease ends, what was under it is decided
// and told before anything reaches the next owner.
#include "harness.hpp"

using namespace vmsig;
using namespace vmsig::test;

namespace {

using status = acquire_result::status;
const duration ms1 = milliseconds(1);

lease_options waiting(duration most = {}) {
    lease_options o;
    o.wait = true;
    o.wait_for = most;
    return o;
}
lease_options living(duration time_to_live) {
    lease_options o;
    o.time_to_live = time_to_live;
    return o;
}
lease_options because(std::string_view reason) {
    lease_options o;
    o.reason = reason;
    return o;
}

template <class Traits = test_traits>
struct crowd : bench<Traits> {
    agent low, high, third;
    machine m;
    crowd() {
        this->bus.attach_adapter(m, this->vm);
        this->join(low, full(this->vm, 1));
        this->join(high, full(this->vm, 9));
        this->join(third, full(this->vm, 5));
        m.executed.clear();
    }
    acquire_result ask(agent& a, lease_options o = {}, lease_class c = lease_class::power) {
        return a.bus.acquire(this->vm, c, o);
    }
    lease get(agent& a, lease_options o = {}, lease_class c = lease_class::power) {
        const auto got = ask(a, o, c);
        REQUIRE(got.what == status::granted);
        return got.lease;
    }
    lease_status now(lease_class c = lease_class::power) { return this->bus.lease_of(this->vm, c); }
    void clear() {
        for (agent* a : {&low, &high, &third}) a->log.clear();
    }
};

} // namespace

TEST_CASE("a free lease is granted at once, and told to its owner and to observers") {
    crowd w;
    const lease l = w.get(w.low);
    CHECK(w.low.last<lease_granted>().serial == l.serial);
    CHECK(w.high.last<lease_changed>().holder == w.low.bus.origin());
    CHECK(w.now().owner.who == w.low.bus.origin());
    CHECK(w.records(decision::lease_granted).size() == 1);
}

TEST_CASE("acquiring what one holds keeps the serial") {
    crowd w;
    const lease l = w.get(w.low);
    CHECK(w.get(w.low).serial == l.serial);
    CHECK(w.low.count(kind::lease_granted) == 1);
}

TEST_CASE("not a higher rank: held, and who and since when only to those who observe") {
    crowd w;
    w.get(w.high);
    const auto told = w.ask(w.low);
    CHECK(told.why == refusal::held);
    CHECK(told.holder == w.high.bus.origin());
    CHECK(told.since == w.bus.now());
    agent blind;
    w.join(blind, grant{}.on(w.vm).allow(right::power));
    const auto hidden = w.ask(blind);
    CHECK(hidden.why == refusal::held);
    CHECK_FALSE(hidden.holder);
    CHECK_FALSE(hidden.since);
    agent equal;
    w.join(equal, full(w.vm, 9));
    CHECK(w.ask(equal).why == refusal::held);
}

TEST_CASE("a higher rank preempts: receipts first, then the loss, then the grant") {
    crowd w;
    const lease l = w.get(w.low);
    const auto id = w.low.bus.submit(power(l, verb::pause)).id;
    std::vector<std::string> order;
    w.low.script = [&](const event& e, control_handle) {
        if (e.is(kind::receipt)) order.push_back("receipt");
        if (e.is(kind::lease_lost)) order.push_back("lost");
    };
    w.high.script = [&](const event& e, control_handle) {
        if (e.is(kind::lease_granted)) order.push_back("granted");
    };
    const lease next = w.get(w.high);
    CHECK(order == std::vector<std::string>{"receipt", "lost", "granted"});
    CHECK(w.low.outcome_of(id) == outcome::lease_lost);
    CHECK(w.low.last<lease_lost>().why == lease_end::preempted);
    CHECK(next.serial > l.serial);
    CHECK(w.low.bus.submit(power(l, verb::pause)).why == refusal::not_holder);
    w.settle();
    CHECK(w.m.executed.empty());
}

TEST_CASE("a cell keeps the rank of the acquisition, whatever the owner's grant becomes") {
    crowd w;
    w.get(w.third);
    w.bus.set_grant(w.third.bus.origin(), full(w.vm, 0));
    CHECK(w.ask(w.low).why == refusal::held);
    w.bus.set_grant(w.third.bus.origin(), full(w.vm, 99));
    CHECK(w.ask(w.high).what == status::granted);
}

TEST_CASE("release is idempotent: twice, stale, or not one's own changes nothing") {
    crowd w;
    const lease l = w.get(w.low);
    CHECK(w.high.bus.release(l) == refusal::not_holder);
    CHECK(w.now().owner.who == w.low.bus.origin());
    CHECK(w.low.bus.release(l) == refusal::none);
    CHECK(w.low.count(kind::lease_lost) == 0);
    const std::size_t records = w.records().size();
    CHECK(w.low.bus.release(l) == refusal::not_holder);
    CHECK(w.low.bus.release({w.vm, l.serial, static_cast<lease_class>(7)}) == refusal::not_holder);
    CHECK(w.low.bus.release({endpoint_id::make(3, 3), l.serial, l.lease_class}) ==
          refusal::not_holder);
    CHECK(w.records().size() == records);
    const lease again = w.get(w.low);
    CHECK(again.serial > l.serial);
    CHECK(w.low.bus.release(l) == refusal::not_holder);
    CHECK(w.now().owner.who == w.low.bus.origin());
}

TEST_CASE("one who waits is next when the owner lets go") {
    crowd w;
    const lease l = w.get(w.high);
    const auto first = w.ask(w.low, waiting());
    REQUIRE(first.what == status::waiting);
    CHECK(w.ask(w.low, waiting()).wait == first.wait);
    const auto second = w.ask(w.third, waiting());
    REQUIRE(second.what == status::waiting);
    CHECK(w.low.bus.status(w.vm, lease_class::power)->waiters == 2);
    w.high.bus.release(l);
    CHECK(w.now().owner.who == w.third.bus.origin()); // the higher rank goes first
    CHECK(w.third.last<lease_granted>().wait == second.wait);
    w.third.bus.release({w.vm, w.now().serial, lease_class::power});
    CHECK(w.now().owner.who == w.low.bus.origin());
}

TEST_CASE("a waiter is checked again when its turn comes: dead or no longer granted, the next") {
    crowd w;
    const lease l = w.get(w.high);
    REQUIRE(w.ask(w.third, waiting()).what == status::waiting);
    REQUIRE(w.ask(w.low, waiting()).what == status::waiting);
    w.bus.set_grant(w.third.bus.origin(), grant{}.on(w.vm).allow(right::observe));
    CHECK(w.third.last<lease_wait_ended>().why == lease_end::revoked);
    w.high.bus.release(l);
    CHECK(w.now().owner.who == w.low.bus.origin());
    REQUIRE(w.ask(w.third, waiting()).why == refusal::denied);
    REQUIRE(w.ask(w.high).what == status::granted);
    REQUIRE(w.ask(w.low, waiting()).what == status::waiting);
    w.low.bus.detach();
    w.high.bus.release({w.vm, w.now().serial, lease_class::power});
    CHECK_FALSE(w.now().owner.who);
    CHECK(w.low.count(kind::lease_wait_ended) == 0);
}

TEST_CASE("a wait ends at its deadline, or when it is withdrawn") {
    crowd w;
    w.get(w.high);
    const auto timed = w.ask(w.low, waiting(milliseconds(5)));
    REQUIRE(timed.what == status::waiting);
    w.advance(milliseconds(5));
    CHECK(w.low.last<lease_wait_ended>().why == lease_end::expired);
    CHECK(w.low.last<lease_wait_ended>().wait == timed.wait);
    const auto other = w.ask(w.low, waiting());
    CHECK(w.third.bus.withdraw(other.wait) == refusal::invalid);
    CHECK(w.low.bus.withdraw(other.wait) == refusal::none);
    CHECK(w.low.last<lease_wait_ended>().why == lease_end::cancelled);
    CHECK(w.low.bus.withdraw(other.wait) == refusal::invalid);
    CHECK(w.low.bus.withdraw({}) == refusal::invalid);
    CHECK(w.now().waiters == 0);
}

TEST_CASE("waits are charged to their control") {
    crowd w;
    w.get(w.high);
    w.get(w.high, {}, lease_class::input);
    w.bus.set_grant(w.low.bus.origin(), full(w.vm).waiters(1));
    REQUIRE(w.ask(w.low, waiting()).what == status::waiting);
    const auto over = w.ask(w.low, waiting(), lease_class::input);
    CHECK(over.why == refusal::busy);
    CHECK(w.ask(w.low, waiting()).what == status::waiting); // the same wait
}

TEST_CASE("a time to live expires unless it is renewed, and the serial is kept") {
    crowd w;
    const lease l = w.get(w.low, living(milliseconds(10)));
    w.advance(milliseconds(9));
    CHECK(w.low.bus.renew(l, milliseconds(10)) == refusal::none);
    w.advance(milliseconds(9));
    CHECK(w.now().serial == l.serial);
    CHECK(w.low.bus.renew(l, duration{-1}) == refusal::invalid);
    CHECK(w.high.bus.renew(l, ms1) == refusal::not_holder);
    w.advance(ms1);
    CHECK_FALSE(w.now().owner.who);
    CHECK(w.low.last<lease_lost>().why == lease_end::expired);
    CHECK(w.low.bus.renew(l, ms1) == refusal::not_holder);
}

TEST_CASE("acquiring again with a time to live renews") {
    crowd w;
    const lease l = w.get(w.low, living(milliseconds(10)));
    w.advance(milliseconds(9));
    CHECK(w.get(w.low, living(milliseconds(10))).serial == l.serial);
    w.advance(milliseconds(9));
    CHECK(w.now().owner.who);
}

TEST_CASE("nonsense is invalid, and what is not allowed is denied") {
    crowd w;
    CHECK(w.ask(w.low, {}, static_cast<lease_class>(9)).why == refusal::invalid);
    CHECK(w.ask(w.low, waiting(duration{-1})).why == refusal::invalid);
    CHECK(w.ask(w.low, living(duration{-1})).why == refusal::invalid);
    agent no;
    w.join(no, grant{}.on(w.vm).allow(right::observe));
    CHECK(w.ask(no).why == refusal::denied);
    CHECK(w.records(decision::lease_refused).size() == 4);
}

TEST_CASE("the reason of the owner is shown to observers and refused when too long") {
    crowd w;
    const std::string reason(max_lease_reason_bytes, 'r');
    CHECK(w.ask(w.low, because(reason + "r")).why == refusal::invalid);
    w.get(w.low, because(reason));
    const auto seen = w.high.bus.status(w.vm, lease_class::power);
    REQUIRE(seen.has_value());
    CHECK(std::string{seen->reason.data()} == std::string(max_lease_reason_bytes, 'r'));
    CHECK(seen->holder == w.low.bus.origin());
}

TEST_CASE("asked: the owner may let go early, and is preempted at the deadline whatever it does") {
    crowd<asking_traits> w;
    const lease l = w.get(w.low);
    REQUIRE(w.ask(w.high).what == status::waiting);
    CHECK(w.low.last<lease_asked>().serial == l.serial);
    CHECK(w.low.log.back().deadline == w.bus.now() + seconds(5));
    w.advance(seconds(4));
    CHECK(w.now().owner.who == w.low.bus.origin());
    w.advance(seconds(1));
    CHECK(w.now().owner.who == w.high.bus.origin());
    CHECK(w.low.last<lease_lost>().why == lease_end::preempted);

    w.high.bus.release({w.vm, w.now().serial, lease_class::power});
    const lease again = w.get(w.low);
    REQUIRE(w.ask(w.high).what == status::waiting);
    CHECK(w.low.bus.release(again) == refusal::none);
    CHECK(w.now().owner.who == w.high.bus.origin());
}

TEST_CASE("a challenger that dies or withdraws in the grace period leaves the owner alone") {
    crowd<asking_traits> w;
    w.get(w.low);
    const auto asked = w.ask(w.high);
    w.high.bus.withdraw(asked.wait);
    REQUIRE(w.ask(w.third).what == status::waiting);
    w.third.bus.detach();
    w.advance(seconds(60));
    CHECK(w.now().owner.who == w.low.bus.origin());
}

TEST_CASE("force-release: by the host, and by a control with admin only") {
    crowd w;
    const lease l = w.get(w.low);
    agent plain;
    w.join(plain, grant{}.on(w.vm).allow(right::observe | right::power));
    CHECK(plain.bus.force_release(w.vm, lease_class::power) == refusal::denied);
    CHECK(w.now().serial == l.serial);
    CHECK(w.high.bus.force_release(w.vm, lease_class::power) == refusal::none);
    CHECK(w.low.last<lease_lost>().why == lease_end::forced);
    w.get(w.low);
    w.bus.force_release(w.vm, lease_class::power);
    CHECK_FALSE(w.now().owner.who);
    CHECK(w.records(decision::lease_forced).size() == 3);
}

TEST_CASE("a dead owner's leases are free in the same call, its waits are gone") {
    crowd w;
    w.get(w.low);
    w.get(w.low, {}, lease_class::input);
    REQUIRE(w.ask(w.third, waiting(), lease_class::input).what == status::granted);
    REQUIRE(w.ask(w.low, waiting(), lease_class::input).what == status::waiting);
    w.low.bus.detach();
    CHECK_FALSE(w.now().owner.who);
    CHECK(w.now(lease_class::input).waiters == 0);
    CHECK(w.records(decision::lease_ended).back().verdict ==
          static_cast<std::uint8_t>(lease_end::owner_gone));
}

TEST_CASE("a command begun under the old lease drains before the next owner's is executed") {
    crowd w;
    w.m.does = habit::later;
    const lease l = w.get(w.low);
    const auto old = w.low.bus.submit(power(l, verb::pause)).id;
    w.settle();
    const lease next = w.get(w.high);
    const auto fresh = w.high.bus.submit(power(next, verb::resume)).id;
    const auto query = w.high.bus.submit(query_status(w.vm)).id;
    w.settle();
    CHECK(w.m.executed.size() == 2);
    CHECK(w.m.executed.back().id == query);
    w.m.bus.complete(old);
    w.settle();
    CHECK(w.low.outcome_of(old) == outcome::done);
    CHECK(w.m.executed.back().id == fresh);
}

TEST_CASE("an adapter that does not complete it by the drain deadline is quarantined") {
    crowd w;
    w.bus.set_drain_deadline(milliseconds(20));
    w.m.does = habit::later;
    const lease l = w.get(w.low);
    const auto old = w.low.bus.submit(power(l, verb::pause)).id;
    w.settle();
    w.low.bus.release(l);
    w.advance(milliseconds(19));
    CHECK(w.m.farewells == 0);
    w.advance(ms1);
    CHECK(w.m.farewells == 1);
    CHECK(w.low.outcome_of(old) == outcome::adapter_fault);
    CHECK(w.high.last<adapter_detached>().fault == 1);
    CHECK(w.records(decision::adapter_quarantined).size() == 1);
}

TEST_CASE("at the limit of its serial a cell is exhausted, and what is held is still released") {
    crowd<seven_traits> w;
    int granted = 0;
    acquire_result got;
    while ((got = w.ask(w.low)) && granted < 20) {
        ++granted;
        CHECK(w.low.bus.release(got.lease) == refusal::none);
    }
    CHECK(granted == 3);
    CHECK(got.why == refusal::exhausted);
    CHECK(w.ask(w.low, {}, lease_class::input).what == status::granted);
}

TEST_CASE("in a callback a loop of acquire and release cannot exhaust the room for safety") {
    crowd w;
    sensor s;
    w.bus.attach_adapter(s, w.vm);
    w.settle();
    refusal last = refusal::none;
    inside(w, w.low, s, [&] {
        for (int i = 0; i < 1000 && last == refusal::none; ++i) {
            const auto got = w.ask(w.low);
            last = got.why;
            if (got) w.low.bus.release(got.lease);
        }
        s.happened(transition::reset);
    });
    CHECK(last == refusal::busy);
    CHECK(w.high.count(kind::epoch_changed) == 1);
    CHECK_FALSE(w.now().owner.who);
    CHECK(w.get(w.low).serial);
}

TEST_CASE("one who waits and then gets the lease by rank waits no longer") {
    crowd w;
    w.get(w.third);
    const auto waits = w.ask(w.low, waiting());
    REQUIRE(waits.what == status::waiting);
    w.bus.set_grant(w.low.bus.origin(), full(w.vm, 50).waiters(1));
    w.get(w.low);
    CHECK(w.low.last<lease_granted>().wait == waits.wait);
    CHECK(w.now().waiters == 0);
    w.get(w.high, {}, lease_class::input);
    w.bus.set_grant(w.low.bus.origin(), full(w.vm, 1).waiters(1));
    CHECK(w.ask(w.low, waiting(), lease_class::input).what == status::waiting);
}
