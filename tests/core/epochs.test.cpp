// Rule: what destroys a VM's memory or CPU state raises its epoch, once, in the turn that sees it.
// Nothing of the old epoch acts any more; leases and waits survive unless the policy ends them.
#include "harness.hpp"

using namespace vmsig;
using namespace vmsig::test;

namespace {

struct ending_policy : rank_arbitration {
    static constexpr bool ends_with_epoch = true;
};
struct ending_traits : test_traits {
    using arbitration = ending_policy;
};

template <class Traits = test_traits>
struct running : bench<Traits> {
    agent a, b;
    machine m;
    lease host, keys;
    running() {
        m.republishes = true;
        this->bus.attach_adapter(m, this->vm);
        host = this->own(a, lease_class::power);
        keys = this->own(a, lease_class::input);
        this->join(b, full(this->vm));
        m.bus.publish(now());
        this->settle();
        clear();
    }
    void clear() {
        a.log.clear();
        b.log.clear();
        m.invalidated.clear();
    }
    epoch_number now() { return this->bus.epoch_of(this->vm); }
    void happens(transition t, cause c = cause::guest) {
        m.bus.emit(lifecycle{t, c, vm_state::unknown, 0});
    }
    correlation_id submit(const command& c) {
        const auto s = a.bus.submit(c);
        REQUIRE(s.why == refusal::none);
        return s.id;
    }
};

} // namespace

TEST_CASE("each destructive transition raises the epoch, the others do not") {
    running w;
    std::uint64_t epoch = w.now().value;
    for (const transition t :
         {transition::started, transition::paused, transition::resumed, transition::crashed,
          transition::reset, transition::restored, transition::migrated_in, transition::powered_off,
          transition::memory_replaced}) {
        w.clear();
        w.happens(t);
        epoch += destructive(t) ? 1 : 0;
        CHECK(w.now().value == epoch);
        CHECK(w.b.count(kind::epoch_changed) == (destructive(t) ? 1u : 0u));
        CHECK(w.b.last<lifecycle>().what == t);
        CHECK(w.b.last<lifecycle>().state == w.bus.state_of(w.vm));
    }
}

TEST_CASE("a reset: invalidation, epoch notice, provider asked, in the same turn and order") {
    running w;
    const epoch_number last = w.now();
    w.happens(transition::reset, cause::watchdog);
    const std::vector<kind> expected{kind::memctx_invalidated, kind::epoch_changed,
                                     kind::memctx_published, kind::lifecycle};
    CHECK(w.b.kinds() == expected);
    CHECK(w.b.last<memctx_invalidated>().last == last);
    CHECK(w.b.last<epoch_changed>().cause == cause::watchdog);
    CHECK(w.m.invalidated == std::vector{w.now()});
    CHECK(w.records(decision::epoch_raised).size() == 1);
}

TEST_CASE("fenced commands of the old epoch end stale, power verbs do not unless they ask") {
    running w;
    const auto key = w.submit(press(w.keys, KEY_A).delayed(seconds(1)));
    const auto read = w.submit(read_memory(w.vm, {0, 0}, 8).delayed(seconds(1)));
    const auto plain = w.submit(power(w.host, verb::pause).delayed(seconds(1)));
    const auto pinned = w.submit(power(w.host, verb::resume).pinned(w.now()).delayed(seconds(1)));
    w.happens(transition::reset);
    CHECK(w.a.outcome_of(key) == outcome::stale_epoch);
    CHECK(w.a.outcome_of(read) == outcome::stale_epoch);
    CHECK(w.a.outcome_of(pinned) == outcome::stale_epoch);
    w.advance(seconds(1));
    CHECK(w.a.outcome_of(plain) == outcome::done);
}

TEST_CASE("leases and waits survive an epoch") {
    running w;
    lease_options o;
    o.wait = true;
    REQUIRE(w.b.bus.acquire(w.vm, lease_class::input, o).what == acquire_result::status::waiting);
    w.happens(transition::reset);
    CHECK(w.bus.lease_of(w.vm, lease_class::input).serial == w.keys.serial);
    CHECK(w.bus.lease_of(w.vm, lease_class::input).waiters == 1);
    CHECK(w.bus.lease_of(w.vm, lease_class::power).serial == w.host.serial);
    CHECK(w.a.count(kind::lease_lost) == 0);
}

TEST_CASE("a policy can end leases with the epoch, and a commanded reset still goes through") {
    running<ending_traits> w;
    w.happens(transition::reset);
    CHECK(w.a.all<lease_lost>().size() == 2);
    CHECK(w.a.last<lease_lost>().why == lease_end::epoch);
    w.host = w.own(w.a, lease_class::power);
    w.keys = w.own(w.a, lease_class::input);
    const auto id = w.submit(power(w.host, verb::reset));
    w.settle();
    CHECK(w.a.outcome_of(id) == outcome::done);
    CHECK(w.a.all<lease_lost>().size() == 2);
    CHECK_FALSE(w.bus.lease_of(w.vm, lease_class::power).owner.who);
}

