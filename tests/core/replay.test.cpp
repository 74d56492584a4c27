// Rule: a late, widened or new view begins with a snapshot between two marks and goes on live,
// without a hole and without a duplicate.
#include "harness.hpp"

using namespace vmsig;
using namespace vmsig::test;

namespace {

struct lively : bench<> {
    agent owner;
    machine m;
    sensor s;
    lease keys;
    lively() {
        m.republishes = true;
        bus.attach_adapter(m, vm);
        bus.attach_adapter(s, vm);
        keys = own(owner, lease_class::input);
        s.happened(transition::started, cause::host);
        m.bus.publish(bus.epoch_of(vm));
        settle();
    }
};
using kinds = std::vector<kind>;

} // namespace

TEST_CASE("a late subscriber gets begin, state, memctx, lease holders, end, in that order") {
    lively w;
    agent late;
    late.bus = w.bus.attach(late, full(w.vm));
    CHECK(late.log.empty());
    w.bus.dispatch();
    CHECK(late.kinds() == kinds{kind::replay_begin, kind::lifecycle, kind::memctx_published,
                                kind::lease_changed, kind::replay_end});
    CHECK(late.last<lifecycle>().state == vm_state::running);
    CHECK(late.last<lifecycle>().replayed == 1);
    CHECK(late.last<lease_changed>().holder == w.owner.bus.origin());
    CHECK(late.last<lease_changed>().serial == w.keys.serial);
    CHECK(late.last<lease_changed>().replayed == 1);
    CHECK(late.last<memctx_published>().version.value == 1);
}

TEST_CASE("the snapshot holds exactly what the grant and the subscription let through") {
    lively w;
    const auto told = [&](const grant& g, const subscription& s = {}) {
        agent late;
        late.bus = w.bus.attach(late, g, s);
        w.settle();
        const kinds k = late.kinds();
        late.bus.detach();
        w.settle();
        return k;
    };
    const kinds marks{kind::replay_begin, kind::replay_end};
    CHECK(told(grant{}).empty());
    CHECK(told(grant{}.on(w.vm).allow(right::power)) == marks);
    CHECK(told(grant{}.on(w.vm).allow(right::memctx)) ==
          kinds{kind::replay_begin, kind::memctx_published, kind::replay_end});
    CHECK(told(grant{}.on(w.vm).allow(right::observe)) ==
          kinds{kind::replay_begin, kind::lifecycle, kind::lease_changed, kind::replay_end});
    CHECK(told(full(w.vm), subscription::all().from(source::memory)) ==
          kinds{kind::replay_begin, kind::memctx_published, kind::replay_end});
    CHECK(told(full(w.vm), subscription::none()) == marks);
}

TEST_CASE("live events begin with the snapshot: none is lost and none comes twice") {
    lively w;
    agent late;
    late.script = [&](const event& e, control_handle) {
        if (e.is(kind::replay_begin)) {
            w.s.bus.emit(console_output{});
            w.s.happened(transition::paused);
            w.owner.bus.release(w.keys);
            w.m.bus.publish(w.bus.epoch_of(w.vm));
        }
    };
    late.bus = w.bus.attach(late, full(w.vm));
    w.s.bus.emit(console_output{}); // before the snapshot: not shown
    w.settle();
    std::vector<std::uint64_t> versions;
    for (const auto& p : late.all<memctx_published>()) versions.push_back(p.version.value);
    CHECK(std::is_sorted(versions.begin(), versions.end()));
    CHECK(std::adjacent_find(versions.begin(), versions.end()) == versions.end());
    CHECK(versions.back() == 2);
    CHECK(late.count(kind::console_output) == 1);
    CHECK(late.count(kind::replay_end) == 1);
    CHECK(late.last<lifecycle>().state == vm_state::paused);
    CHECK_FALSE(late.last<lease_changed>().holder);
}

TEST_CASE("a snapshot is of the current epoch only, never old after new") {
    lively w;
    agent late;
    late.script = [&](const event& e, control_handle) {
        if (e.is(kind::replay_begin)) w.s.happened(transition::reset);
    };
    late.bus = w.bus.attach(late, full(w.vm));
    w.settle();
    bool raised = false;
    for (const event& e : late.log) {
        raised = raised || e.is(kind::epoch_changed);
        if (e.is(kind::memctx_published)) CHECK(e.epoch == w.bus.epoch_of(w.vm));
    }
    CHECK(raised);
    CHECK(late.count(kind::memctx_published) == 1);
    CHECK(late.bus.submit(read_memory(w.vm, {0, 0}, 8)));
}

