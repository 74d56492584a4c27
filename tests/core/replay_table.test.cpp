// Rule: what a late subscriber is shown is what the table of kinds calls retained, each kind of it
// and no other.
#include "harness.hpp"

#include <set>

using namespace vmsig;
using namespace vmsig::test;

namespace {

std::vector<kind> retained_kinds() {
    std::vector<kind> all;
    for (unsigned k = 0; k < static_cast<unsigned>(kind::first_host); ++k)
        if (traits_of(static_cast<kind>(k)).retained) all.push_back(static_cast<kind>(k));
    return all;
}

/// Every kind of event has happened at least once.
struct eventful : bench<> {
    agent a;
    machine m;
    eventful() {
        bus.attach_adapter(m, vm);
        own(a, lease_class::power);
        const lease keys = own(a, lease_class::input);
        REQUIRE(m.bus.publish(bus.epoch_of(vm)));
        m.bus.emit(lifecycle{transition::started, cause::host, {}, 0});
        m.bus.emit(leds_changed{2});
        m.bus.emit(console_output{});
        m.bus.emit(lifecycle{transition::reset, cause::guest, {}, 0});
        REQUIRE(m.bus.publish(bus.epoch_of(vm)));
        REQUIRE(a.bus.submit(press(keys, KEY_A)));
        settle();
        a.bus.release(keys);
        settle();
    }
    std::vector<event> snapshot_for(const grant& g, const subscription& s = {}) {
        agent late;
        late.bus = bus.attach(late, g, s);
        settle();
        REQUIRE(late.log.size() >= 2);
        REQUIRE(late.log.front().is(kind::replay_begin));
        REQUIRE(late.log.back().is(kind::replay_end));
        return {late.log.begin() + 1, late.log.end() - 1};
    }
};

} // namespace

TEST_CASE("a snapshot has each kind that the table retains, and no other") {
    eventful w;
    const auto shown = w.snapshot_for(full(w.vm));
    std::set<kind> kinds;
    for (const event& e : shown) {
        CHECK(traits_of(e.kind).retained);
        CHECK(e.source == traits_of(e.kind).source);
        kinds.insert(e.kind);
    }
    const auto retained = retained_kinds();
    REQUIRE_FALSE(retained.empty());
    CHECK(kinds == std::set<kind>(retained.begin(), retained.end()));
}

TEST_CASE("of what is retained a snapshot has what the table lets its subscriber see") {
    eventful w;
    for (const right r : {right::observe, right::memctx, right::memread, right::memwrite,
                          right::input, right::power, right::admin}) {
        std::set<kind> kinds, expected;
        for (const event& e : w.snapshot_for(grant{}.on(w.vm).allow(r))) kinds.insert(e.kind);
        for (const kind k : retained_kinds())
            if (traits_of(k).audience == static_cast<audience>(r)) expected.insert(k);
        CHECK(kinds == expected);
    }
    for (const source s : {source::lifecycle, source::memory, source::lease, source::input,
                           source::console, source::command}) {
        std::set<kind> kinds, expected;
        const auto only = subscription{}.from(s);
        for (const event& e : w.snapshot_for(full(w.vm), only)) kinds.insert(e.kind);
        for (const kind k : retained_kinds())
            if (traits_of(k).source == s) expected.insert(k);
        INFO("source " << static_cast<int>(s));
        CHECK(kinds == expected);
    }
}
