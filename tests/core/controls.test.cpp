// Rule: a control is bound with a grant, may be changed or detached at any time from anywhere; a
// detachment is a barrier; handles are weak and answer `gone` when there is nobody left.
#include "harness.hpp"

#include <sys/wait.h>

#include <memory>

using namespace vmsig;
using namespace vmsig::test;

namespace {

/// Everything that a handle can be asked, all answered `gone`.
bool gone(control_handle h, endpoint_id vm) {
    const lease l{vm, {1}, lease_class::power};
    return h.submit(query_status(vm)).why == refusal::gone &&
           h.cancel(correlation_id::make(0, 1)) == cancel_result::gone &&
           h.acquire(vm, lease_class::input).why == refusal::gone &&
           h.release(l) == refusal::gone && h.renew(l, seconds(1)) == refusal::gone &&
           h.withdraw(wait_id::make(0, 1)) == refusal::gone &&
           h.status(vm, lease_class::input).error() == refusal::gone &&
           h.force_release(vm, lease_class::input) == refusal::gone &&
           h.subscribe({}) == refusal::gone && h.may(verb::status, vm) == refusal::gone &&
           h.memctx(vm).error() == refusal::gone && h.refresh(vm) == refusal::gone &&
           h.pin(payload_id::make(0, 1)) == refusal::gone &&
           h.bytes(payload_id::make(0, 1)).empty() && h.want_write(true) == refusal::gone &&
           h.find("vm").error() == refusal::gone;
}

struct thrower {
    int farewells = 0;
    void on_event(const event&, control_handle) { throw 1; }
    void on_detached() {
        ++farewells;
        throw 2;
    }
};

/// With a descriptor and an output that is flushed.
struct queued {
    std::vector<interests> ready;
    int flushes = 0;
    std::size_t events = 0;
    bool throws = false;
    int fd() const { return 40; }
    void on_event(const event&, control_handle) { ++events; }
    void on_ready(interests what, control_handle) {
        const beside_the_turn mine;
        ready.push_back(what);
        if (throws) throw 1;
    }
    void flush(control_handle) { ++flushes; }
};

} // namespace

TEST_CASE("after detach every call of a handle answers gone") {
    bench<> w;
    agent a;
    w.join(a, full(w.vm));
    const control_handle h = a.bus;
    CHECK_FALSE(gone(h, w.vm));
    h.detach();
    CHECK(gone(h, w.vm));
    h.detach();
    CHECK(a.farewells == 1);
    CHECK(gone(control_handle{}, w.vm));
}

TEST_CASE("after the core is destroyed handles answer gone, and everybody has had its farewell") {
    agent a;
    machine m;
    endpoint_id vm;
    {
        bench<> w;
        vm = w.vm;
        w.bus.attach_adapter(m, vm);
        w.join(a, full(vm));
        REQUIRE(a.bus.acquire(vm, lease_class::input));
        REQUIRE(a.bus.submit(query_status(vm)));
    }
    CHECK(a.farewells == 1);
    CHECK(m.farewells == 1);
    CHECK(gone(a.bus, vm));
    CHECK_FALSE(m.bus.emit(console_output{}));
    CHECK_FALSE(m.bus.watch(0, interest::read, {}).has_value());
    CHECK_FALSE(m.bus.publish({1}));
    CHECK_FALSE(m.bus.endpoint());
    m.bus.complete(correlation_id::make(0, 1));
    m.bus.input_ready();
    m.bus.detach();
}