TEST_CASE("a reset between the call and the snapshot shows only the new epoch") {
    lively w;
    agent late;
    late.bus = w.bus.attach(late, full(w.vm));
    w.s.happened(transition::reset);
    w.settle();
    CHECK(late.count(kind::epoch_changed) == 0);
    for (const event& e : late.log) CHECK(e.epoch == w.bus.epoch_of(w.vm));
    CHECK(late.bus.submit(read_memory(w.vm, {0, 0}, 8)));
}

TEST_CASE("a widened grant, a widened subscription and a new endpoint are replayed") {
    lively w;
    agent a;
    w.join(a, grant{}.on(w.vm).allow(right::memread));
    w.bus.set_grant(a.bus.origin(), grant{}.on(w.vm).allow(right::memread | right::observe));
    w.settle();
    CHECK(a.kinds() == kinds{kind::grant_changed, kind::replay_begin, kind::lifecycle,
                             kind::lease_changed, kind::replay_end});
    CHECK(a.bus.subscribe(subscription::none()) == refusal::none);
    w.settle();
    a.log.clear();
    w.s.bus.emit(console_output{});
    CHECK(a.log.empty());
    CHECK(a.bus.subscribe(subscription::all()) == refusal::none);
    w.settle();
    CHECK(a.count(kind::lifecycle) == 1);
    w.s.bus.emit(console_output{});
    CHECK(a.count(kind::console_output) == 1);

    agent every;
    w.join(every, grant{}.on_every().allow(right::observe));
    const endpoint_id other = w.bus.add_endpoint("other");
    w.settle();
    CHECK(every.count(kind::replay_begin) == 1);
    CHECK(every.log.front().endpoint == other);
    CHECK(a.log.back().endpoint == w.vm);
}

TEST_CASE("a widened source is replayed and then flows") {
    lively w;
    agent a;
    w.join(a, full(w.vm).sources(source::lifecycle));
    w.bus.set_grant(a.bus.origin(), full(w.vm));
    w.settle();
    CHECK(a.count(kind::memctx_published) == 1);
    w.s.bus.emit(console_output{});
    CHECK(a.count(kind::console_output) == 1);
}

TEST_CASE("whoever was shown a memctx is told when it is no longer valid") {
    lively w;
    agent late, other;
    w.join(late, full(w.vm));
    w.join(other, grant{}.on(w.vm).allow(right::observe));
    w.s.happened(transition::reset);
    CHECK(late.count(kind::memctx_invalidated) == 1);
    CHECK(other.count(kind::memctx_invalidated) == 0);
    CHECK(late.log.front().is(kind::memctx_invalidated));
}

TEST_CASE("many replays wait for room and all come") {
    bench<> w;
    for (unsigned i = 1; i < small_limits::endpoints; ++i)
        w.bus.add_endpoint("vm" + std::to_string(i));
    std::vector<std::unique_ptr<agent>> crowd;
    for (unsigned i = 0; i < small_limits::controls; ++i) {
        crowd.push_back(std::make_unique<agent>());
        crowd.back()->bus = w.bus.attach(*crowd.back(), grant{}.on_every().allow(everything));
    }
    while (w.bus.dispatch(3)) {}
    for (const auto& a : crowd) {
        CHECK(a->count(kind::replay_begin) == small_limits::endpoints);
        CHECK(a->count(kind::replay_end) == small_limits::endpoints);
        CHECK(a->count(kind::lifecycle) == small_limits::endpoints);
    }
}

TEST_CASE("a control that is detached before its replay gets nothing") {
    lively w;
    agent late;
    late.bus = w.bus.attach(late, full(w.vm));
    late.bus.detach();
    w.settle();
    CHECK(late.log.empty());
    CHECK(late.farewells == 1);
}

TEST_CASE("a snapshot that was asked for and is no longer allowed is not sent") {
    lively w;
    agent late;
    late.bus = w.bus.attach(late, full(w.vm));
    w.bus.set_grant(late.bus.origin(), grant{});
    w.settle();
    CHECK(late.kinds() == kinds{kind::grant_changed});
}
