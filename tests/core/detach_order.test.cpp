// Rule: a detachment goes in this order: callbacks stop, commands end, keys go up, leases are free,
// the descriptor is unwatched, `on_detached`; the slot is free at the end of the turn.
#include "harness.hpp"

#include <string_view>

using namespace vmsig;
using namespace vmsig::test;

namespace {

/// Writes the decisions down, those on commands and leases with their class, between what the
/// adapter and the farewell write.
struct journal_observer : null_observer {
    std::vector<std::string>* lines = nullptr;
    void on_decision(const audit_record& r) {
        if (!lines) return;
        lines->push_back(std::string{traits_of(r.what).name});
        const auto add = [this](unsigned c) { lines->back() += " " + std::to_string(c); };
        if (r.what == decision::command_ended)
            add(static_cast<unsigned>(class_of(static_cast<verb>(r.subject))));
        if (r.what == decision::lease_ended) add(r.subject);
    }
};
struct journal_traits : test_traits {
    using observer = journal_observer;
};
using journal = std::vector<std::string>;

/// A control with a descriptor.
struct wired : agent {
    int ready = 0, flushes = 0;
    int fd() const { return 40; }
    void on_ready(interests, control_handle) { ++ready; }
    void flush(control_handle) { ++flushes; }
};

struct observed : bench<journal_traits> {
    journal lines;
    observed() { bus.observer().lines = &lines; }
    ~observed() { bus.observer().lines = nullptr; }
    observed(observed&&) = delete;
    bool free_lease(lease_class c) const { return !bus.lease_of(vm, c).owner.who; }
};

/// Lines that begin so.
auto begins(std::string_view what) {
    return [what](const std::string& line) { return line.compare(0, what.size(), what) == 0; };
}
std::size_t first(const journal& lines, std::string_view what) {
    const auto at = std::find_if(lines.begin(), lines.end(), begins(what));
    return static_cast<std::size_t>(at - lines.begin());
}
std::size_t last(const journal& lines, std::string_view what) {
    const auto at = std::find_if(lines.rbegin(), lines.rend(), begins(what));
    return static_cast<std::size_t>(lines.rend() - at) - 1; // of nothing: beyond all
}
std::ptrdiff_t count(const journal& lines, std::string_view what) {
    return std::count_if(lines.begin(), lines.end(), begins(what));
}

} // namespace

TEST_CASE("a control is detached in order: commands, neutral, leases, descriptor, farewell, slot") {
    for (const bool in_a_callback : {false, true}) {
        observed w;
        machine m;
        sensor s;
        wired a;
        agent b, next;
        w.bus.attach_adapter(m, w.vm);
        w.bus.attach_adapter(s, w.vm);
        a.bus = w.bus.attach(a, full(w.vm));
        w.settle();
        REQUIRE(w.bus.reactor().watched(40));
        REQUIRE(a.flushes == 1); // after its replay
        const lease keys = w.own(a, lease_class::input);
        const lease host = w.own(a, lease_class::power);
        w.own(b, lease_class::memwrite);
        lease_options waits;
        waits.wait = true;
        REQUIRE(a.bus.acquire(w.vm, lease_class::memwrite, waits).what ==
                acquire_result::status::waiting);
        REQUIRE(a.bus.submit(press(keys, KEY_A)));
        w.settle();
        REQUIRE(a.bus.submit(press(keys, KEY_B).delayed(seconds(1))));
        REQUIRE(a.bus.submit(power(host, verb::pause).delayed(seconds(1))));
        REQUIRE(a.bus.submit(query_status(w.vm).delayed(seconds(1))));
        w.lines.clear();
        m.journal = &w.lines;
        a.log.clear();
        const int flushes = a.flushes;
        const origin_id who = a.bus.origin();
        const control_handle old = a.bus;
        a.on_farewell = [&] {
            w.lines.push_back("farewell");
            CHECK_FALSE(w.bus.reactor().watched(40));
            CHECK(w.free_lease(lease_class::input));
            CHECK(w.free_lease(lease_class::power));
            CHECK(w.bus.lease_of(w.vm, lease_class::memwrite).waiters == 0);
            CHECK(w.bus.pending_of(who) == 0);
            CHECK(old.submit(query_status(w.vm)).why == refusal::gone);
            next.bus = w.bus.attach(next, full(w.vm));
            CHECK(next.bus.origin().slot() != who.slot());
        };
        const auto leave = [&] {
            if (in_a_callback) s.bus.emit(console_output{}); // on its way to both
            w.bus.reactor().make_ready(40, interest::read);
            w.bus.detach(who);
        };
        if (in_a_callback)
            inside(w, b, s, leave);
        else
            leave();
        const journal seen = w.lines;
        CHECK(count(seen, "command_ended") == 3);
        CHECK(count(seen, "lease_ended") == 2);
        CHECK(last(seen, "command_ended") < first(seen, "neutral"));
        CHECK(last(seen, "neutral") < first(seen, "lease_ended"));
        CHECK(last(seen, "lease_ended") < first(seen, "detached"));
        CHECK(first(seen, "detached") < first(seen, "farewell"));
        CHECK(count(seen, "farewell") == 1);
        w.settle();
        CHECK(a.ready == 0);
        CHECK(a.flushes == flushes);
        CHECK(a.count(kind::receipt) == 0);
        CHECK(a.count(kind::console_output) == (in_a_callback ? 1u : 0u)); // before it was detached
        agent tenant;
        w.join(tenant, full(w.vm));
        CHECK(tenant.bus.origin().slot() == who.slot());
        CHECK_FALSE(tenant.bus == old);
    }
}

