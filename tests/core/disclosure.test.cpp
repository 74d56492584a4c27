// Rule: what a control may not see does not show through what it may: receipts, gaps, numbers, the
// order of memctx notices, the audit.
#include "harness.hpp"

#include <memory>
#include <set>

using namespace vmsig;
using namespace vmsig::test;

namespace {

rights only_memctx() { return right::memctx; }

} // namespace

// payloads.hpp: `receipt::state` is of "`status` and power verbs"; contract 9: "status needs
// `observe`"; 10: "Filters hold for everything that leaves the core".
TEST_CASE("a receipt of input says nothing of the state of the machine") {
    bench<> w;
    machine m;
    agent a;
    w.bus.attach_adapter(m, w.vm);
    m.bus.emit(lifecycle{transition::paused, cause::host, {}, 0});
    w.join(a, grant{}.on(w.vm).allow(right::input));
    const auto l = a.bus.acquire(w.vm, lease_class::input);
    REQUIRE(l);
    REQUIRE(a.bus.submit(press(l.lease, KEY_A)));
    w.settle();
    CHECK(a.last<receipt>().state == vm_state::unknown);
}

// Contract 2: "so that a loss is seen and hidden traffic stays hidden".
TEST_CASE("a gap is told to those who lost something, and to nobody else") {
    bench<> w;
    sensor s;
    agent reader, blind, trigger;
    w.bus.attach_adapter(s, w.vm);
    kind_traits t;
    t.audience = audience::memctx;
    t.source = w.bus.name_source("secret");
    const kind secret = w.bus.register_kind("secret", t);
    w.join(reader, grant{}.on(w.vm).allow(only_memctx()));
    w.join(blind, grant{}.on(w.vm).allow(right::observe));
    w.join(trigger, grant{}.on(w.vm).allow(right::observe));
    inside(w, trigger, s, [&] {
        for (int i = 0; i < small_limits::deferred_events + 9; ++i) s.bus.emit(secret, i);
    });
    REQUIRE(reader.log.size() < small_limits::deferred_events + 9);
    CHECK(reader.count(kind::gap) == 1);
    CHECK(blind.count(kind::gap) == 0);
}

// Invariant I16: "the observable trace of c' on disjoint endpoints equals the trace without c".
TEST_CASE("correlation ids of a control do not count the commands of others") {
    std::vector<std::uint64_t> seen[2];
    for (const bool crowded : {false, true}) {
        bench<> w;
        host_device h, other_host;
        agent a, other;
        const endpoint_id elsewhere = w.bus.add_endpoint("elsewhere");
        w.bus.attach_adapter(h, w.vm);
        w.bus.attach_adapter(other_host, elsewhere);
        w.join(a, full(w.vm));
        w.join(other, full(elsewhere));
        for (int i = 0; i < 4; ++i) {
            if (crowded) REQUIRE(other.bus.submit(query_status(elsewhere)));
            seen[crowded].push_back(a.bus.submit(query_status(w.vm)).id.value);
            w.settle();
        }
    }
    CHECK(seen[0] == seen[1]);
}

// Invariant I3: "an invalidation stands between epochs". (core/detail/memory.ipp: "The answer must
// not overtake the invalidation of the epoch before".)
TEST_CASE("an export in the notice of a folded epoch does not overtake an invalidation") {
    bench<> w;
    memory_device m;
    sensor s;
    agent a;
    m.republishes = true;
    w.bus.attach_adapter(m, w.vm);
    w.bus.attach_adapter(s, w.vm);
    REQUIRE(m.bus.publish(w.bus.epoch_of(w.vm)));
    w.join(a, full(w.vm));
    epoch_number exported;
    bool overtaken = false;
    a.script = [&](const event& e, control_handle bus) {
        if (const auto* i = e.as<memctx_invalidated>())
            overtaken = overtaken || (exported && i->last < exported);
        if (!e.is(kind::epoch_changed)) return;
        if (const auto got = bus.memctx(w.vm)) exported = got->locator.epoch;
    };
    bool once = true;
    agent cause;
    w.join(cause, full(w.vm));
    cause.script = [&](const event& e, control_handle) {
        if (!e.is(kind::console_output) || !std::exchange(once, false)) return;
        s.happened(transition::reset);
        s.happened(transition::reset);
    };
    s.bus.emit(console_output{});
    w.settle();
    CHECK_FALSE(overtaken);
    CHECK(exported == w.bus.epoch_of(w.vm));
}
TEST_CASE("an export inside the snapshot does not overtake an invalidation either") {
    bench<> w;
    memory_device m;
    sensor s;
    agent a;
    m.republishes = true;
    w.bus.attach_adapter(m, w.vm);
    w.bus.attach_adapter(s, w.vm);
    REQUIRE(m.bus.publish(w.bus.epoch_of(w.vm)));
    std::vector<std::uint64_t> order; ///< epochs exported, and 0 for an invalidation
    order.reserve(8);
    a.script = [&](const event& e, control_handle bus) {
        if (e.is(kind::memctx_invalidated)) order.push_back(0);
        if (!e.is(kind::replay_begin)) return;
        if (const auto got = bus.memctx(w.vm)) order.push_back(got->locator.epoch.value);
        s.happened(transition::reset);
        if (const auto got = bus.memctx(w.vm)) order.push_back(got->locator.epoch.value);
    };
    a.bus = w.bus.attach(a, full(w.vm));
    w.settle();
    for (std::size_t i = 1; i < order.size(); ++i)
        CHECK((order[i] == 0 || order[i - 1] == 0 || order[i] == order[i - 1]));
}