TEST_CASE("in a forked child handles answer gone and the copy of the core is inert") {
    auto w = std::make_unique<bench<>>();
    agent a;
    machine m;
    w->bus.attach_adapter(m, w->vm);
    const lease l = w->own(a, lease_class::input);
    REQUIRE(a.bus.submit(press(l, KEY_A)));
    w->settle();
    REQUIRE(m.bus.watch(5, interest::read, {}).has_value());
    REQUIRE(a.bus.submit(query_status(w->vm)));
    const pid_t child = ::fork();
    if (child == 0) {
        bool inert = gone(a.bus, w->vm) && !m.bus.emit(console_output{});
        inert = inert && !w->bus.dispatch();
        w->bus.detach(a.bus.origin());
        w->bus.detach(m.bus.id());
        w->bus.remove_endpoint(w->vm);
        w->bus.force_release(w->vm, lease_class::input);
        inert = inert && !w->bus.set_grant(a.bus.origin(), grant{});
        inert = inert && w->bus.reactor().watched(5);
        w.reset();
        inert = inert && m.released.empty() && a.farewells == 0 && m.farewells == 0;
        ::_exit(inert ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    w->settle();
    CHECK(a.bus.release(l) == refusal::none);
    CHECK(m.released.size() == 1);
}

TEST_CASE("a control that throws is detached, and the others get the event") {
    bench<> w;
    thrower t;
    agent a;
    sensor s;
    w.bus.attach(t, full(w.vm));
    w.join(a, full(w.vm));
    CHECK(t.farewells == 1);
    w.bus.attach_adapter(s, w.vm);
    s.bus.emit(console_output{});
    CHECK(a.count(kind::console_output) == 1);
    int controls = 0;
    w.bus.for_each_control([&](origin_id, const grant&) { ++controls; });
    CHECK(controls == 1);
}

TEST_CASE("a table that is full refuses with a type and changes nothing") {
    bench<> w;
    std::vector<std::unique_ptr<agent>> crowd;
    for (unsigned i = 0; i < small_limits::controls; ++i) {
        crowd.push_back(std::make_unique<agent>());
        w.join(*crowd.back(), grant{});
    }
    agent one_more;
    try {
        w.bus.attach(one_more, grant{});
        FAIL("attached beyond the limit");
    } catch (const setup_error& e) {
        CHECK(e.fault() == setup_fault::table_full);
    }
    CHECK(w.records(decision::attach_refused).size() == 1);
    crowd.back()->bus.detach();
    w.settle();
    w.join(one_more, grant{});
}

TEST_CASE("a descriptor that cannot be watched refuses the control") {
    bench<> w;
    queued q;
    w.bus.reactor().fail(manual_reactor::call::add, ENOSPC);
    try {
        w.bus.attach(q, grant{});
        FAIL("attached");
    } catch (const setup_error& e) {
        CHECK(e.fault() == setup_fault::bad_descriptor);
    }
    CHECK(w.records(decision::attach_refused).size() == 1);
    const auto h = w.bus.attach(q, grant{});
    CHECK(w.bus.reactor().watched(40));
    h.detach();
    CHECK_FALSE(w.bus.reactor().watched(40));
}

TEST_CASE("a control's descriptor: ready, write interest on and off, flush at the end of a turn") {
    bench<> w;
    sensor s;
    queued q;
    const auto h = w.bus.attach(q, full(w.vm));
    w.settle();
    CHECK(q.flushes == 1); // after its replay
    w.bus.reactor().make_ready(40, interest::read | interest::write);
    w.bus.dispatch();
    CHECK(q.ready.back() == interests{interest::read});
    CHECK(h.want_write(true) == refusal::none);
    CHECK(h.want_write(true) == refusal::none);
    w.bus.dispatch();
    CHECK(q.ready.back() == (interest::read | interest::write));
    CHECK(h.want_write(false) == refusal::none);
    w.bus.dispatch();
    CHECK(q.ready.back() == interests{interest::read});
    w.bus.reactor().clear_ready(40);
    w.bus.attach_adapter(s, w.vm);
    w.settle();
    const int before = q.flushes;
    s.bus.emit(console_output{}); // outside any turn
    CHECK(w.bus.reactor().readable());
    w.settle();
    CHECK(q.flushes == before + 1);
    w.settle();
    CHECK(q.flushes == before + 1);
    agent plain;
    w.join(plain, grant{});
    CHECK(plain.bus.want_write(true) == refusal::unsupported);
    q.throws = true;
    w.bus.reactor().make_ready(40, interest::read);
    w.settle();
    CHECK_FALSE(w.bus.reactor().watched(40));
    h.detach();
}

TEST_CASE("a grant that widens tells its control and replays, one that narrows acts at once") {
    bench<> w;
    agent a;
    w.join(a, grant{}.on(w.vm).allow(right::observe));
    CHECK(w.bus.set_grant(a.bus.origin(), full(w.vm)));
    CHECK(a.last<grant_changed>().rights == everything.bits);
    w.settle();
    CHECK(a.count(kind::replay_end) == 1);
    CHECK(w.bus.set_grant(a.bus.origin(), grant{}));
    CHECK(a.last<grant_changed>().rights == 0);
    CHECK(a.bus.submit(query_status(w.vm)).why == refusal::denied);
    CHECK_FALSE(w.bus.set_grant({}, grant{}));
    CHECK(w.records(decision::grant_changed).size() == 2);
}

TEST_CASE("narrowing ends exactly what is outside the grant") {
    bench<> w;
    machine m;
    agent a;
    w.bus.attach_adapter(m, w.vm);
    const lease keys = w.own(a, lease_class::input);
    const lease host = w.own(a, lease_class::power);
    const auto key = a.bus.submit(press(keys, KEY_A).delayed(seconds(1))).id;
    const auto pause = a.bus.submit(power(host, verb::pause).delayed(seconds(1))).id;
    w.bus.set_grant(a.bus.origin(), grant{}.on(w.vm).allow(right::power));
    CHECK(a.outcome_of(key) == outcome::revoked);
    CHECK(a.last<lease_lost>().why == lease_end::revoked);
    CHECK(w.bus.lease_of(w.vm, lease_class::power).serial == host.serial);
    w.advance(seconds(1));
    CHECK(a.outcome_of(pause) == outcome::done);
}

TEST_CASE("a grant and a lease of a removed endpoint say nothing of its successor") {
    bench<> w;
    agent a;
    w.join(a, full(w.vm));
    w.bus.remove_endpoint(w.vm);
    w.settle();
    const endpoint_id next = w.bus.add_endpoint("vm");
    w.settle();
    CHECK(next.slot() == w.vm.slot());
    CHECK(next != w.vm);
    CHECK(a.bus.submit(query_status(next)).why == refusal::denied);
    CHECK(a.bus.submit(query_status(w.vm)).why == refusal::denied);
    CHECK(a.count(kind::replay_begin) == 0);
}

TEST_CASE("at detachment every charge was refunded") {
    bench<> w; // the destructor of a ledger asserts it
    machine m;
    agent a, b;
    w.bus.attach_adapter(m, w.vm);
    const lease l = w.own(a, lease_class::power);
    w.join(b, full(w.vm));
    lease_options o;
    o.wait = true;
    REQUIRE(b.bus.acquire(w.vm, lease_class::power, o).wait);
    m.does = habit::later;
    REQUIRE(a.bus.submit(power(l, verb::pause).within(seconds(9))));
    w.settle();
    REQUIRE(a.bus.submit(query_status(w.vm).delayed(seconds(9))));
    REQUIRE(b.bus.submit(query_status(w.vm).following(correlation_id::make(0, 1))));
    a.bus.detach();
    b.bus.detach();
    w.settle();
    CHECK(w.bus.pending_of(a.bus.origin()) == 0);
}
