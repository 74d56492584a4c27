// Rule: every decision is audited and nothing else: an attachment is one record, what changes
// nothing is counted only, and no record tells what was written or typed.
#include "harness.hpp"

using namespace vmsig;
using namespace vmsig::test;

namespace {

std::vector<audit_record> since(bench<>& w, std::uint64_t number) {
    std::vector<audit_record> all;
    for (const audit_record& r : w.records())
        if (r.number > number) all.push_back(r);
    return all;
}

/// A history in which memory is written and read and keys are pressed; all its records.
std::vector<audit_record> history(std::uint64_t word, std::uint16_t key, char bulk) {
    bench<> w;
    agent a;
    machine m;
    w.bus.attach_adapter(m, w.vm);
    const lease keys = w.own(a, lease_class::input);
    const lease writes = w.own(a, lease_class::memwrite);
    REQUIRE(m.bus.publish(w.bus.epoch_of(w.vm)));
    w.settle();
    const std::vector<std::byte> bytes(100, static_cast<std::byte>(bulk));
    const std::vector<input_change> frame(1, input_change::key(key, true));
    REQUIRE(a.bus.submit(store(writes, {0x1000, 0}, word)));
    REQUIRE(a.bus.submit(compare_store(writes, {0x1000, 0}, word, ~word)));
    REQUIRE(a.bus.submit(write_memory(writes, {0x1000, 0}, 100, write_mode::paused), bytes));
    REQUIRE(a.bus.submit(read_memory(w.vm, {0x1000, 0}, 64)));
    REQUIRE(a.bus.submit(frame_of(keys, {}), std::as_bytes(std::span{frame})));
    REQUIRE(a.bus.submit(press(keys, static_cast<std::uint16_t>(key + 1)).hold(seconds(1))));
    w.settle();
    REQUIRE_FALSE(a.bus.submit(store({w.vm, {}, lease_class::memwrite}, {0, 0}, word)));
    m.does = habit::decline;
    REQUIRE(a.bus.submit(store(writes, {0x1000, 0}, word)));
    w.settle();
    a.bus.release(keys);
    w.settle();
    return w.records();
}

} // namespace

TEST_CASE("an attachment is audited: one record, who, of which rank and when, by number") {
    bench<> w;
    agent a, b;
    const std::uint64_t before = w.bus.audit().number();
    a.bus = w.bus.attach(a, full(w.vm, 7));
    w.bus.reactor().advance(seconds(1));
    w.settle();
    b.bus = w.bus.attach(b, grant{});
    const auto attached = w.records(decision::attached);
    REQUIRE(attached.size() == 2);
    CHECK(attached[0].number == before + 1);
    CHECK(attached[0].origin == a.bus.origin());
    CHECK(attached[0].detail == 7);
    CHECK_FALSE(attached[0].endpoint);
    CHECK(attached[1].origin == b.bus.origin());
    CHECK(attached[1].detail == 0);
    CHECK(attached[1].time == attached[0].time + seconds(1));
    CHECK(w.bus.audit().number() == before + 2); // replays are no decisions
    a.bus.detach();
    const auto detached = w.records(decision::detached);
    REQUIRE(detached.size() == 1);
    CHECK(detached[0].origin == attached[0].origin);
}

TEST_CASE("an adapter's attachment is audited: one record, where and what it serves") {
    bench<> w;
    machine m;
    const std::uint64_t before = w.bus.audit().number();
    w.bus.attach_adapter(m, w.vm);
    const auto records = since(w, before);
    REQUIRE(records.size() == 1);
    CHECK(records[0].what == decision::adapter_attached);
    CHECK(records[0].endpoint == w.vm);
    CHECK(records[0].detail == machine::serves.bits);
}

TEST_CASE("a safety verb that changes nothing is counted, not audited") {
    bench<> w;
    agent a, b;
    machine m;
    w.bus.attach_adapter(m, w.vm);
    const lease host = w.own(a, lease_class::power);
    w.join(b, full(w.vm));
    lease_options waits;
    waits.wait = true;
    const auto waiting = b.bus.acquire(w.vm, lease_class::power, waits);
    REQUIRE(waiting.what == acquire_result::status::waiting);
    m.does = habit::later;
    const auto begun = a.bus.submit(query_status(w.vm)).id;
    w.settle();
    REQUIRE(b.bus.withdraw(waiting.wait) == refusal::none);
    REQUIRE(a.bus.release(host) == refusal::none);
    const auto& audit = w.bus.audit();
    const auto counted = [&](decision d, auto&& verb_that_changes_nothing) {
        const std::uint64_t number = audit.number(), before = audit.count(d);
        for (int i = 0; i < 3; ++i) verb_that_changes_nothing();
        CHECK(audit.number() == number);
        return audit.count(d) - before;
    };
    // What is over, what is another's, what never was.
    CHECK(counted(decision::lease_ended, [&] { a.bus.release(host); }) == 3);
    CHECK(counted(decision::lease_ended, [&] { b.bus.release(host); }) == 3);
    CHECK(counted(decision::lease_ended, [&] { b.bus.release({}); }) == 3);
    CHECK(counted(decision::command_ended, [&] { a.bus.cancel(begun); }) == 3);
    CHECK(counted(decision::command_ended, [&] { b.bus.cancel(begun); }) == 3);
    CHECK(counted(decision::command_ended, [&] { a.bus.cancel({}); }) == 3);
    CHECK(counted(decision::lease_wait_ended, [&] { b.bus.withdraw(waiting.wait); }) == 3);
    CHECK(counted(decision::lease_wait_ended, [&] { a.bus.withdraw(waiting.wait); }) == 3);
    w.settle();
    CHECK(b.count(kind::lease_lost) == 0);
    CHECK(a.outcome_of(begun) == outcome::none);
}

TEST_CASE("no record of the audit depends on what was written, read or typed") {
    const auto one = history(0x0123456789abcdef, KEY_A, 'x');
    const auto two = history(0xfedcba9876543210, KEY_Q, 'y');
    REQUIRE(one.size() > 20);
    CHECK(one == two);
}
