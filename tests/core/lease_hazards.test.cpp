// Rule: a lease belongs to somebody who is alive, safety events are never dropped, and whoever is
// parked in front of others holds nobody up.
#include "harness.hpp"

#include <memory>

using namespace vmsig;
using namespace vmsig::test;

namespace {

lease_options queued_up() {
    lease_options o;
    o.wait = true;
    return o;
}

} // namespace

// Contract 4: "A dead owner's leases are free in the turn that sees its death".
TEST_CASE("a challenger that is detached while neutral runs gets no lease") {
    bench<> w;
    machine m;
    agent owner, challenger;
    w.bus.attach_adapter(m, w.vm);
    const lease l = w.own(owner, lease_class::input, 1);
    w.join(challenger, full(w.vm, 2));
    REQUIRE(owner.bus.submit(press(l, KEY_A)));
    w.settle();
    const control_handle dead = challenger.bus;
    m.on_neutral = [&] { w.bus.detach(dead.origin()); };
    const auto got = dead.acquire(w.vm, lease_class::input);
    CHECK(got.what == acquire_result::status::refused);
    CHECK_FALSE(w.bus.lease_of(w.vm, lease_class::input).owner.who);
}
// Contract 10: "Narrowing a grant takes effect before the call returns: what is outside it and has
// not begun is gone."
TEST_CASE("a challenger whose right is taken away while neutral runs gets no lease") {
    bench<> w;
    machine m;
    agent owner, challenger;
    w.bus.attach_adapter(m, w.vm);
    const lease l = w.own(owner, lease_class::input, 1);
    w.join(challenger, full(w.vm, 2));
    REQUIRE(owner.bus.submit(press(l, KEY_A)));
    w.settle();
    m.on_neutral = [&] {
        w.bus.set_grant(challenger.bus.origin(), grant{}.on(w.vm).allow(right::observe));
    };
    CHECK_FALSE(challenger.bus.acquire(w.vm, lease_class::input));
    CHECK_FALSE(w.bus.lease_of(w.vm, lease_class::input).owner.who);
}
TEST_CASE("a lease is not granted on an endpoint that is removed while neutral runs") {
    bench<> w;
    machine m;
    agent owner, challenger;
    w.bus.attach_adapter(m, w.vm);
    const lease l = w.own(owner, lease_class::input, 1);
    w.join(challenger, full(w.vm, 2));
    REQUIRE(owner.bus.submit(press(l, KEY_A)));
    w.settle();
    m.on_neutral = [&] { w.bus.remove_endpoint(w.vm); };
    CHECK_FALSE(challenger.bus.acquire(w.vm, lease_class::input));
    w.settle();
    const endpoint_id next = w.bus.add_endpoint("next");
    REQUIRE(next.slot() == w.vm.slot());
    CHECK_FALSE(w.bus.lease_of(next, lease_class::input).owner.who);
    CHECK(challenger.count(kind::lease_granted) == 0);
}

// Contract 4: "`acquire` answers at once: granted(lease), waiting(id), or refused(reason)", and
// says what is so: the adapter failed in neutral, and the lease went to the challenger's own wait.
TEST_CASE("a challenger to whom its own wait brought the lease is not told that it is held") {
    bench<> w;
    machine m;
    agent owner, challenger;
    w.bus.attach_adapter(m, w.vm);
    const lease l = w.own(owner, lease_class::input, 1);
    w.join(challenger, full(w.vm, 0));
    REQUIRE(owner.bus.submit(press(l, KEY_A)));
    w.settle();
    REQUIRE(challenger.bus.acquire(w.vm, lease_class::input, queued_up()).wait);
    w.bus.set_grant(challenger.bus.origin(), full(w.vm, 9));
    m.throws = hook::neutral;
    const auto got = challenger.bus.acquire(w.vm, lease_class::input);
    const bool owns = w.bus.lease_of(w.vm, lease_class::input).owner.who == challenger.bus.origin();
    CHECK(owns == (got.what == acquire_result::status::granted));
}
// Contract 3 (model) and 4: a wait ends by being granted, withdrawn, or told.
TEST_CASE("a wait does not vanish untold when the adapter fails under its challenge") {
    bench<> w;
    machine m;
    agent owner, challenger, other;
    w.bus.attach_adapter(m, w.vm);
    const lease l = w.own(owner, lease_class::input, 1);
    w.join(challenger, full(w.vm, 0));
    w.join(other, full(w.vm, 1));
    REQUIRE(owner.bus.submit(press(l, KEY_A)));
    w.settle();
    REQUIRE(challenger.bus.acquire(w.vm, lease_class::input, queued_up()).wait);
    REQUIRE(other.bus.acquire(w.vm, lease_class::input, queued_up()).wait);
    w.bus.set_grant(challenger.bus.origin(), full(w.vm, 9));
    m.throws = hook::neutral;
    const auto got = challenger.bus.acquire(w.vm, lease_class::input);
    w.settle();
    const auto now = w.bus.lease_of(w.vm, lease_class::input);
    const bool owns = now.owner.who == challenger.bus.origin();
    CHECK((owns || now.waiters == 1 || challenger.count(kind::lease_wait_ended) == 1));
    CHECK((owns == static_cast<bool>(got)));
}

