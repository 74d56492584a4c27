// Rule: a guest that resets itself in a loop floods nobody and vetoes nothing: notices fold, what
// waits is bounded, each turn keeps its budget, and the operator's power verbs get through.
#include "harness.hpp"

#include <support/alloc_guard.hpp>

using namespace vmsig;
using namespace vmsig::test;

namespace {

/// Keeps nothing but counts, so that it can be told of a million resets.
struct tally {
    std::uint64_t events = 0, told_epochs = 0, receipts = 0;
    epoch_number last, shown;
    vm_state state = vm_state::unknown;
    control_handle bus;
    bool ordered = true; ///< epochs rise, and an invalidation stands between two memctxs

    tally() = default;
    tally(tally&&) = delete;
    ~tally() { bus.detach(); }
    void on_event(const event& e, control_handle) {
        ++events;
        receipts += e.is(kind::receipt) ? 1u : 0u;
        if (e.is(kind::memctx_invalidated)) shown = {};
        if (e.is(kind::memctx_published)) {
            ordered = ordered && (shown.value == 0 || shown == e.epoch);
            shown = e.epoch;
        }
        if (const auto* changed = e.as<epoch_changed>()) {
            told_epochs += changed->count;
            ordered = ordered && e.epoch > last;
            last = e.epoch;
        }
        if (const auto* l = e.as<lifecycle>()) state = l->state;
    }
};

/// Publishes and executes at once, and keeps nothing.
struct quick {
    static constexpr roles serves = role::host_management | role::memctx_provider;
    std::uint64_t executed = 0, asked = 0;
    adapter_handle bus;
    quick() = default;
    quick(quick&&) = delete;
    ~quick() { bus.detach(); }
    void on_attach(adapter_handle b) { bus = b; }
    void execute(fenced_command c, adapter_handle b) {
        if (!c.take()) return;
        ++executed;
        b.complete(c.id());
    }
    expected<memctx_locator, os_error> describe() { return memctx_locator{}; }
    expected<ram_fds, os_error> share_fds() { return ram_fds{}; }
    void invalidate(epoch_number e, adapter_handle b) {
        ++asked;
        b.publish(e);
    }
};

/// A guest whose descriptor is ready in each turn, and which then resets itself so many times.
struct stormy : bench<> {
    tally operators, watcher, other;
    quick q;
    sensor guest;
    lease host;
    int resets = 0; ///< each time

    stormy() {
        bus.attach_adapter(q, vm);
        for (tally* c : {&operators, &watcher, &other}) c->bus = bus.attach(*c, full(vm));
        settle();
        const auto got = operators.bus.acquire(vm, lease_class::power);
        REQUIRE(got);
        host = got.lease;
        guest.when_ready = [this](cookie, adapter_handle) {
            for (int i = 0; i < resets; ++i) guest.happened(transition::reset);
        };
        bus.attach_adapter(guest, vm);
        REQUIRE(guest.bus.watch(7, interest::read, cookie{}).has_value());
        REQUIRE(q.bus.publish(bus.epoch_of(vm)));
        REQUIRE(guest.happened(transition::started));
        settle();
    }
    void storm(int each_time) {
        resets = each_time;
        bus.reactor().make_ready(7, interest::read);
    }
    void calm() { bus.reactor().clear_ready(7); }
    std::uint64_t callbacks() const {
        return operators.events + watcher.events + other.events + q.executed;
    }
};

/// Controls to which the event that reaches the budget goes.
constexpr std::uint32_t overshoot = 3;

} // namespace

TEST_CASE("in a storm of resets each turn keeps its budget and nothing is allocated") {
    for (const std::uint32_t budget : {1u, 8u, 64u, 4096u})
        for (const int each_time : {1, 10, 1000}) {
            stormy w;
            w.storm(each_time);
            w.bus.dispatch(budget);
            std::uint64_t most = 0;
            const auto allocated = allocations_in([&] {
                for (int turn = 0; turn < 50; ++turn) {
                    const std::uint64_t before = w.callbacks();
                    w.bus.dispatch(budget);
                    most = std::max(most, w.callbacks() - before);
                }
            });
            INFO("budget " << budget << ", resets " << each_time);
            CHECK(allocated == 0);
            CHECK(most <= budget + overshoot);
            w.calm();
            w.settle();
        }
}

TEST_CASE("what a storm leaves behind does not grow with it, and each reset is counted") {
    std::vector<std::uint64_t> waiting;
    for (const int resets : {100, 1000, 10000}) {
        stormy w;
        const std::uint64_t epoch = w.bus.epoch_of(w.vm).value;
        w.storm(resets);
        REQUIRE(w.bus.dispatch(8)); // readiness, and what can be told for the rest
        w.calm();
        const std::uint64_t told = w.callbacks();
        w.settle();
        waiting.push_back(w.callbacks() - told);
        CHECK(w.bus.epoch_of(w.vm).value == epoch + static_cast<std::uint64_t>(resets));
        for (const tally* c : {&w.operators, &w.watcher, &w.other}) {
            CHECK(c->told_epochs == static_cast<std::uint64_t>(resets));
            CHECK(c->last == w.bus.epoch_of(w.vm));
            CHECK(c->shown == w.bus.epoch_of(w.vm));
            CHECK(c->ordered);
            CHECK(c->state == vm_state::running);
        }
        const auto stats = w.operators.bus.statistics(w.vm);
        REQUIRE(stats);
        CHECK(stats->lost_events == 0);
    }
    CHECK(waiting[0] == waiting[1]);
    CHECK(waiting[1] == waiting[2]);
}

TEST_CASE("a storm of resets costs another endpoint none of its events") {
    stormy w;
    const endpoint_id next = w.bus.add_endpoint("next");
    tally owner;
    machine m;
    sensor s;
    owner.bus = w.bus.attach(owner, full(next));
    w.bus.attach_adapter(m, next);
    w.bus.attach_adapter(s, next);
    REQUIRE(m.bus.publish(w.bus.epoch_of(next)));
    w.settle();
    REQUIRE(owner.shown == w.bus.epoch_of(next));
    w.guest.when_ready = [&](cookie, adapter_handle) {
        for (int i = 0; i < 1000; ++i) w.guest.happened(transition::reset);
        s.happened(transition::reset);
    };
    w.storm(1);
    w.bus.dispatch(8);
    w.calm();
    w.settle();
    CHECK(owner.told_epochs == 1);
    CHECK(owner.shown.value == 0);
    CHECK(owner.bus.statistics(next)->lost_events == 0);
}

TEST_CASE("in a storm that never ends the operator's power verbs get through") {
    for (const std::uint32_t budget : {8u, 64u, 4096u})
        for (const int each_time : {1, 10, 1000}) {
            stormy w;
            w.storm(each_time);
            w.bus.dispatch(budget);
            for (const verb v : {verb::pause, verb::resume, verb::reset, verb::power_off}) {
                const std::uint64_t before = w.operators.receipts;
                REQUIRE(w.operators.bus.submit(power(w.host, v)).why == refusal::none);
                int turns = 0;
                while (w.operators.receipts == before && turns < 100) {
                    w.bus.dispatch(budget);
                    ++turns;
                }
                INFO("budget " << budget << ", resets " << each_time << ", verb "
                               << static_cast<int>(v));
                CHECK(turns < 100);
            }
            w.calm();
            w.settle();
        }
}
