// Rule: an event reaches exactly those who may see it, in order, and in place unless a callback is
// running; whoever is detached, narrowed or removed inside a callback gets nothing more.
#include "harness.hpp"

#include <array>

using namespace vmsig;
using namespace vmsig::test;

namespace {

console_output text(char c) {
    console_output o;
    o.size = 1;
    o.text[0] = c;
    return o;
}
/// The letters that a control got.
std::string letters(const agent& a) {
    std::string s;
    for (const console_output& o : a.all<console_output>()) s += o.text[0];
    return s;
}

struct fanout : bench<> {
    agent a, b, c;
    sensor source;
    fanout() {
        join(a, full(vm));
        join(b, full(vm));
        join(c, full(vm));
        bus.attach_adapter(source, vm);
        settle();
        a.log.clear();
        b.log.clear();
        c.log.clear();
    }
};

} // namespace

TEST_CASE("an event is delivered in place, inside emit") {
    fanout w;
    w.source.bus.emit(text('x'));
    CHECK(letters(w.a) == "x");
    CHECK(letters(w.b) == "x");
    CHECK_FALSE(w.bus.dispatch());
}

TEST_CASE("events caused inside a callback follow in order after it returns") {
    fanout w;
    int depth = 0;
    w.a.script = [&](const event& e, control_handle) {
        CHECK(depth == 0);
        ++depth;
        if (const auto* o = e.as<console_output>(); o && o->text[0] == 'x') {
            w.source.bus.emit(text('y'));
            w.source.bus.emit(text('z'));
            CHECK(letters(w.a) == "x");
        }
        --depth;
    };
    w.source.bus.emit(text('x'));
    CHECK(letters(w.a) == "xyz");
    CHECK(letters(w.c) == "xyz");
}

TEST_CASE("a lifecycle event is delivered in place, and what follows it behind it") {
    fanout w;
    w.source.happened(transition::paused);
    w.source.bus.emit(text('x'));
    REQUIRE(w.a.log.size() == 2);
    CHECK(w.a.log[0].is(kind::lifecycle));
    CHECK(w.a.log[1].is(kind::console_output));
}

TEST_CASE("inside a turn too, lifecycle events are delivered in place") {
    fanout w;
    const auto id = w.source.bus.watch(77, interest::read, cookie{1});
    REQUIRE(id.has_value());
    std::size_t seen = 0;
    w.source.when_ready = [&](cookie, adapter_handle bus) {
        bus.emit(lifecycle{transition::paused, cause::host, {}, 0});
        seen = w.a.log.size();
        for (int i = 0; i < 300; ++i) CHECK(bus.emit(text('x')));
        w.bus.reactor().clear_ready(77);
    };
    w.bus.reactor().make_ready(77, interest::read);
    w.settle();
    CHECK(seen == 1);
    CHECK(letters(w.a).size() == 300);
}

TEST_CASE("a control that detaches another in a fan-out keeps the event from it") {
    fanout w;
    w.a.script = [&](const event&, control_handle) { w.bus.detach(w.b.bus.origin()); };
    w.source.bus.emit(text('x'));
    CHECK(letters(w.a) == "x");
    CHECK(w.b.log.empty());
    CHECK(w.b.farewells == 1);
    CHECK(letters(w.c) == "x");
}

TEST_CASE("a control that detaches itself gets no event that was on its way") {
    fanout w;
    w.b.script = [&](const event&, control_handle bus) {
        w.source.bus.emit(text('y'));
        bus.detach();
        CHECK(w.b.farewells == 1);
    };
    w.source.bus.emit(text('x'));
    CHECK(letters(w.b) == "x");
    CHECK(w.b.farewells == 1);
    CHECK(letters(w.c) == "xy");
}

