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

/// A host that asks for what records leave out.
struct curious_traits : test_traits {
    struct sink : ring_sink<256> {
        struct content {
            correlation_id id;
            command what;
            std::vector<std::byte> bytes;
        };
        std::vector<content> seen;
        void contents(correlation_id id, const command& c,
                      std::span<const std::byte> bytes) noexcept {
            const beside_the_turn mine;
            seen.push_back({id, c, {bytes.begin(), bytes.end()}});
        }
    };
    using audit_sink = sink;
};

/// Sends at the end of a turn what was written before, a few records at a time.
struct gathering_traits : test_traits {
    struct sink {
        int waiting = 0, sent = 0, ends = 0;
        std::vector<int>* told = nullptr;
        bool reserve(unsigned, unsigned) noexcept { return true; }
        void refund(unsigned, unsigned) noexcept {}
        bool write(const audit_record&, audit_room) noexcept {
            ++waiting;
            return true;
        }
        bool end_turn() noexcept {
            ++ends;
            const int now = std::min(waiting, 2);
            waiting -= now;
            sent += now;
            const beside_the_turn mine;
            if (told) told->push_back(sent);
            return waiting != 0;
        }
    };
    using audit_sink = sink;
};

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

TEST_CASE("a sink that asks for contents gets what is written, read and typed, and only then") {
    bench<curious_traits> w;
    agent a;
    machine m;
    w.bus.attach_adapter(m, w.vm);
    const lease keys = w.own(a, lease_class::input);
    const lease writes = w.own(a, lease_class::memwrite);
    REQUIRE(m.bus.publish(w.bus.epoch_of(w.vm)));
    w.settle();
    const auto& seen = w.bus.audit().sink().seen;
    const auto typed = a.bus.submit(press(keys, KEY_A)).id;
    REQUIRE(seen.size() == 1);
    CHECK(seen[0].id == typed);
    CHECK(seen[0].what.frame[0].code == KEY_A);
    const std::vector<std::byte> bytes(100, std::byte{'x'});
    const auto written =
        a.bus.submit(write_memory(writes, {0x1000, 0}, 100, write_mode::paused), bytes).id;
    REQUIRE(seen.size() == 2);
    CHECK(seen[1].id == written);
    CHECK(seen[1].bytes == bytes);
    m.ram = sealed_ram(m.ram_bytes, 0);
    REQUIRE(::pwrite(m.ram.get(), "secret!!", 8, 0x2000) == 8);
    const auto read = a.bus.submit(read_memory(w.vm, {0x2000, 0}, 8)).id;
    CHECK(seen.size() == 2);
    w.settle();
    REQUIRE(seen.size() == 3);
    CHECK(seen[2].id == read);
    CHECK(std::string(reinterpret_cast<const char*>(seen[2].bytes.data()), 8) == "secret!!");
    REQUIRE_FALSE(a.bus.submit(press({w.vm, {}, lease_class::input}, KEY_B)));
    const auto late = a.bus.submit(read_memory(w.vm, {0x2000, 0}, 8)).id;
    m.bus.emit(lifecycle{transition::reset, cause::guest, {}, 0});
    w.settle();
    CHECK(a.outcome_of(late) == outcome::stale_epoch);
    CHECK(seen.size() == 3);
}

TEST_CASE("a sink that gathers is told of the end of a turn when something was written, or waits") {
    std::vector<int> told;
    {
        bench<gathering_traits> w;
        agent a;
        machine m;
        auto& sink = w.bus.audit().sink();
        sink.told = &told;
        while (w.bus.dispatch() || sink.waiting != 0) {}
        const int before = sink.ends;
        w.bus.dispatch();
        CHECK(sink.ends == before); // nothing was written
        w.bus.attach_adapter(m, w.vm);
        w.join(a, full(w.vm));
        while (sink.waiting != 0) w.bus.dispatch();
        // Outside any turn and any change: the host's loop is told.
        const int sent = sink.sent;
        REQUIRE_FALSE(a.bus.submit(press({w.vm, {}, lease_class::input}, KEY_A)));
        CHECK(sink.sent == sent);
        w.settle();
        CHECK(sink.sent == sent + 1);
        for (int i = 0; i < 5; ++i)
            (void)a.bus.submit(press({w.vm, {}, lease_class::input}, KEY_A));
        w.bus.dispatch();
        CHECK(sink.sent == sent + 3);
        CHECK(sink.waiting == 3);
        w.bus.dispatch();
        CHECK(sink.sent == sent + 5);
        CHECK(sink.waiting == 1);
        told.clear();
    }
    CHECK(told.size() == 1); // what came when the core was destroyed
}
