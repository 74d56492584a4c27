// Rule: submit answers at once: accepted with an id, or refused for one reason, without id or
// receipt, with exactly one audit record; and nobody else notices.
#include "harness.hpp"

using namespace vmsig;
using namespace vmsig::test;

namespace {

struct admitting : bench<> {
    agent a;
    machine m;
    lease keys, host, writes;
    admitting() {
        bus.attach_adapter(m, vm);
        keys = own(a, lease_class::input);
        host = own(a, lease_class::power);
        writes = own(a, lease_class::memwrite);
    }
    /// Refused for that reason: no id, no receipt, one record.
    void refused(agent& who, const command& c, refusal why, std::span<const std::byte> bulk = {}) {
        who.log.clear();
        const auto before = records().size();
        const auto answer = who.bus.submit(c, bulk);
        CHECK(static_cast<int>(answer.why) == static_cast<int>(why));
        CHECK_FALSE(answer.id);
        settle();
        CHECK(who.count(kind::receipt) == 0);
        const auto after = records();
        REQUIRE(after.size() == before + 1);
        CHECK(after.back().what == decision::command_refused);
        CHECK(after.back().verdict == static_cast<std::uint8_t>(why));
        CHECK(after.back().origin == who.bus.origin());
        CHECK(bus.pending_of(who.bus.origin()) == 0);
    }
};

command with(command c, void (*change)(command&)) {
    change(c);
    return c;
}

} // namespace

TEST_CASE("what is malformed is invalid") {
    admitting w;
    const command good = press(w.keys, KEY_A);
    const auto bad = [&](void (*f)(command&)) { w.refused(w.a, with(good, f), refusal::invalid); };
    bad([](command& c) { c.verb = verb::none; });
    bad([](command& c) { c.verb = static_cast<verb>(200); });
    bad([](command& c) { c.lane = static_cast<lane>(4); });
    bad([](command& c) { c.mode = static_cast<write_mode>(3); });
    bad([](command& c) { c.deadline.ns = -1; });
    bad([](command& c) { c.not_before.ns = -1; });
    bad([](command& c) { c.hold.ns = -1; });
    bad([](command& c) { c.changes = 0; });
    bad([](command& c) { c.changes = inline_changes + 1; });
    bad([](command& c) { c.frame[0].type = EV_SYN; });
    bad([](command& c) { c.frame[0].value = 2; });
    const command write = store(w.writes, {0x1000, 0}, 1);
    const auto bad_write = [&](void (*f)(command&)) {
        w.refused(w.a, with(write, f), refusal::invalid);
    };
    bad_write([](command& c) { c.memory.length = 0; });
    bad_write([](command& c) { c.memory.length = 3; });
    bad_write([](command& c) { c.memory.length = 16; });
    bad_write([](command& c) { c.memory.length = small_limits::payload_bytes + 1; });
    bad_write([](command& c) { c.hold = milliseconds(1); });
    bad_write([](command& c) {
        c.mode = write_mode::best_effort;
        c.compare = true;
    });
    w.refused(w.a, with(read_memory(w.vm, {0, 0}, 1), [](command& c) { c.memory.length = 0; }),
              refusal::invalid);
}

TEST_CASE("bulk bytes must fit the command that they ride with") {
    admitting w;
    const std::vector<std::byte> bulk(small_limits::payload_bytes + 8);
    const auto bytes = [&](std::size_t n) { return std::span{bulk}.first(n); };
    w.refused(w.a, power(w.host, verb::pause), refusal::invalid, bytes(8));
    w.refused(w.a, press(w.keys, KEY_A), refusal::invalid, bytes(8));
    w.refused(w.a, frame_of(w.keys, {}), refusal::invalid, bytes(7));
    w.refused(w.a, frame_of(w.keys, {}), refusal::invalid,
              bytes((max_frame_changes + 1) * sizeof(input_change)));
    w.refused(w.a, frame_of(w.keys, {}), refusal::invalid, bytes(8)); // type 0 is EV_SYN
    w.refused(w.a, write_memory(w.writes, {0, 0}, 32, write_mode::paused), refusal::invalid);
    w.refused(w.a, write_memory(w.writes, {0, 0}, 32, write_mode::paused), refusal::invalid,
              bytes(31));
    w.refused(w.a, write_memory(w.writes, {0, 0}, 32, write_mode::paused), refusal::invalid,
              bytes(bulk.size()));
    CHECK(w.a.bus.submit(write_memory(w.writes, {0, 0}, 32, write_mode::paused), bytes(32)));
}