// control/handle.hpp: "Also the early answer to `lease_asked`. No `lease_lost` follows one's own
// release."
TEST_CASE("no lease_lost follows one's own release, also when it answers lease_asked") {
    bench<asking_traits> w;
    agent owner, challenger;
    const lease l = w.own(owner, lease_class::power, 1);
    w.join(challenger, full(w.vm, 2));
    REQUIRE(challenger.bus.acquire(w.vm, lease_class::power).what ==
            acquire_result::status::waiting);
    REQUIRE(owner.count(kind::lease_asked) == 1);
    REQUIRE(owner.bus.release(l) == refusal::none);
    CHECK(owner.count(kind::lease_lost) == 0);
}

// Contract 2: "Lifecycle, lease and epoch events are never dropped". Every lease of the bus changes
// hands as often as somebody waits for it, in one callback of a control with `admin`.
TEST_CASE("no lease event is dropped, however many leases change hands in one callback") {
    bench<> w;
    sensor s;
    w.bus.attach_adapter(s, w.vm);
    std::vector<endpoint_id> vms{w.vm};
    for (const char* name : {"b", "c", "d"}) vms.push_back(w.bus.add_endpoint(name));
    grant all = grant{}.on_every().allow(everything).waiters(64);
    std::vector<std::unique_ptr<agent>> crowd;
    for (int i = 0; i < 6; ++i) w.join(*crowd.emplace_back(std::make_unique<agent>()), all);
    agent& admin = *crowd.front();
    for (const auto& a : crowd)
        for (const endpoint_id vm : vms)
            for (unsigned c = 0; c < lease_class_count; ++c)
                a->bus.acquire(vm, static_cast<lease_class>(c), queued_up());
    w.settle();
    for (const auto& a : crowd) a->log.clear();
    inside(w, admin, s, [&] {
        for (const endpoint_id vm : vms)
            for (unsigned c = 0; c < lease_class_count; ++c)
                for (std::size_t i = 1; i < crowd.size(); ++i)
                    admin.bus.force_release(vm, static_cast<lease_class>(c));
    });
    std::uint64_t lost = 0;
    for (const endpoint_id vm : vms) lost += admin.bus.statistics(vm)->lost_events;
    CHECK(lost == 0);
    CHECK(crowd.back()->count(kind::lease_granted) == 4 * lease_class_count);
    INFO("what folds says for how many changes it stands: an end and a grant for each release");
    std::uint32_t changes = 0;
    for (const lease_changed& c : crowd.back()->all<lease_changed>()) changes += c.count;
    CHECK(changes == vms.size() * lease_class_count * 2 * (crowd.size() - 1));
}
// The same; and who is not told of an epoch can never act in it (`stale_epoch` for ever).
TEST_CASE("grants that toggle in one callback take no safety event from others") {
    bench<> w;
    sensor s;
    host_device h;
    agent a, other;
    w.bus.attach_adapter(s, w.vm);
    w.bus.attach_adapter(h, w.vm);
    w.join(a, full(w.vm));
    w.join(other, full(w.vm));
    const epoch_number before = w.bus.epoch_of(w.vm);
    inside(w, a, s, [&] {
        for (int i = 0; i < 400; ++i)
            w.bus.set_grant(other.bus.origin(),
                            i % 2 ? full(w.vm) : grant{}.on(w.vm).allow(right::observe));
        s.happened(transition::reset);
    });
    REQUIRE(w.bus.epoch_of(w.vm) > before);
    CHECK(a.count(kind::epoch_changed) == 1);
    const auto l = a.bus.acquire(w.vm, lease_class::power);
    REQUIRE(l);
    CHECK(a.bus.submit(power(l.lease, verb::pause).pinned({})).why == refusal::none);
}