TEST_CASE("what observers are told of a detachment comes in the same order, after the farewell") {
    observed w;
    machine m;
    agent a, b;
    w.bus.attach_adapter(m, w.vm);
    const lease keys = w.own(a, lease_class::input);
    w.join(b, full(w.vm));
    REQUIRE(a.bus.submit(press(keys, KEY_A)));
    w.settle();
    lease_options waits;
    waits.wait = true;
    REQUIRE(b.bus.acquire(w.vm, lease_class::input, waits).what == acquire_result::status::waiting);
    w.settle();
    b.log.clear();
    m.journal = &w.lines;
    w.lines.clear();
    a.on_farewell = [&] { w.lines.push_back("farewell"); };
    b.script = [&](const event& e, control_handle) {
        w.lines.push_back("told " + std::string{traits_of(e.kind).name});
    };
    w.bus.detach(a.bus.origin());
    b.script = {};
    CHECK(first(w.lines, "neutral") < first(w.lines, "farewell"));
    CHECK(first(w.lines, "farewell") < first(w.lines, "told lease_changed"));
    CHECK(first(w.lines, "told lease_changed") < first(w.lines, "told lease_granted"));
    CHECK(b.count(kind::lease_granted) == 1);
    // The sink has what the observer saw, in its order and without a hole.
    std::uint64_t number = 0;
    for (const audit_record& r : w.records()) CHECK(r.number == ++number);
}

TEST_CASE("an adapter is detached in order: neutral, commands and leases, memctx, farewell") {
    struct leaver : machine {
        std::function<void()> on_farewell;
        void on_detached() {
            machine::on_detached();
            if (on_farewell && !test_over) on_farewell();
        }
    };
    for (const bool in_a_callback : {false, true}) {
        observed w;
        leaver m;
        sensor s, next;
        agent a, b;
        const adapter_id id = w.bus.attach_adapter(m, w.vm);
        w.bus.attach_adapter(s, w.vm);
        const lease keys = w.own(a, lease_class::input);
        const lease host = w.own(a, lease_class::power);
        w.join(b, full(w.vm));
        REQUIRE(m.bus.publish(w.bus.epoch_of(w.vm)));
        REQUIRE(a.bus.submit(press(keys, KEY_A)));
        w.settle();
        REQUIRE(m.bus.watch(5, interest::read, cookie{}).has_value());
        m.does = habit::later;
        const auto begun = a.bus.submit(query_status(w.vm)).id;
        w.settle();
        const auto queued = a.bus.submit(power(host, verb::pause).delayed(seconds(1))).id;
        const auto key = a.bus.submit(press(keys, KEY_B).delayed(seconds(1))).id;
        w.lines.clear();
        m.journal = &w.lines;
        m.on_farewell = [&] {
            w.lines.push_back("farewell");
            CHECK_FALSE(w.bus.reactor().watched(5));
            CHECK(w.free_lease(lease_class::input));
            CHECK(w.free_lease(lease_class::power));
            CHECK(w.bus.pending_of(a.bus.origin()) == 0);
            CHECK(a.bus.memctx(w.vm).error() == refusal::not_ready);
            CHECK_FALSE(m.bus.emit(console_output{}));
            m.bus.complete(begun);
            const adapter_id other = w.bus.attach_adapter(next, w.vm);
            CHECK(other.slot() != id.slot());
        };
        const auto leave = [&] {
            w.bus.reactor().make_ready(5, interest::read);
            w.bus.detach(id);
        };
        if (in_a_callback)
            inside(w, b, s, leave);
        else
            leave();
        const journal seen = w.lines;
        CHECK(count(seen, "command_ended") == 3);
        CHECK(last(seen, "neutral") < first(seen, "lease_ended"));
        CHECK(last(seen, "command_ended 0") < first(seen, "lease_ended 0"));
        CHECK(last(seen, "command_ended 1") < first(seen, "lease_ended 1"));
        CHECK(last(seen, "command_ended") < first(seen, "memctx_invalidated"));
        CHECK(last(seen, "lease_ended") < first(seen, "memctx_invalidated"));
        CHECK(first(seen, "memctx_invalidated") < first(seen, "adapter_detached"));
        CHECK(first(seen, "adapter_detached") < first(seen, "farewell"));
        w.settle();
        CHECK(m.farewells == 1);
        CHECK(m.ready.empty());
        for (const correlation_id c : {begun, queued, key})
            CHECK(a.outcome_of(c) == outcome::adapter_fault);
        sensor tenant;
        CHECK(w.bus.attach_adapter(tenant, w.vm).slot() == id.slot());
    }
}