TEST_CASE("a slot is not reused inside the turn, and its next tenant gets nothing of the last") {
    fanout w;
    agent d;
    w.a.script = [&](const event& e, control_handle) {
        if (!e.is(kind::console_output)) return;
        w.source.bus.emit(text('y'));
        w.bus.detach(w.b.bus.origin());
        d.bus = w.bus.attach(d, full(w.vm));
        w.a.script = {};
    };
    const origin_id former = w.b.bus.origin();
    w.source.bus.emit(text('x'));
    w.settle();
    CHECK(d.bus.origin().slot() != former.slot());
    CHECK(letters(d).empty());
    agent e;
    w.join(e, full(w.vm));
    CHECK(e.bus.origin().slot() == former.slot());
    CHECK(e.bus.origin() != former);
    CHECK_FALSE(w.bus.set_grant(former, full(w.vm)));
}

TEST_CASE("the next tenant of a slot never gets its predecessor's receipt") {
    fanout w;
    machine m;
    m.does = habit::later;
    w.bus.attach_adapter(m, w.vm);
    const lease l = w.own(w.a, lease_class::power);
    REQUIRE(w.a.bus.submit(power(l, verb::pause)));
    w.settle();
    REQUIRE(m.executed.size() == 1);
    const origin_id former = w.a.bus.origin();
    w.bus.detach(former);
    w.settle();
    // A slot that still has something at an adapter is the last choice.
    std::array<agent, small_limits::controls - 3> others;
    for (agent& other : others) {
        w.join(other, full(w.vm));
        CHECK(other.bus.origin().slot() != former.slot());
    }
    agent next;
    w.join(next, full(w.vm));
    REQUIRE(next.bus.origin().slot() == former.slot());
    m.bus.complete(m.last_id());
    w.settle();
    CHECK(next.count(kind::receipt) == 0);
    CHECK(w.records(decision::command_ended).back().verdict ==
          static_cast<std::uint8_t>(outcome::issuer_gone));
}

TEST_CASE("narrowing a grant in a callback keeps the very event from its control") {
    fanout w;
    w.a.script = [&](const event& e, control_handle) {
        if (e.is(kind::console_output)) w.bus.set_grant(w.b.bus.origin(), grant{});
    };
    w.source.bus.emit(text('x'));
    w.settle();
    CHECK(letters(w.b).empty());
    CHECK(letters(w.c) == "x");
}

TEST_CASE("narrowing a grant in a callback takes back what was deferred") {
    fanout w;
    w.c.script = [&](const event& e, control_handle) {
        if (const auto* o = e.as<console_output>(); o && o->text[0] == 'x') {
            w.source.bus.emit(text('y'));
            w.bus.set_grant(w.b.bus.origin(), grant{});
        }
    };
    w.source.bus.emit(text('x'));
    CHECK(letters(w.b) == "x");
    CHECK(letters(w.c) == "xy");
}

TEST_CASE("narrowing a subscription in a callback is as immediate") {
    fanout w;
    w.a.script = [&](const event&, control_handle) {
        CHECK(w.b.bus.subscribe(subscription::none()) == refusal::none);
    };
    w.source.bus.emit(text('x'));
    CHECK(w.b.log.empty());
}

TEST_CASE("narrowing a grant takes back a snapshot that is on its way") {
    fanout w;
    agent d;
    d.script = [&](const event& e, control_handle bus) {
        if (e.is(kind::replay_begin)) w.bus.set_grant(bus.origin(), grant{});
    };
    d.bus = w.bus.attach(d, full(w.vm));
    w.settle();
    CHECK(d.count(kind::lifecycle) == 0);
    CHECK(d.count(kind::replay_end) == 0);
    CHECK(d.count(kind::grant_changed) == 1);
}

