// Rule: from the instant at which an endpoint is removed nothing new begins on it, also for those
// who are called in the middle of the removal.
#include "harness.hpp"

using namespace vmsig;
using namespace vmsig::test;

namespace {

/// What an endpoint answers to its control, whatever one asks.
struct answers {
    refusal submitted, queried, acquired, exported, refreshed, asked, seen;
    bool attached;
};

struct removed : bench<> {
    agent a;
    machine m;
    sensor late;
    lease keys, host;
    removed() {
        bus.attach_adapter(m, vm);
        keys = own(a, lease_class::input);
        host = own(a, lease_class::power);
        REQUIRE(m.bus.publish(bus.epoch_of(vm)));
        REQUIRE(a.bus.submit(press(keys, KEY_A)));
        settle();
    }
    answers ask() {
        answers out{};
        out.submitted = a.bus.submit(power(host, verb::pause)).why;
        out.queried = a.bus.submit(query_status(vm)).why;
        out.acquired = a.bus.acquire(vm, lease_class::memwrite).why;
        const auto shown = a.bus.memctx(vm);
        out.exported = shown ? refusal::none : shown.error();
        out.refreshed = a.bus.refresh(vm);
        out.asked = a.bus.may(verb::pause, vm);
        const auto view = a.bus.status(vm, lease_class::power);
        out.seen = view ? refusal::none : view.error();
        try {
            bus.attach_adapter(late, vm);
            out.attached = true;
        } catch (const setup_error& e) {
            out.attached = e.fault() != setup_fault::no_such_endpoint;
        }
        return out;
    }
};

} // namespace

TEST_CASE("an endpoint that is being removed accepts no command, lease, export or adapter") {
    removed w;
    answers got{};
    const std::size_t executed = w.m.executed.size();
    w.m.on_neutral = [&] { got = w.ask(); };
    w.bus.remove_endpoint(w.vm);
    CHECK(w.m.neutral_calls == 1);
    CHECK(got.submitted == refusal::denied);
    CHECK(got.queried == refusal::denied);
    CHECK(got.acquired == refusal::denied);
    CHECK(got.exported == refusal::denied);
    CHECK_FALSE(got.attached);
    w.settle();
    CHECK(w.m.executed.size() == executed);
    CHECK(w.a.count(kind::lease_granted) == 0);
    CHECK(w.a.count(kind::endpoint_removed) == 1);
    CHECK(w.a.log.back().is(kind::endpoint_removed));
}

TEST_CASE("what asks without doing says of a leaving endpoint what doing would") {
    removed w;
    answers got{};
    w.m.on_neutral = [&] { got = w.ask(); };
    w.bus.remove_endpoint(w.vm);
    CHECK(got.asked == refusal::denied);
    CHECK(got.refreshed == refusal::denied);
}

TEST_CASE("told of the loss of its lease, a control finds the endpoint gone") {
    removed w;
    std::vector<answers> got;
    w.a.script = [&](const event& e, control_handle) {
        if (e.is(kind::lease_lost) || e.is(kind::endpoint_removed)) got.push_back(w.ask());
    };
    w.bus.remove_endpoint(w.vm);
    w.settle();
    REQUIRE(got.size() == 3);
    for (const answers& one : got) {
        CHECK(one.submitted == refusal::denied);
        CHECK(one.acquired == refusal::denied);
        CHECK(one.exported == refusal::denied);
        CHECK(one.refreshed == refusal::denied);
        CHECK(one.asked == refusal::denied);
        CHECK(one.seen == refusal::denied);
        CHECK_FALSE(one.attached);
    }
}

TEST_CASE("whoever waits for a lease of an endpoint that is removed does not get it") {
    removed w;
    agent b;
    w.join(b, full(w.vm));
    lease_options waits;
    waits.wait = true;
    for (const auto c : {lease_class::input, lease_class::power})
        REQUIRE(b.bus.acquire(w.vm, c, waits).what == acquire_result::status::waiting);
    w.settle();
    w.bus.remove_endpoint(w.vm);
    w.settle();
    CHECK(b.count(kind::lease_granted) == 0);
    REQUIRE(b.all<lease_wait_ended>().size() == 2);
    for (const lease_wait_ended& one : b.all<lease_wait_ended>())
        CHECK(one.why == lease_end::endpoint_gone);
}

TEST_CASE("what happened before a removal is told before it, to whoever may see it then") {
    removed w;
    sensor s;
    agent b, narrowed;
    w.bus.attach_adapter(s, w.vm);
    w.join(b, full(w.vm));
    w.join(narrowed, full(w.vm));
    inside(w, w.a, s, [&] {
        CHECK(s.happened(transition::paused));
        w.bus.remove_endpoint(w.vm);
        CHECK(w.bus.set_grant(narrowed.bus.origin(), grant{}));
        CHECK(w.bus.add_endpoint("next").slot() != w.vm.slot());
    });
    CHECK(b.kinds() == std::vector{kind::console_output, kind::lifecycle, kind::lease_changed,
                                   kind::lease_changed, kind::memctx_invalidated,
                                   kind::endpoint_removed});
    for (const lease_changed& one : b.all<lease_changed>())
        CHECK(one.why == lease_end::endpoint_gone);
    CHECK(narrowed.kinds() == std::vector{kind::endpoint_removed});
}

TEST_CASE("what was lost before a removal is told before it, if there is room") {
    bench<> w;
    sensor s;
    agent a;
    w.bus.attach_adapter(s, w.vm);
    w.join(a, full(w.vm));
    a.script = [&](const event&, control_handle) {
        const std::size_t told = a.count(kind::console_output);
        for (int i = 0; told == 1 && i < 100; ++i) s.bus.emit(console_output{});
        if (told == 20) w.bus.remove_endpoint(w.vm);
    };
    s.bus.emit(console_output{});
    w.settle();
    const std::size_t told = a.count(kind::console_output);
    CHECK(told > 20);
    REQUIRE(a.count(kind::gap) == 1);
    CHECK(told + a.last<gap>().count == 101);
    CHECK(a.log[a.log.size() - 2].is(kind::gap));
    CHECK(a.log.back().is(kind::endpoint_removed));
}