TEST_CASE("a commanded reset raises once, however often the adapter tells it") {
    running w;
    const std::uint64_t before = w.now().value;
    w.m.on_execute = [&](fenced_command c, adapter_handle bus) {
        CHECK(w.now().value == before + 1);
        CHECK(w.b.count(kind::memctx_invalidated) == 1);
        CHECK(w.b.count(kind::epoch_changed) == 1);
        REQUIRE(w.m.take(c));
        CHECK(w.m.executed.back().what.epoch.value == before + 1);
        for (int i = 0; i < 3; ++i) bus.emit(lifecycle{transition::reset, cause::host, {}, 0});
        bus.complete(c.id());
    };
    const auto id = w.submit(power(w.host, verb::reset));
    CHECK(w.now().value == before);
    w.settle();
    CHECK(w.a.outcome_of(id) == outcome::done);
    CHECK(w.now().value == before + 1);
    w.happens(transition::reset);
    CHECK(w.now().value == before + 2);
}

TEST_CASE("until the command completes, later, the adapter's resets raise nothing more") {
    running w;
    w.m.does = habit::later;
    const std::uint64_t before = w.now().value;
    w.submit(power(w.host, verb::reset));
    w.settle();
    w.happens(transition::reset, cause::host);
    CHECK(w.now().value == before + 1);
    w.m.bus.complete(w.m.last_id());
    w.happens(transition::reset);
    CHECK(w.now().value == before + 2);
}

TEST_CASE("a commanded reset that fails keeps the epoch raised and asks the provider") {
    running w;
    w.m.does = habit::fail;
    const std::uint64_t before = w.now().value;
    const auto id = w.submit(power(w.host, verb::reset));
    w.settle();
    CHECK(w.a.outcome_of(id) == outcome::failed);
    CHECK(w.now().value == before + 1);
    CHECK(w.m.invalidated.size() == 2);
    CHECK(w.b.last<memctx_published>().version.value >= 1);
}

TEST_CASE("a guest's own reset before a commanded one that is not done raises the epoch") {
    for (const bool cancelled : {true, false}) {
        running w;
        const lease memory = w.own(w.a, lease_class::memwrite);
        w.m.does = cancelled ? habit::leave : habit::later;
        const std::uint64_t before = w.now().value;
        const auto id = w.submit(power(w.host, verb::reset));
        w.settle();
        const auto derived = w.submit(store(memory, {0x1000, 0}, 1).pinned(w.now()));
        w.happens(transition::powered_off, cause::watchdog);
        CHECK(w.now().value == before + 1);
        w.m.does = habit::complete;
        if (cancelled)
            REQUIRE(w.a.bus.cancel(id) == cancel_result::cancelled);
        else
            w.m.bus.complete(id, completion::failed(failure::io, EIO));
        w.settle();
        CHECK(w.now().value == before + 2);
        CHECK(w.b.last<epoch_changed>().what == transition::powered_off);
        CHECK(w.b.last<epoch_changed>().cause == cause::watchdog);
        CHECK(w.m.invalidated.back() == w.now());
        CHECK(w.a.outcome_of(id) == (cancelled ? outcome::cancelled : outcome::failed));
        CHECK(w.a.outcome_of(derived) == outcome::stale_epoch);
        w.happens(transition::reset);
        CHECK(w.now().value == before + 3);
    }
}

TEST_CASE("while a commanded reset is under way nothing that is fenced by epoch begins") {
    running w;
    const lease memory = w.own(w.a, lease_class::memwrite);
    w.m.does = habit::later;
    const auto reset = w.submit(power(w.host, verb::reset));
    w.settle();
    REQUIRE(w.m.bus.publish(w.now()));
    w.settle();
    w.m.does = habit::complete;
    const std::size_t begun = w.m.executed.size();
    const correlation_id fenced[] = {w.submit(store(memory, {0x1000, 0}, 1)),
                                     w.submit(read_memory(w.vm, {0x1000, 0}, 8)),
                                     w.submit(press(w.keys, KEY_A))};
    const auto query = w.submit(query_status(w.vm));
    w.settle();
    for (const correlation_id id : fenced) CHECK(w.a.outcome_of(id) == outcome::none);
    CHECK(w.a.outcome_of(query) == outcome::done);
    CHECK(w.m.executed.size() == begun + 1);
    w.m.bus.complete(reset);
    w.settle();
    CHECK(w.a.outcome_of(reset) == outcome::done);
    for (const correlation_id id : fenced) CHECK(w.a.outcome_of(id) == outcome::done);
}

TEST_CASE("a commanded reset pinned to its epoch is re-fenced, one of an older epoch is not") {
    running w;
    const auto first = w.submit(power(w.host, verb::reset).pinned(w.now()));
    const auto second = w.submit(power(w.host, verb::reset).pinned(w.now()));
    w.settle();
    CHECK(w.a.outcome_of(first) == outcome::done);
    CHECK(w.a.outcome_of(second) == outcome::stale_epoch);
}