TEST_CASE("absent and forbidden are both denied, and look the same") {
    admitting w;
    agent stranger;
    w.join(stranger, grant{}.on(w.vm).allow(right::memread));
    const endpoint_id absent = endpoint_id::make(3, 1);
    const endpoint_id former = endpoint_id::make(0, 77);
    for (const endpoint_id e : {w.vm, absent, former, endpoint_id{}}) {
        w.refused(stranger, query_status(e), refusal::denied);
        CHECK(stranger.bus.may(verb::status, e) == refusal::denied);
        CHECK(stranger.bus.acquire(e, lease_class::input).why == refusal::denied);
        CHECK(stranger.bus.status(e, lease_class::input).error() == refusal::denied);
        CHECK(stranger.bus.memctx(e).error() == refusal::denied);
        CHECK(stranger.bus.refresh(e) == refusal::denied);
        CHECK(stranger.bus.force_release(e, lease_class::input) == refusal::denied);
    }
    CHECK(stranger.bus.find("nothing").error() == refusal::denied);
    agent blind;
    w.join(blind, grant{});
    CHECK(blind.bus.find("vm").error() == refusal::denied);
    CHECK(stranger.bus.find("vm").value() == w.vm);
}

TEST_CASE("each verb needs its right, and `may` says what submit does") {
    admitting w;
    const std::array<verb, 12> verbs{verb::input,     verb::start,         verb::pause,
                                     verb::resume,    verb::reset,         verb::power_button,
                                     verb::power_off, verb::snapshot_save, verb::snapshot_restore,
                                     verb::status,    verb::mem_write,     verb::mem_read};
    for (unsigned r = 0; r < right_count; ++r) {
        agent one;
        w.join(one, grant{}.on(w.vm).allow(static_cast<right>(r)));
        for (const verb v : verbs) {
            command c;
            c.verb = v;
            c.endpoint = w.vm;
            const bool allowed = right_of(class_of(v)) == static_cast<right>(r);
            CHECK((one.bus.may(v, w.vm) == refusal::none) == allowed);
            CHECK((one.bus.submit(c).why != refusal::denied) == allowed);
        }
        one.bus.detach();
        w.settle();
    }
    CHECK(w.a.bus.may(verb::none, w.vm) == refusal::invalid);
}

TEST_CASE("a right on one endpoint is none on another") {
    admitting w;
    const endpoint_id other = w.bus.add_endpoint("other");
    w.settle();
    lease wrong = w.host;
    wrong.endpoint = other;
    w.refused(w.a, power(wrong, verb::pause), refusal::denied);
    agent both;
    w.join(both, full(other));
    const auto got = both.bus.acquire(other, lease_class::power);
    REQUIRE(got);
    lease forged = got.lease;
    forged.endpoint = w.vm;
    w.refused(both, power(forged, verb::pause), refusal::denied);
}

TEST_CASE("without the lease, or with a stale or another class's one, one is not the holder") {
    admitting w;
    agent b;
    w.join(b, full(w.vm));
    w.refused(b, power(w.host, verb::pause), refusal::not_holder);
    w.refused(w.a, power({w.vm, {}, lease_class::power}, verb::pause), refusal::not_holder);
    lease stale = w.host;
    stale.serial.value += 1;
    w.refused(w.a, power(stale, verb::pause), refusal::not_holder);
    CHECK(w.a.bus.release(w.host) == refusal::none);
    w.settle();
    w.refused(w.a, power(w.host, verb::pause), refusal::not_holder);
}

TEST_CASE("before replay_end one is not ready") {
    admitting w;
    agent b;
    b.bus = w.bus.attach(b, full(w.vm, 1));
    CHECK(b.bus.submit(query_status(w.vm)).why == refusal::not_ready);
    CHECK(b.bus.acquire(w.vm, lease_class::input).why == refusal::not_ready);
    CHECK(b.bus.memctx(w.vm).error() == refusal::not_ready);
    b.script = [&](const event& e, control_handle bus) {
        CHECK((bus.submit(query_status(w.vm)).why == refusal::none) == e.is(kind::replay_end));
        if (e.is(kind::replay_end)) b.script = {};
    };
    w.settle();
    CHECK(b.count(kind::receipt) == 1);
}

