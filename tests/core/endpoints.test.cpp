// Rule: endpoints come and go at run time; an id is never reused; removal ends all that was theirs.
#include "harness.hpp"

using namespace vmsig;
using namespace vmsig::test;

namespace {

setup_fault fault_of(const std::function<void()>& f) {
    try {
        f();
    } catch (const setup_error& e) {
        return e.fault();
    }
    FAIL("nothing was thrown");
    return {};
}

} // namespace

TEST_CASE("a name is unique, not empty, and bounded") {
    bench<> w;
    const auto add = [&](std::string_view name) { w.bus.add_endpoint(name); };
    CHECK(fault_of([&] { add("vm"); }) == setup_fault::name_taken);
    CHECK(fault_of([&] { add(""); }) == setup_fault::name_taken);
    CHECK(fault_of([&] { add(std::string(64, 'x')); }) == setup_fault::name_taken);
    add(std::string(63, 'x'));
    CHECK(w.bus.find_endpoint(std::string(63, 'x')).has_value());
    CHECK(w.bus.name_of(w.vm) == "vm");
    CHECK(w.bus.find_endpoint("vm").value() == w.vm);
    CHECK_FALSE(w.bus.find_endpoint("other").has_value());
}

TEST_CASE("beyond the limit: a typed refusal, and a removed one makes room, with another id") {
    bench<> w;
    std::vector<endpoint_id> all{w.vm};
    for (unsigned i = 1; i < small_limits::endpoints; ++i)
        all.push_back(w.bus.add_endpoint("vm" + std::to_string(i)));
    CHECK(fault_of([&] { w.bus.add_endpoint("more"); }) == setup_fault::table_full);
    w.bus.remove_endpoint(all[2]);
    w.settle();
    const endpoint_id next = w.bus.add_endpoint("more");
    CHECK(std::find(all.begin(), all.end(), next) == all.end());
    std::vector<std::string> names;
    w.bus.for_each_endpoint([&](endpoint_id, std::string_view name) { names.emplace_back(name); });
    CHECK(names == std::vector<std::string>{"vm", "vm1", "more", "vm3"});
}

TEST_CASE("a slot is not reused in the turn of the removal") {
    bench<> w;
    sensor s;
    agent a;
    w.bus.attach_adapter(s, w.vm);
    w.join(a, full(w.vm));
    endpoint_id next;
    inside(w, a, s, [&] {
        w.bus.remove_endpoint(w.vm);
        next = w.bus.add_endpoint("vm");
    });
    CHECK(next.slot() != w.vm.slot());
}

TEST_CASE("removal ends commands, leases, waits and memctx, and detaches adapters, once") {
    bench<> w;
    machine m;
    agent a, b;
    w.bus.attach_adapter(m, w.vm);
    const lease l = w.own(a, lease_class::power);
    w.join(b, full(w.vm));
    lease_options o;
    o.wait = true;
    REQUIRE(b.bus.acquire(w.vm, lease_class::power, o).wait);
    m.does = habit::later;
    const auto begun = a.bus.submit(power(l, verb::pause)).id;
    w.settle();
    const auto queued = a.bus.submit(power(l, verb::resume)).id;
    const auto read = a.bus.submit(query_status(w.vm).delayed(seconds(1))).id;
    m.bus.publish(w.bus.epoch_of(w.vm));
    a.log.clear();
    w.bus.remove_endpoint(w.vm);
    w.bus.remove_endpoint(w.vm);
    for (const auto id : {begun, queued, read}) CHECK(a.outcome_of(id) == outcome::endpoint_gone);
    CHECK(a.last<lease_lost>().why == lease_end::endpoint_gone);
    CHECK(b.last<lease_wait_ended>().why == lease_end::endpoint_gone);
    CHECK(a.count(kind::memctx_invalidated) == 1);
    CHECK(a.count(kind::endpoint_removed) == 1);
    CHECK(m.farewells == 1);
    m.bus.complete(begun);
    w.settle();
    CHECK(a.receipts_of(begun).size() == 1);
    CHECK_FALSE(w.bus.find_endpoint("vm").has_value());
    CHECK(w.bus.epoch_of(w.vm) == epoch_number{});
    CHECK(w.bus.state_of(w.vm) == vm_state::unknown);
    CHECK(w.records(decision::endpoint_removed).size() == 1);
}

TEST_CASE("who has found an endpoint is told of its end, also before its replay") {
    bench<> w;
    agent found, narrowed, late;
    const auto other = w.bus.add_endpoint("other");
    for (agent* one : {&found, &narrowed, &late})
        one->bus = w.bus.attach(*one, grant{}.on(w.vm).on(other).allow(right::observe));
    REQUIRE(found.bus.find("other") == other);
    REQUIRE(narrowed.bus.find("other") == other);
    REQUIRE(w.bus.set_grant(narrowed.bus.origin(), grant{}.on(w.vm).allow(right::observe)));
    w.bus.remove_endpoint(other);
    CHECK_FALSE(found.bus.find("other").has_value());
    w.settle();
    const auto told = [other](const agent& a) {
        return std::count_if(a.log.begin(), a.log.end(), [other](const event& e) {
            return e.is(kind::endpoint_removed) && e.endpoint == other;
        });
    };
    CHECK(told(found) == 1);
    CHECK(told(narrowed) == 0);
    CHECK(told(late) == 0);
}

TEST_CASE("timers of a removed endpoint do not reach its successor") {
    bench<> w;
    agent a;
    machine m, next;
    w.bus.attach_adapter(m, w.vm);
    const lease l = w.own(a, lease_class::input);
    w.bus.set_pace(w.vm, command_class::input, seconds(1));
    REQUIRE(a.bus.renew(l, seconds(2)) == refusal::none);
    for (int i = 0; i < 3; ++i) REQUIRE(a.bus.submit(press(l, KEY_A).hold(seconds(1))));
    w.settle();
    m.accepts = 0;
    a.bus.release(l);
    w.bus.remove_endpoint(w.vm);
    w.settle();
    w.vm = w.bus.add_endpoint("vm");
    w.bus.attach_adapter(next, w.vm);
    agent b;
    w.own(b, lease_class::input);
    w.advance(seconds(60));
    CHECK(next.farewells == 0);
    CHECK(w.bus.lease_of(w.vm, lease_class::input).owner.who == b.bus.origin());
}

TEST_CASE("the state of a machine is what its adapter told last") {
    bench<> w;
    sensor s;
    w.bus.attach_adapter(s, w.vm);
    CHECK(w.bus.state_of(w.vm) == vm_state::unknown);
    s.happened(transition::started);
    CHECK(w.bus.state_of(w.vm) == vm_state::running);
    s.happened(transition::crashed);
    CHECK(w.bus.state_of(w.vm) == vm_state::crashed);
}
