// Rule: each check counts by itself: what another check usually covers is shown here alone.
#include "harness.hpp"

#include <array>
#include <memory>

using namespace vmsig;
using namespace vmsig::test;

namespace {

struct held : bench<> {
    machine m;
    agent a;
    lease l;
    explicit held(lease_class c) {
        bus.attach_adapter(m, vm);
        l = own(a, c);
    }
};

/// Remembers what it was asked, and rules as it is told.
struct recording_traits : test_traits {
    struct arbitration {
        struct question {
            lease_party owner, challenger;
            endpoint_id at;
            lease_class wanted;
            instant now;
        };
        std::vector<question>* asked = nullptr;
        ruling rules{};
        ruling decide(const lease_party& owner, const lease_party& challenger, endpoint_id at,
                      lease_class wanted, instant now) const {
            if (asked) asked->push_back({owner, challenger, at, wanted, now});
            return rules;
        }
    };
};

} // namespace

TEST_CASE("a command is taken once, however often its adapter asks") {
    held w{lease_class::power};
    w.m.does = habit::leave;
    const auto id = w.a.bus.submit(power(w.l, verb::pause)).id;
    w.settle();
    REQUIRE(w.m.waiting.size() == 1);
    const fenced_command c = w.m.waiting.front();
    REQUIRE(c.take());
    const auto again = c.take();
    REQUIRE_FALSE(again);
    CHECK(again.error() == outcome::cancelled);
    w.m.bus.complete(id);
    w.settle();
    CHECK(w.a.outcome_of(id) == outcome::done);
}

TEST_CASE("what is completed twice in the middle of a hold ends at its first time") {
    held w{lease_class::input};
    const auto id = w.a.bus.submit(press(w.l, KEY_A).hold(milliseconds(10))).id;
    w.settle();
    w.advance(milliseconds(6));
    w.m.bus.complete(id); // the press, again
    w.settle();
    w.advance(milliseconds(5));
    CHECK(w.a.outcome_of(id) == outcome::done);
}

TEST_CASE("a write that is completed twice is told to readers once") {
    held w{lease_class::memwrite};
    w.m.does = habit::twice;
    REQUIRE(w.a.bus.submit(store(w.l, {0, 0}, 1)));
    w.settle();
    CHECK(w.a.count(kind::memory_written) == 1);
}

TEST_CASE("what was handed over under a lease cannot be taken while its neutral runs") {
    held w{lease_class::input};
    REQUIRE(w.a.bus.submit(press(w.l, KEY_A)));
    w.settle();
    w.m.does = habit::leave;
    const auto late = w.a.bus.submit(press(w.l, KEY_B)).id;
    w.settle();
    REQUIRE(w.m.waiting.size() == 1);
    bool took = false;
    w.m.on_neutral = [&] { took = took || w.m.waiting.back().take().has_value(); };
    w.bus.force_release(w.vm, lease_class::input);
    w.settle();
    CHECK(w.m.neutral_calls != 0);
    CHECK_FALSE(took);
    CHECK(w.a.outcome_of(late) == outcome::lease_lost);
}

TEST_CASE("a wait that is over is not granted, although its timer has not been served yet") {
    held w{lease_class::power};
    agent waits;
    w.join(waits, full(w.vm));
    lease_options o;
    o.wait = true;
    o.wait_for = milliseconds(10);
    REQUIRE(waits.bus.acquire(w.vm, lease_class::power, o).wait);
    REQUIRE(w.bus.post([&] { w.a.bus.release(w.l); })); // comes before the timers of its turn
    w.advance(milliseconds(11));
    CHECK(waits.count(kind::lease_granted) == 0);
    REQUIRE(waits.count(kind::lease_wait_ended) == 1);
    CHECK(waits.last<lease_wait_ended>().why == lease_end::expired);
}

TEST_CASE("with a budget of one callback a reset still waits until everybody was told") {
    held w{lease_class::power};
    std::array<agent, 3> others;
    REQUIRE(w.m.bus.publish(w.bus.epoch_of(w.vm)));
    for (agent& one : others) w.join(one, full(w.vm));
    w.settle();
    bool told = true;
    w.m.on_execute = [&](fenced_command c, adapter_handle b) {
        for (const agent& one : others)
            told = told && one.count(kind::epoch_changed) == 1 &&
                   one.count(kind::memctx_invalidated) == 1;
        if (w.m.take(c)) b.complete(c.id());
    };
    const auto id = w.a.bus.submit(power(w.l, verb::reset)).id;
    for (int i = 0; i < 200 && w.a.outcome_of(id) == outcome::none; ++i) w.bus.dispatch(1);
    CHECK(w.a.outcome_of(id) == outcome::done);
    CHECK(told);
}

