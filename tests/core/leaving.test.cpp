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

/// Serves nothing; does something when it has to leave.
struct leaver {
    std::function<void()> last;
    adapter_handle bus;
    leaver() = default;
    leaver(leaver&&) = delete;
    ~leaver() { bus.detach(); }
    void on_attach(adapter_handle b) { bus = b; }
    void on_ready(cookie, adapter_handle) {}
    void on_detached() {
        if (last && !test_over) last();
    }
};

/// Two controls, a sensor, and an adapter that leaves before that.
struct watched : bench<> {
    leaver l;
    memory_device m;
    sensor s;
    agent a, b;
    watched() {
        bus.attach_adapter(l, vm);
        bus.attach_adapter(m, vm);
        bus.attach_adapter(s, vm);
        REQUIRE(m.bus.publish(bus.epoch_of(vm)));
        join(a, full(vm));
        join(b, full(vm));
        REQUIRE(b.bus.memctx(vm));
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
    CHECK(w.bus.name_of(w.vm) == "vm"); // whoever is told can say whose end it was
    w.bus.add_endpoint("in its place");
    CHECK(w.bus.name_of(w.vm).empty());
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

TEST_CASE("what adapters say as they leave is told before the removal too, and nothing after it") {
    watched w;
    w.l.last = [&] {
        for (int i = 0; i < 3; ++i) w.s.bus.emit(console_output{});
        CHECK(w.s.happened(transition::reset));
        CHECK(w.bus.set_grant(w.b.bus.origin(), grant{}.on(w.vm).allow(right::observe)));
    };
    inside(w, w.a, w.s, [&] {
        CHECK(w.s.happened(transition::reset));
        w.bus.remove_endpoint(w.vm);
    });
    for (const agent* one : {&w.a, &w.b}) {
        CHECK(one->count(kind::console_output) == 4);
        CHECK(one->log.back().is(kind::endpoint_removed));
        for (const event& e : one->log) CHECK(e.epoch <= one->log.back().epoch);
    }
}

TEST_CASE("nothing of a removed endpoint is told to whoever may see its successor alone") {
    watched w;
    endpoint_id next;
    w.l.last = [&] { w.s.bus.emit(console_output{}); };
    w.a.script = [&](const event& e, control_handle) {
        if (!e.is(kind::console_output) || w.bus.epoch_of(w.vm) == epoch_number{}) return;
        for (int i = 0; i < 12; ++i) w.s.bus.emit(console_output{});
        w.bus.remove_endpoint(w.vm);
    };
    w.bus.post([&] { w.s.bus.emit(console_output{}); });
    while (w.bus.epoch_of(w.vm) != epoch_number{}) w.bus.dispatch(1);
    agent late;
    w.bus.post([&] {
        next = w.bus.add_endpoint("next");
        CHECK(w.bus.set_grant(w.b.bus.origin(), full(next)));
        late.bus = w.bus.attach(late, full(next));
    });
    while (!next) w.bus.dispatch(1);
    REQUIRE(next.slot() == w.vm.slot());
    REQUIRE(w.a.log.back().endpoint == w.vm); // what waits is of the one that is gone
    while (w.bus.dispatch(1)) {}
    CHECK(w.a.count(kind::console_output) == 14);
    for (const event& e : late.log) CHECK(e.endpoint == next);
    const auto end = std::find_if(w.b.log.begin(), w.b.log.end(),
                                  [](const event& e) { return e.is(kind::endpoint_removed); });
    REQUIRE(end != w.b.log.end());
    for (auto e = end + 1; e != w.b.log.end(); ++e) CHECK(e->endpoint == next);
}

TEST_CASE("a new subscription takes back of a removed endpoint what it leaves out, and no more") {
    watched w;
    const bool all = GENERATE(true, false);
    const bool under_way = GENERATE(true, false);
    const auto subscribe = [&] {
        const auto s = all ? subscription::all() : subscription::none();
        CHECK(w.b.bus.subscribe(s) == refusal::none);
    };
    w.a.script = [&](const event& e, control_handle) {
        if (e.is(kind::console_output)) {
            CHECK(w.s.happened(transition::paused));
            w.bus.remove_endpoint(w.vm);
            if (!under_way) subscribe();
        }
        if (e.is(kind::lifecycle) && under_way) subscribe();
    };
    w.s.bus.emit(console_output{});
    w.settle();
    std::vector<kind> expected;
    if (all || under_way) expected.push_back(kind::console_output);
    if (all) expected.push_back(kind::lifecycle);
    expected.push_back(kind::memctx_invalidated); // what the bus owes is not asked for
    expected.push_back(kind::endpoint_removed);
    CHECK(w.b.kinds() == expected);
}