// Contract 5 and table of kinds: what caused the latest raise is what the notice says.
TEST_CASE("a folded epoch notice names who caused the raise that it tells of") {
    bench<> w;
    machine m;
    sensor s;
    agent a, operators;
    w.bus.attach_adapter(m, w.vm);
    w.bus.attach_adapter(s, w.vm);
    REQUIRE(m.bus.publish(w.bus.epoch_of(w.vm)));
    w.join(a, full(w.vm));
    const lease l = w.own(operators, lease_class::power);
    correlation_id reset;
    a.script = [&](const event& e, control_handle) {
        if (!e.is(kind::memctx_invalidated) || !reset) return;
        operators.bus.cancel(std::exchange(reset, {}));
        s.happened(transition::reset);
    };
    reset = operators.bus.submit(power(l, verb::reset)).id;
    w.settle();
    REQUIRE(a.count(kind::epoch_changed) == 1);
    REQUIRE(a.last<epoch_changed>().count == 2);
    REQUIRE(a.last<epoch_changed>().cause == cause::guest);
    for (const event& e : a.log)
        if (e.is(kind::epoch_changed)) CHECK_FALSE(e.origin);
}

// Contract 12: "A turn is bounded". What the reader does inside must not feed what it reads.
TEST_CASE("who reads the audit and causes decisions meanwhile is not read to for ever") {
    bench<> w;
    agent a;
    w.join(a, full(w.vm));
    int told = 0;
    const auto got = a.bus.read_audit(w.vm, 2, [&](const audit_record&) {
        if (++told < 100) a.bus.submit(query_status(w.vm));
    });
    CHECK(told <= 2);
    CHECK(got.has_value());
}

// Faults 61: "adapter throws: quarantined; command = `adapter_fault`".
TEST_CASE("a read whose provider throws ends in adapter_fault") {
    for (const hook h : {hook::describe, hook::share_fds}) {
        bench<> w;
        memory_device m;
        agent a;
        w.bus.attach_adapter(m, w.vm);
        REQUIRE(m.bus.publish(w.bus.epoch_of(w.vm)));
        w.join(a, full(w.vm));
        m.throws = h;
        const auto id = a.bus.submit(read_memory(w.vm, {0, 0}, 8)).id;
        w.settle();
        REQUIRE(m.farewells == 1);
        CHECK(a.outcome_of(id) == outcome::adapter_fault);
    }
}

// Contract 7: "`best_effort` (... the receipt counts bytes)"; "`memory_written` (range, mode,
// origin) goes to those with `memctx` or `memread`": to whoever maps the memory that has changed.
TEST_CASE("the part that a best effort wrote before it failed is told to those who read") {
    bench<> w;
    memory_device m;
    agent writer, reader;
    w.bus.attach_adapter(m, w.vm);
    const lease l = w.own(writer, lease_class::memwrite);
    w.join(reader, grant{}.on(w.vm).allow(right::memctx));
    m.on_execute = [&](fenced_command c, adapter_handle b) {
        if (!m.take(c)) return;
        completion half = completion::failed(failure::io, EIO);
        half.bytes = 4;
        b.complete(c.id(), half);
    };
    REQUIRE(writer.bus.submit(write_memory(l, {0, 0}, 8, write_mode::best_effort)));
    w.settle();
    REQUIRE(writer.last<receipt>().bytes == 4);
    REQUIRE(reader.count(kind::memory_written) == 1);
    CHECK(reader.last<memory_written>().length == 4);
}