TEST_CASE("nobody there to do it: unsupported") {
    bench<> w;
    agent a;
    host_device host;
    const lease keys = w.own(a, lease_class::input);
    const lease power_lease = w.own(a, lease_class::power);
    CHECK(a.bus.submit(press(keys, KEY_A)).why == refusal::unsupported);
    CHECK(a.bus.submit(power(power_lease, verb::pause)).why == refusal::unsupported);
    CHECK(a.bus.submit(query_status(w.vm)).why == refusal::unsupported);
    CHECK(a.bus.submit(read_memory(w.vm, {0, 0}, 8)).why == refusal::unsupported);
    w.bus.attach_adapter(host, w.vm);
    CHECK(a.bus.submit(power(power_lease, verb::pause)));
}

TEST_CASE("a frame whose codes no single adapter takes is unsupported") {
    desk w;
    agent a;
    input_device &keyboard = w.keyboard, &mouse = w.mouse;
    const lease l = w.own(a, lease_class::input);
    const auto frame = [&](std::initializer_list<input_change> c) {
        return a.bus.submit(frame_of(l, c)).why;
    };
    CHECK(frame({input_change::key(KEY_A, true)}) == refusal::none);
    CHECK(frame({input_change::rel(REL_X, 1)}) == refusal::none);
    CHECK(frame({input_change::abs(ABS_X, 1)}) == refusal::unsupported);
    CHECK(frame({input_change::key(KEY_B, true), input_change::rel(REL_X, 1)}) ==
          refusal::unsupported);
    w.settle();
    CHECK(keyboard.executed.size() == 1);
    CHECK(mouse.executed.size() == 1);
}

TEST_CASE("what was derived from an older epoch is refused as stale") {
    admitting w;
    const epoch_number first = w.bus.epoch_of(w.vm);
    w.m.bus.emit(lifecycle{transition::reset, cause::guest, {}, 0});
    w.settle();
    command c = press(w.keys, KEY_A);
    c.epoch = first;
    w.refused(w.a, c, refusal::stale_epoch);
    w.refused(w.a, power(w.host, verb::pause).pinned(first), refusal::stale_epoch);
    CHECK(w.a.bus.submit(power(w.host, verb::pause)));
    CHECK(w.a.bus.submit(press(w.keys, KEY_A)));
}

TEST_CASE("a command carries the epoch that its issuer has seen, not the current one") {
    admitting w;
    agent b;
    w.join(b, full(w.vm, 5));
    bool checked = false;
    // `a` is told first, in slot order; `b` acts before it has been told.
    w.a.script = [&](const event& e, control_handle) {
        if (!e.is(kind::epoch_changed)) return;
        CHECK(w.a.bus.submit(read_memory(w.vm, {0, 0}, 8)).why == refusal::not_ready);
        checked = true;
    };
    sensor s;
    w.bus.attach_adapter(s, w.vm);
    inside(w, b, s, [&] {
        s.happened(transition::reset);
        CHECK(w.a.bus.submit(press(w.keys, KEY_A)).why == refusal::stale_epoch);
    });
    CHECK(checked);
    CHECK(w.a.bus.submit(press(w.keys, KEY_A)));
}

TEST_CASE("the 257th pending command is refused busy, and nobody else notices") {
    admitting w;
    agent b;
    w.join(b, full(w.vm));
    w.m.does = habit::later;
    for (int i = 0; i < 256; ++i) REQUIRE(w.a.bus.submit(query_status(w.vm)));
    CHECK(w.a.bus.submit(query_status(w.vm)).why == refusal::busy);
    CHECK(w.bus.pending_of(w.a.bus.origin()) == 256);
    CHECK(b.bus.submit(query_status(w.vm)));
    w.settle();
    CHECK(w.a.bus.submit(query_status(w.vm)).why == refusal::busy);
    CHECK(w.a.bus.cancel(w.m.executed.front().id) == cancel_result::too_late);
    w.m.bus.complete(w.m.executed.front().id);
    CHECK(w.a.bus.submit(query_status(w.vm)));
}