TEST_CASE("an endpoint removed in a callback is gone at once and told once to each") {
    fanout w;
    machine m;
    w.bus.attach_adapter(m, w.vm);
    const lease l = w.own(w.c, lease_class::power);
    w.a.log.clear();
    w.b.log.clear();
    correlation_id id;
    w.a.script = [&](const event& e, control_handle) {
        if (!e.is(kind::console_output)) return;
        const auto s = w.c.bus.submit(power(l, verb::pause));
        REQUIRE(s);
        id = s.id;
        w.bus.remove_endpoint(w.vm);
        CHECK(w.c.bus.submit(power(l, verb::pause)).why == refusal::denied);
    };
    w.source.bus.emit(text('x'));
    w.settle();
    CHECK(w.c.outcome_of(id) == outcome::endpoint_gone);
    CHECK(w.c.last<lease_lost>().why == lease_end::endpoint_gone);
    CHECK(w.a.count(kind::endpoint_removed) == 1);
    CHECK(w.b.count(kind::endpoint_removed) == 1);
    CHECK(m.executed.empty());
    CHECK(m.farewells == 1);
    CHECK(w.source.farewells == 1);
    CHECK_FALSE(w.source.bus.emit(text('z')));
}

TEST_CASE("events go only where grant and subscription both let them") {
    bench<> w;
    sensor source;
    const endpoint_id other = w.bus.add_endpoint("other");
    w.bus.attach_adapter(source, w.vm);
    agent observer, memory, elsewhere, deaf, picky, narrowed;
    w.join(observer, grant{}.on(w.vm).allow(right::observe));
    w.join(memory, grant{}.on(w.vm).allow(right::memread));
    w.join(elsewhere, full(other));
    w.join(deaf, full(w.vm), subscription::none());
    w.join(picky, full(w.vm), subscription::all().from(source::lifecycle));
    w.join(narrowed, full(w.vm).sources(source::lifecycle));
    source.bus.emit(text('x'));
    CHECK(letters(observer) == "x");
    for (const agent* a : {&memory, &elsewhere, &deaf, &picky, &narrowed}) CHECK(a->log.empty());
    source.happened(transition::paused);
    CHECK(picky.count(kind::lifecycle) == 1);
    CHECK(narrowed.count(kind::lifecycle) == 1);
    CHECK(memory.log.empty());
}

TEST_CASE("epoch notices reach whoever has any right, whatever it subscribed to") {
    bench<> w;
    sensor source;
    w.bus.attach_adapter(source, w.vm);
    agent reader, deaf, stranger;
    w.join(reader, grant{}.on(w.vm).allow(right::memread));
    w.join(deaf, full(w.vm), subscription::none());
    w.join(stranger, grant{});
    source.happened(transition::reset);
    CHECK(reader.count(kind::epoch_changed) == 1);
    CHECK(deaf.count(kind::epoch_changed) == 1);
    CHECK(deaf.count(kind::lifecycle) == 0);
    CHECK(stranger.log.empty());
}

TEST_CASE("the envelope says where and when") {
    fanout w;
    w.source.bus.emit(text('x'));
    const event& e = w.a.log.front();
    CHECK(e.endpoint == w.vm);
    CHECK(e.epoch == w.bus.epoch_of(w.vm));
    CHECK(e.timestamp == w.bus.now());
    CHECK(e.source == source::console);
    CHECK(e.lane == lane::bulk);
    CHECK(e.sequence == 0);
    CHECK_FALSE(e.origin);
}

TEST_CASE("an adapter cannot emit what is the core's own to say") {
    fanout w;
    CHECK_FALSE(w.source.bus.emit(receipt{}));
    CHECK_FALSE(w.source.bus.emit(epoch_changed{}));
    CHECK_FALSE(w.source.bus.emit(lease_granted{}));
    CHECK_FALSE(w.source.bus.emit(kind::first_host, text('x')));
    CHECK(w.a.log.empty());
}