TEST_CASE("a locator whose regions cannot be is not passed on") {
    struct liar : memory_device {
        ram_region bad;
        expected<memctx_locator, os_error> describe() {
            memctx_locator l;
            l.fd_count = 1;
            l.region_count = 1;
            l.region_table[0] = bad;
            return l;
        }
    };
    ram_region wraps;
    wraps.start = ~std::uint64_t{0} - 4095;
    wraps.length = 1u << 16;
    ram_region elsewhere;
    elsewhere.length = 4096;
    elsewhere.fd_index = 3;
    for (const ram_region& bad : {wraps, elsewhere}) {
        bench<> w;
        agent a;
        liar m;
        m.bad = bad;
        w.bus.attach_adapter(m, w.vm);
        w.join(a, full(w.vm));
        m.bus.publish(w.bus.epoch_of(w.vm));
        CHECK(a.bus.memctx(w.vm).error() == refusal::not_ready);
        CHECK(a.last<memctx_unavailable>().error == EPROTO);
    }
}

TEST_CASE("the next tenant of a slot gets nothing that was on its way to the last") {
    bench<> w;
    sensor s;
    agent trigger, next;
    auto last = std::make_unique<agent>();
    w.bus.attach_adapter(s, w.vm);
    w.join(trigger, full(w.vm));
    w.join(*last, full(w.vm));
    const unsigned slot = last->bus.origin().slot();
    inside(w, trigger, s, [&] {
        s.happened(transition::paused);
        w.bus.detach(last->bus.origin());
    });
    w.settle();
    next.bus = w.bus.attach(next, full(w.vm));
    REQUIRE(next.bus.origin().slot() == slot);
    w.settle();
    REQUIRE_FALSE(next.log.empty());
    CHECK(next.log.front().is(kind::replay_begin));
}

TEST_CASE("a policy of the host decides by owner, challenger, endpoint, class and time") {
    bench<recording_traits> w;
    std::vector<recording_traits::arbitration::question> asked;
    w.bus.arbitration().asked = &asked;
    machine m;
    agent a, b;
    w.bus.attach_adapter(m, w.vm);
    w.own(a, lease_class::memwrite, 7);
    w.join(b, full(w.vm, 3));
    w.bus.reactor().advance(seconds(9));
    CHECK(asked.empty()); // nobody contended
    CHECK(b.bus.acquire(w.vm, lease_class::memwrite).why == refusal::held);
    REQUIRE(asked.size() == 1);
    CHECK(asked[0].owner == lease_party{a.bus.origin(), 7});
    CHECK(asked[0].challenger == lease_party{b.bus.origin(), 3});
    CHECK(asked[0].at == w.vm);
    CHECK(asked[0].wanted == lease_class::memwrite);
    CHECK(asked[0].now == w.bus.reactor().now());
    w.bus.arbitration().rules.what =
        ruling_kind::preempt; // the lower rank wins, if the host says so
    CHECK(b.bus.acquire(w.vm, lease_class::memwrite));
}

TEST_CASE("the receipt of a write names its mode") {
    held w{lease_class::memwrite};
    for (const write_mode mode :
         {write_mode::atomic, write_mode::paused, write_mode::best_effort}) {
        command c = store(w.l, {0x1000, 0}, 1);
        c.mode = mode;
        const auto id = w.a.bus.submit(c).id;
        w.settle();
        REQUIRE(w.a.receipts_of(id).size() == 1);
        CHECK(w.a.receipts_of(id)[0].outcome == outcome::done);
        CHECK(w.a.receipts_of(id)[0].mode == mode);
    }
}

TEST_CASE("who ended a lease is the origin of the notice: the owner, whoever took it, or nobody") {
    bench<> w;
    machine m;
    w.bus.attach_adapter(m, w.vm);
    agent low, high, sees;
    low.bus = w.bus.attach(low, full(w.vm).rank(1));
    high.bus = w.bus.attach(high, full(w.vm).allow(right::admin).rank(9));
    sees.bus = w.bus.attach(sees, grant{}.on(w.vm).allow(right::observe));
    w.settle();
    const auto take = [&w](agent& a) {
        const auto got = a.bus.acquire(w.vm, lease_class::power);
        REQUIRE(got);
        return got.lease;
    };
    const auto by = [&sees] {
        const auto last = std::find_if(sees.log.rbegin(), sees.log.rend(), [](const event& e) {
            const auto* c = e.as<lease_changed>();
            return c && c->why != lease_end::none;
        });
        REQUIRE(last != sees.log.rend());
        return last->origin;
    };
    low.bus.release(take(low));
    CHECK(by() == low.bus.origin());
    take(low);
    REQUIRE(high.bus.force_release(w.vm, lease_class::power) == refusal::none);
    CHECK(by() == high.bus.origin());
    w.bus.force_release(w.vm, lease_class::power);
    take(low);
    take(high); // preempts
    CHECK(by() == high.bus.origin());
    w.bus.force_release(w.vm, lease_class::power);
    CHECK_FALSE(by());
    take(low);
    low.bus.detach();
    CHECK(by() == low.bus.origin());
}