// Contract 2: "Inside a lane, controls are served in turn"; invariant I12: "between two services of
// c at most one quantum per other backlogged control".
TEST_CASE("paced controls are served in turn too, whoever was parked first") {
    bench<> w;
    host_device h;
    agent flood, other;
    w.bus.attach_adapter(h, w.vm);
    w.join(flood, full(w.vm));
    w.join(other, full(w.vm));
    w.bus.set_pace(w.vm, command_class::query, milliseconds(10));
    for (int i = 0; i < 100; ++i) REQUIRE(flood.bus.submit(query_status(w.vm)));
    w.settle();
    const auto id = other.bus.submit(query_status(w.vm)).id;
    w.settle();
    int served = 0;
    while (other.outcome_of(id) == outcome::none && served < 200) {
        w.advance(milliseconds(10));
        ++served;
    }
    CHECK(served <= 3);
}

// Contract 4: "time to live"; 3: "all fences are stated at that instant": the turn in which the
// lease is over is not a turn in which its commands begin.
TEST_CASE("nothing begins under a lease in the turn in which its time to live is over") {
    bench<> w;
    machine m;
    agent a;
    w.bus.attach_adapter(m, w.vm);
    w.join(a, full(w.vm));
    lease_options o;
    o.time_to_live = milliseconds(10);
    const lease l = a.bus.acquire(w.vm, lease_class::power, o).lease;
    m.does = habit::leave;
    const auto id = a.bus.submit(power(l, verb::pause)).id;
    w.settle();
    REQUIRE(m.waiting.size() == 1);
    m.when_ready = [&](cookie, adapter_handle b) {
        w.bus.reactor().clear_ready(5);
        if (m.take(m.waiting.front())) b.complete(id);
    };
    REQUIRE(m.bus.watch(5, interest::read, cookie{}).has_value());
    w.bus.reactor().make_ready(5, interest::read);
    w.advance(seconds(3600));
    CHECK(a.outcome_of(id) == outcome::lease_lost);
}

// Contract 3: "When several apply: endpoint_gone > adapter_fault".
TEST_CASE("an adapter that fails while its endpoint is removed does not hide that it is gone") {
    bench<> w;
    machine m;
    agent a;
    w.bus.attach_adapter(m, w.vm);
    const lease l = w.own(a, lease_class::input);
    REQUIRE(a.bus.submit(press(l, KEY_A)));
    w.settle();
    m.does = habit::later;
    const auto id = a.bus.submit(query_status(w.vm)).id;
    w.settle();
    m.throws = hook::neutral;
    w.bus.remove_endpoint(w.vm);
    CHECK(a.outcome_of(id) == outcome::endpoint_gone);
}

// Invariant I11: "at destruction all charges == 0". The wait of a dying control is taken by the
// end of a lease that its own death caused. (Aborts in the destructor of its ledger.)
TEST_CASE("the wait of a dying control is refunded whatever its death sets off") {
    bench<> w;
    machine m;
    host_device h;
    agent owner, dying, next;
    w.bus.attach_adapter(m, w.vm);
    w.own(owner, lease_class::input, 5);
    const lease p = w.own(dying, lease_class::power, 1);
    REQUIRE(dying.bus.acquire(w.vm, lease_class::input, queued_up()).what ==
            acquire_result::status::waiting);
    m.does = habit::leave;
    REQUIRE(dying.bus.submit(power(p, verb::reset)));
    w.settle();
    m.throws = hook::invalidate;
    dying.bus.detach();
    w.settle();
    const auto ends = w.records(decision::lease_wait_ended);
    REQUIRE(ends.size() == w.records(decision::lease_waiting).size());
    CHECK(ends.front().verdict == static_cast<std::uint8_t>(lease_end::owner_gone));
    w.join(next, full(w.vm).waiters(1));
    REQUIRE(next.bus.origin().slot() == dying.bus.origin().slot());
    m.throws = hook::none;
    w.bus.attach_adapter(m, w.vm);
    w.own(owner, lease_class::power, 5);
    CHECK(next.bus.acquire(w.vm, lease_class::power, queued_up()).what ==
          acquire_result::status::waiting);
}

// Contract 4: "A waiter is re-checked when its turn comes (alive, granted)."
namespace {

/// Rules as the test says at the moment.
struct changing_traits : test_traits {
    struct arbitration {
        ruling rules{};
        ruling decide(const lease_party&, const lease_party&, endpoint_id, lease_class,
                      instant) const {
            return rules;
        }
    };
};

/// An owner of the power and two who wait for it.
template <class Traits>
struct queue_of : bench<Traits> {
    host_device host;
    agent owner, first, second;
    lease held;
    wait_id of_first, of_second;
    queue_of() {
        this->bus.attach_adapter(host, this->vm);
        held = this->own(owner, lease_class::power);
        for (agent* one : {&first, &second}) this->join(*one, full(this->vm));
        of_first = first.bus.acquire(this->vm, lease_class::power, queued_up()).wait;
        of_second = second.bus.acquire(this->vm, lease_class::power, queued_up()).wait;
        REQUIRE(of_first);
        REQUIRE(of_second);
        this->settle();
    }
    origin_id now() const { return this->bus.lease_of(this->vm, lease_class::power).owner.who; }
};

} // namespace