TEST_CASE("a control that is told of the raise may cancel the very reset, or leave, or reset") {
    for (const int what : {0, 1, 2, 3}) {
        running w;
        correlation_id id;
        w.b.script = [&](const event& e, control_handle) {
            if (!e.is(kind::epoch_changed)) return;
            if (what == 0) w.a.bus.cancel(id);
            if (what == 1) w.a.bus.detach();
            if (what == 2) w.bus.remove_endpoint(w.vm);
            if (what == 3) w.bus.detach(w.m.bus.id());
        };
        id = w.submit(power(w.host, verb::reset));
        w.settle();
        CHECK(w.m.executed.empty());
        if (what == 0) CHECK(w.a.outcome_of(id) == outcome::cancelled);
        if (what == 2) CHECK(w.a.outcome_of(id) == outcome::endpoint_gone);
        if (what == 3) CHECK(w.a.outcome_of(id) == outcome::adapter_fault);
        int ended = 0;
        for (const audit_record& r : w.records(decision::command_ended))
            ended += r.correlation == id ? 1 : 0;
        CHECK(ended == 1);
    }
}

TEST_CASE("a second raise inside the notice of the first is a notice of its own to everybody") {
    running w;
    bool again = true;
    w.b.script = [&](const event& e, control_handle) {
        if (e.is(kind::epoch_changed) && std::exchange(again, false)) {
            const epoch_number told = e.epoch;
            w.happens(transition::reset);
            CHECK(e.epoch == told); // the event in hand does not change
        }
    };
    w.happens(transition::reset);
    w.settle();
    for (const agent* one : {&w.a, &w.b}) {
        std::vector<event> notices;
        for (const event& e : one->log)
            if (e.is(kind::epoch_changed)) notices.push_back(e);
        REQUIRE(notices.size() == 2);
        CHECK(notices.back().epoch == w.now());
    }
    CHECK(w.a.bus.submit(press(w.keys, KEY_A)));
}

TEST_CASE("a storm of resets folds, and the operator's power verbs still work") {
    running w;
    sensor s;
    w.bus.attach_adapter(s, w.vm);
    correlation_id id;
    inside(w, w.b, s, [&] {
        for (int i = 0; i < 1000; ++i) {
            w.happens(transition::reset);
            if (i == 500) id = w.submit(power(w.host, verb::power_off));
        }
    });
    CHECK(w.a.count(kind::epoch_changed) <= 2);
    CHECK(w.a.count(kind::memctx_published) <= 2);
    CHECK(w.a.outcome_of(id) == outcome::done);
    CHECK(w.a.last<epoch_changed>().count <= 1001);
}

TEST_CASE("who starts while a raise is on its way is told of the next one") {
    running w;
    sensor s;
    w.bus.attach_adapter(s, w.vm);
    agent late;
    w.b.script = [&](const event& e, control_handle) {
        // Its snapshot waits behind this; so does the notice of the second raise.
        if (e.is(kind::replay_begin)) w.happens(transition::reset);
    };
    late.script = [&](const event& e, control_handle) {
        if (e.is(kind::replay_begin)) w.happens(transition::reset);
    };
    late.bus = w.bus.attach(late, full(w.vm));
    w.settle();
    CHECK(late.log.back().epoch == w.now());
    CHECK(late.bus.submit(read_memory(w.vm, {0, 0}, 8)));
}

TEST_CASE("at its limit an endpoint is exhausted: nothing fenced is current any more") {
    running<seven_traits> w;
    while (w.now().value < 7) w.happens(transition::reset);
    CHECK(w.a.bus.submit(press(w.keys, KEY_A)));
    w.settle();
    const auto late = w.submit(press(w.keys, KEY_B).delayed(seconds(1)));
    w.happens(transition::reset);
    CHECK(w.now().value == 7);
    CHECK(w.a.outcome_of(late) == outcome::stale_epoch);
    CHECK(w.a.bus.submit(press(w.keys, KEY_A)).why == refusal::exhausted);
    const auto reset = w.submit(power(w.host, verb::reset));
    const auto pause = w.submit(power(w.host, verb::pause));
    w.settle();
    CHECK(w.a.outcome_of(reset) == outcome::failed);
    CHECK(w.a.outcome_of(pause) == outcome::done);
    CHECK_FALSE(w.m.bus.publish(w.now()));
}

TEST_CASE("an adapter that throws when asked to publish again is quarantined, the raise goes on") {
    running w;
    w.m.throws = hook::invalidate;
    const auto id = w.submit(power(w.host, verb::pause).delayed(seconds(1)));
    w.happens(transition::reset);
    w.settle();
    CHECK(w.m.farewells == 1);
    CHECK(w.b.count(kind::epoch_changed) == 1);
    CHECK(w.a.outcome_of(id) == outcome::adapter_fault);
    CHECK_FALSE(w.bus.lease_of(w.vm, lease_class::power).owner.who);
}