TEST_CASE("a kind of the host's own is routed by what it was registered with") {
    bench<> w;
    sensor source;
    w.bus.attach_adapter(source, w.vm);
    const vmsig::source heat = w.bus.name_source("heat");
    CHECK(w.bus.name_source("heat") == heat);
    const auto made = [&](std::string_view name, audience a) {
        return w.bus.register_kind(name, {"", a, heat, lane::bulk});
    };
    const auto fault = [&](std::string_view name, audience a) {
        try {
            made(name, a);
        } catch (const setup_error& e) {
            return e.fault();
        }
        return setup_fault::none;
    };
    const kind k = made("temperature", audience::power);
    CHECK(made("temperature", audience::power) == k);
    CHECK(made("other", audience::power) != k);
    CHECK(fault("temperature", audience::observe) == setup_fault::name_taken);
    CHECK(fault("", audience::observe) == setup_fault::name_taken);
    CHECK(fault(std::string(99, 'x'), audience::observe) == setup_fault::name_taken);
    CHECK(fault("mine", audience::addressee) == setup_fault::bad_kind);
    CHECK(fault("ours", audience::any_right) == setup_fault::bad_kind);
    agent operates, observes;
    w.join(operates, grant{}.on(w.vm).allow(right::power));
    w.join(observes, grant{}.on(w.vm).allow(right::observe));
    CHECK(source.bus.emit(k, std::uint64_t{42}));
    REQUIRE(operates.log.size() == 1);
    CHECK(*operates.log[0].payload_as<std::uint64_t>() == 42);
    CHECK(operates.log[0].source == heat);
    CHECK(observes.log.empty());
}

TEST_CASE("when the ring of deferred events is full, what is lost is counted and told") {
    fanout w;
    int kept = 0;
    inside(w, w.a, w.source, [&] {
        for (int i = 0; i < 100; ++i) kept += w.source.bus.emit(text('y')) ? 1 : 0;
    });
    CHECK(kept > 0);
    CHECK(kept < 100);
    CHECK(w.a.last<gap>().count == static_cast<std::uint64_t>(100 - kept));
    CHECK(letters(w.b).size() == static_cast<std::size_t>(kept + 1));
    w.source.bus.emit(text('z'));
    CHECK(letters(w.b).back() == 'z');
}

TEST_CASE("safety events have room of their own in a full ring") {
    fanout w;
    inside(w, w.a, w.source, [&] {
        for (int i = 0; i < 100; ++i) w.source.bus.emit(text('y'));
        w.source.happened(transition::reset);
    });
    CHECK(w.b.count(kind::epoch_changed) == 1);
    CHECK(w.b.count(kind::lifecycle) == 1);
}

TEST_CASE("lifecycle events in a storm fold: none is dropped, the latest state is told") {
    fanout w;
    inside(w, w.a, w.source, [&] {
        for (int i = 0; i < 2000; ++i) {
            w.source.happened(transition::paused);
            w.source.happened(transition::resumed);
            w.source.happened(transition::reset);
        }
        w.source.happened(transition::paused);
    });
    CHECK(w.b.last<lifecycle>().state == vm_state::paused);
    CHECK(w.b.last<epoch_changed>().count == 2000);
    CHECK(w.bus.epoch_of(w.vm).value == 2001);
    CHECK(w.b.log.size() < 200);
}

TEST_CASE("a pooled payload can be read in the callback only, and by its receivers only") {
    bench<> w;
    sensor source;
    w.bus.attach_adapter(source, w.vm);
    const kind k = w.bus.register_kind("blob", {"", audience::power, source::console, lane::bulk});
    agent a, b;
    w.join(a, grant{}.on(w.vm).allow(right::power));
    w.join(b, grant{}.on(w.vm).allow(right::observe));
    payload_id kept;
    std::size_t read = 0, stolen = 0;
    a.script = [&](const event& e, control_handle bus) {
        kept = e.payload;
        read = bus.bytes(e.payload).size();
        stolen = b.bus.bytes(e.payload).size();
        CHECK(b.bus.pin(e.payload) == refusal::invalid);
    };
    const payload_id p = source.bus.allocate(100);
    REQUIRE(p);
    source.bus.emit(k, p, 100);
    CHECK(read == 100);
    CHECK(stolen == 0);
    CHECK(a.bus.bytes(kept).empty());
    CHECK(a.bus.pin(kept) == refusal::invalid);
}
