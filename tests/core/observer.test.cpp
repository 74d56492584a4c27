// Rule: the observer sees every event with its global number and where it goes, every accepted
// command, every receipt and every decision.
#include "harness.hpp"

using namespace vmsig;
using namespace vmsig::test;

namespace {

struct scribe {
    std::vector<std::uint64_t> numbers;
    std::vector<std::pair<kind, std::uint64_t>> events;
    std::vector<correlation_id> commands, receipts;
    std::vector<audit_record> decisions;

    void on_event(const event& e, std::uint64_t n, std::uint64_t to) {
        const beside_the_turn mine;
        numbers.push_back(n);
        events.emplace_back(e.kind, to);
    }
    void on_command(correlation_id id, origin_id, const command&) {
        const beside_the_turn mine;
        commands.push_back(id);
    }
    void on_receipt(const event& e, origin_id) {
        const beside_the_turn mine;
        receipts.push_back(e.correlation);
    }
    void on_decision(const audit_record& r) {
        const beside_the_turn mine;
        decisions.push_back(r);
    }
};
struct observed_traits : test_traits {
    using observer = scribe;
};
struct tallying_traits : test_traits {
    using observer = counting_observer;
};

struct deaf {
    void on_event(const event&, std::uint64_t, std::uint64_t) {}
    void on_command(correlation_id, origin_id, const command&) {}
    void on_receipt(const event&, origin_id) {}
};
static_assert(observer<null_observer>);
static_assert(observer<counting_observer>);
static_assert(observer<scribe>);
static_assert(!observer<deaf>);

} // namespace

TEST_CASE("every event that a control gets has passed the observer, numbered without a hole") {
    bench<observed_traits> w;
    machine m;
    sensor s;
    agent a;
    w.bus.attach_adapter(m, w.vm);
    w.bus.attach_adapter(s, w.vm);
    a.bus = w.bus.attach(a, full(w.vm));
    w.settle();
    const auto got = a.bus.acquire(w.vm, lease_class::power);
    REQUIRE(got);
    const auto id = a.bus.submit(power(got.lease, verb::reset)).id;
    w.settle();
    s.bus.emit(console_output{});
    a.bus.release(got.lease);
    w.bus.set_grant(a.bus.origin(), grant{}.on(w.vm).allow(right::observe));
    w.bus.remove_endpoint(w.vm);
    w.settle();
    const scribe& seen = w.bus.observer();
    for (std::size_t i = 0; i < seen.numbers.size(); ++i) CHECK(seen.numbers[i] == i + 1);
    std::vector<kind> to_a;
    for (const auto& [k, to] : seen.events)
        if (has_bit(to, a.bus.origin().slot())) to_a.push_back(k);
    std::vector<kind> had = a.kinds();
    // Receipts are numbered when they are delivered, the others when they are emitted.
    std::sort(to_a.begin(), to_a.end());
    std::sort(had.begin(), had.end());
    CHECK(to_a == had);
    CHECK(seen.commands == std::vector{id});
    CHECK(seen.receipts == std::vector{id});
    const auto audited = w.records();
    REQUIRE(seen.decisions.size() == audited.size());
    for (std::size_t i = 0; i < audited.size(); ++i)
        CHECK(seen.decisions[i].what == audited[i].what);
}

TEST_CASE("the observer sees what nobody else may") {
    bench<observed_traits> w;
    sensor s;
    w.bus.attach_adapter(s, w.vm);
    s.bus.emit(console_output{});
    CHECK(w.bus.observer().events.back() == std::pair{kind::console_output, std::uint64_t{0}});
}

TEST_CASE("the counting observer counts") {
    bench<tallying_traits> w;
    machine m;
    agent a, b;
    w.bus.attach_adapter(m, w.vm);
    w.join(a, full(w.vm));
    w.join(b, full(w.vm));
    const counting_observer before = w.bus.observer();
    m.bus.emit(console_output{});
    REQUIRE(a.bus.submit(query_status(w.vm)));
    CHECK_FALSE(a.bus.submit(power({w.vm, {}, lease_class::power}, verb::pause)));
    w.settle();
    const counting_observer& now = w.bus.observer();
    CHECK(now.events == before.events + 2);
    CHECK(now.deliveries == before.deliveries + 3);
    CHECK(now.commands == 1);
    CHECK(now.receipts[static_cast<unsigned>(outcome::done)] == 1);
    CHECK(now.decisions[static_cast<unsigned>(decision::command_refused)] == 1);
    CHECK(now.decisions[static_cast<unsigned>(decision::command_admitted)] == 1);
}