TEST_CASE("a waiter whose right goes in the very call that frees the lease does not get it") {
    struct giver { // a control with a queue, which is asked before its waits are ended
        control_handle bus;
        std::function<void()> when_asked;
        std::vector<lease_wait_ended> told;
        int granted = 0;
        ~giver() { bus.detach(); }
        void on_event(const event& e, control_handle) {
            if (e.is(kind::lease_granted)) ++granted;
            if (const auto* w = e.as<lease_wait_ended>()) told.push_back(*w);
        }
        void take_back(const grant&) {
            if (when_asked) when_asked();
        }
    } waits;
    bench<> w;
    agent owner;
    const lease held = w.own(owner, lease_class::power);
    waits.bus = w.bus.attach(waits, full(w.vm));
    w.settle();
    REQUIRE(waits.bus.acquire(w.vm, lease_class::power, queued_up()).wait);
    waits.when_asked = [&] { CHECK(owner.bus.release(held) == refusal::none); };
    w.bus.set_grant(waits.bus.origin(), grant{}.on(w.vm).allow(right::observe));
    waits.when_asked = {};
    CHECK_FALSE(w.bus.lease_of(w.vm, lease_class::power).owner.who);
    CHECK(waits.granted == 0);
    REQUIRE(waits.told.size() == 1);
    CHECK(waits.told.front().why == lease_end::revoked);
}

TEST_CASE("a waiter is told that the counter is exhausted when its turn comes") {
    bench<seven_traits> w;
    agent owner, first, second;
    const lease before = w.own(owner, lease_class::power); // of three that the cell can grant
    REQUIRE(owner.bus.release(before) == refusal::none);
    const lease held = w.own(owner, lease_class::power);
    for (agent* one : {&first, &second}) {
        w.join(*one, full(w.vm));
        REQUIRE(one->bus.acquire(w.vm, lease_class::power, queued_up()).wait);
    }
    REQUIRE(owner.bus.release(held) == refusal::none);
    w.settle();
    REQUIRE(first.bus.release(first.last<lease_granted>()) == refusal::none);
    w.settle();
    CHECK_FALSE(w.bus.lease_of(w.vm, lease_class::power).owner.who);
    CHECK(second.count(kind::lease_granted) == 0);
    CHECK(second.last<lease_wait_ended>().why == lease_end::exhausted);
}

TEST_CASE("a waiter without room in the audit is passed over for the next") {
    queue_of<fail_closed_traits> w;
    while (w.first.bus.submit(query_status(w.vm).delayed(seconds(9)))) {}
    REQUIRE(w.owner.bus.release(w.held) == refusal::none);
    w.settle();
    CHECK(w.now() == w.second.bus.origin());
    CHECK(w.first.count(kind::lease_granted) == 0);
    CHECK(w.first.last<lease_wait_ended>().why == lease_end::exhausted);
}

TEST_CASE(
    "who still waits when the lease is handed on asks the new owner, if the policy lets him") {
    queue_of<changing_traits> w;
    w.bus.arbitration().rules = {ruling_kind::ask, w.bus.now() + seconds(1)};
    REQUIRE(w.owner.bus.release(w.held) == refusal::none);
    w.settle();
    CHECK(w.now() == w.first.bus.origin());
    REQUIRE(w.first.count(kind::lease_asked) == 1);
    w.bus.arbitration().rules = {};
    w.advance(seconds(1));
    CHECK(w.now() == w.second.bus.origin());
    CHECK(w.first.last<lease_lost>().why == lease_end::preempted);
    CHECK(w.second.last<lease_granted>().wait == w.of_second);
}

TEST_CASE(
    "who still waits when the lease is handed on preempts the new owner, if the policy says so") {
    queue_of<changing_traits> w;
    w.bus.arbitration().rules = {ruling_kind::preempt, {}};
    REQUIRE(w.owner.bus.release(w.held) == refusal::none);
    w.settle();
    CHECK(w.now() == w.second.bus.origin());
    CHECK(w.first.count(kind::lease_granted) == 1);
    CHECK(w.first.last<lease_lost>().why == lease_end::preempted);
    CHECK(w.second.last<lease_granted>().wait == w.of_second);
}