TEST_CASE("a lower quota of pending commands and of timers is kept") {
    bench<> w;
    host_device h;
    agent a;
    w.bus.attach_adapter(h, w.vm);
    w.join(a, full(w.vm).pending(3).timers(1));
    REQUIRE(a.bus.submit(query_status(w.vm).within(seconds(1))));
    CHECK(a.bus.submit(query_status(w.vm).within(seconds(1))).why == refusal::busy);
    REQUIRE(a.bus.submit(query_status(w.vm)));
    REQUIRE(a.bus.submit(query_status(w.vm)));
    CHECK(a.bus.submit(query_status(w.vm)).why == refusal::busy);
    w.settle();
    CHECK(a.bus.submit(query_status(w.vm).within(seconds(1))));
}

TEST_CASE("without room in the audit actuation is refused, and releasing works") {
    bench<fail_closed_traits> w;
    host_device h;
    agent a, b;
    w.bus.attach_adapter(h, w.vm);
    w.join(b, full(w.vm));
    w.join(a, full(w.vm));
    const auto got = a.bus.acquire(w.vm, lease_class::power);
    REQUIRE(got);
    refusal last = refusal::none;
    int accepted = 0;
    for (int i = 0; i < 20 && last == refusal::none; ++i) {
        last = a.bus.submit(query_status(w.vm)).why;
        accepted += last == refusal::none ? 1 : 0;
    }
    CHECK(last == refusal::audit_unavailable);
    CHECK(accepted > 0);
    CHECK(a.bus.acquire(w.vm, lease_class::input).why == refusal::audit_unavailable);
    CHECK(b.bus.submit(query_status(w.vm)));
    CHECK(a.bus.release(got.lease) == refusal::none);
    w.settle();
    CHECK(a.count(kind::receipt) == static_cast<std::size_t>(accepted));
    std::vector<audit_record> out;
    w.bus.audit().sink().drain([&](const audit_record& r) { out.push_back(r); });
    for (std::size_t i = 0; i < out.size(); ++i) CHECK(out[i].number == i + 1);
    CHECK(a.bus.submit(query_status(w.vm)));
    w.settle();
    w.bus.audit().sink().drain([&](const audit_record& r) { out.push_back(r); });
    bool said = false;
    for (const audit_record& r : out) said = said || r.what == decision::lost;
    CHECK(said);
}

TEST_CASE("each decision has one record at admission and one at the end, without a gap") {
    admitting w;
    std::vector<correlation_id> ids;
    for (int i = 0; i < 5; ++i) ids.push_back(w.a.bus.submit(query_status(w.vm)).id);
    CHECK(w.a.bus.cancel(ids[2]) == cancel_result::cancelled);
    w.settle();
    const auto all = w.records();
    for (std::size_t i = 0; i < all.size(); ++i) CHECK(all[i].number == i + 1);
    for (const correlation_id id : ids) {
        int admitted = 0, ended = 0;
        for (const audit_record& r : all) {
            if (r.correlation != id) continue;
            admitted += r.what == decision::command_admitted ? 1 : 0;
            ended += r.what == decision::command_ended ? 1 : 0;
        }
        CHECK(admitted == 1);
        CHECK(ended == 1);
    }
}

TEST_CASE("another's command cannot be followed, and that looks like one that is over") {
    admitting w;
    agent b;
    w.join(b, full(w.vm));
    w.m.does = habit::later;
    const auto first = w.a.bus.submit(query_status(w.vm));
    CHECK(b.bus.submit(query_status(w.vm).following(first.id)));
    CHECK(b.bus.submit(query_status(w.vm).following(correlation_id::make(9, 9999))));
    w.settle();
    CHECK(w.m.executed.size() == 3);
}

// Invariant I25. Ids can be guessed.
TEST_CASE("a command that is to follow itself follows nothing") {
    admitting w;
    const correlation_id first = w.a.bus.submit(query_status(w.vm)).id;
    w.settle();
    const auto next = correlation_id::make(first.slot(), first.generation() + 1);
    const correlation_id id = w.a.bus.submit(query_status(w.vm).following(next)).id;
    REQUIRE(id == next);
    w.settle();
    CHECK(w.a.outcome_of(id) == outcome::done);
}
