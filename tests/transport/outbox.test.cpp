// Slow subscribers: bounded, in order, by lane; coalescing, folding, gap markers, numbers without
// holes; snapshots whole; no memctx behind its invalidation.
#include <vmsig/transport/outbox.hpp>

#include <support/alloc_guard.hpp>
#include <support/catch.hpp>

#include <vector>

using namespace vmsig;

namespace {

const endpoint_id vm = endpoint_id::make(0, 1);
const endpoint_id other = endpoint_id::make(1, 1);
constexpr auto telemetry = static_cast<kind>(40);

event on(endpoint_id e, kind k, lane l) {
    event out;
    out.kind = k;
    out.endpoint = e;
    out.lane = l;
    return out;
}
template <class P>
event core_event(endpoint_id e, const P& p) {
    event out = on(e, P::event_kind, traits_of(P::event_kind).lane);
    out.source = traits_of(P::event_kind).source;
    out.set_payload(p);
    return out;
}
event number(std::uint64_t n, lane l = lane::normal, endpoint_id e = vm) {
    event out = on(e, telemetry, l);
    out.set_payload(n);
    return out;
}
std::uint64_t count_in(const event& e) { return *e.payload_as<std::uint64_t>(); }

/// Everything that waits, sent.
std::vector<event> drain(outbox& o, bool window_open = true) {
    std::vector<event> out;
    while (const event* e = o.stage(window_open)) out.push_back(*e);
    o.commit([](const event&) {});
    return out;
}

} // namespace

TEST_CASE("outbox: first in, first out, numbered per endpoint without holes") {
    outbox o;
    for (std::uint64_t n = 0; n < 10; ++n)
        o.push(number(n, lane::normal, n % 3 ? vm : other), false);
    std::uint64_t here = 0, there = 0, expected = 0;
    for (const event& e : drain(o)) {
        CHECK(count_in(e) == expected++);
        CHECK(e.sequence == (e.endpoint == vm ? ++here : ++there));
    }
    CHECK(expected == 10);
    CHECK(o.empty());
}

TEST_CASE("outbox: a higher lane overtakes, and bulk progresses beside it") {
    outbox o;
    for (std::uint64_t n = 0; n < 40; ++n) {
        o.push(number(n, lane::bulk), false);
        o.push(number(n, lane::high), false);
    }
    const auto sent = drain(o);
    CHECK(sent[0].lane == lane::high);
    std::size_t first_bulk = 0;
    while (sent[first_bulk].lane != lane::bulk) ++first_bulk;
    CHECK(first_bulk <= 16); // the credit of high
    CHECK(sent.size() == 80);
}

TEST_CASE("outbox: what was not sent goes again, in order and with the same numbers") {
    outbox o;
    for (std::uint64_t n = 0; n < 5; ++n) o.push(number(n), false);
    for (int tries = 0; tries < 3; ++tries) {
        for (std::uint64_t n = 0; n < 3; ++n) {
            const event* e = o.stage(true);
            REQUIRE(e);
            CHECK(count_in(*e) == n);
            CHECK(e->sequence == n + 1);
        }
        o.rollback();
    }
    const event* e = o.stage(true);
    REQUIRE(e);
    o.unstage(); // no room for it in the datagram
    CHECK(drain(o).size() == 5);
}

TEST_CASE("outbox: with a closed window only the safety lane goes") {
    outbox o;
    o.push(number(1), false);
    o.push(core_event(vm, lifecycle{transition::paused}), false);
    CHECK(o.anything(false));
    const auto sent = drain(o, false);
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].kind == kind::lifecycle);
    CHECK_FALSE(o.anything(false));
    CHECK(drain(o, true).size() == 1);
}

TEST_CASE("outbox: what coalesces: the first at once, and of those that wait the last") {
    outbox o;
    CHECK(o.push(number(1), true) == outbox::kept::queued);
    CHECK(count_in(drain(o)[0]) == 1);
    o.push(number(2), true);
    CHECK(o.push(number(3), true) == outbox::kept::merged);
    o.push(number(4, lane::normal, other), true); // another key
    const auto sent = drain(o);
    REQUIRE(sent.size() == 2);
    CHECK(count_in(sent[0]) == 3);
    CHECK(count_in(sent[1]) == 4);
}

TEST_CASE("outbox: without room the oldest of the lowest lane is lost, and a gap says how many") {
    outbox o;
    for (std::uint64_t n = 0; n < outbox::ordinary_events; ++n)
        o.push(number(n, lane::bulk), false);
    for (std::uint64_t n = 0; n < 10; ++n) o.push(number(1000 + n, lane::normal), false);
    const auto sent = drain(o);
    REQUIRE(sent.size() == outbox::ordinary_events + 1u);
    const auto* lost = sent[0].as<gap>();
    REQUIRE(lost);
    CHECK(lost->lane == lane::bulk);
    CHECK(lost->count == 10);
    std::uint64_t sequence = 0, bulk = 10;
    for (const event& e : sent) {
        CHECK(e.sequence == ++sequence); // the marker has a number too
        if (e.lane == lane::bulk) CHECK(count_in(e) == bulk++);
    }
    CHECK(bulk == outbox::ordinary_events);
}

TEST_CASE("outbox: a lower lane never takes the place of a higher one: it is lost itself") {
    outbox o;
    for (std::uint64_t n = 0; n < outbox::ordinary_events; ++n)
        o.push(number(n, lane::high), false);
    CHECK(o.push(number(1, lane::bulk), false) == outbox::kept::lost);
    const auto sent = drain(o);
    CHECK(sent.size() == outbox::ordinary_events + 1u);
    REQUIRE(sent[0].as<gap>());
    CHECK(sent[0].as<gap>()->lane == lane::bulk);
}

TEST_CASE("outbox: lifecycle, lease and epoch events are never lost: they fold per endpoint") {
    outbox o;
    for (std::uint64_t n = 0; n < outbox::ordinary_events; ++n)
        o.push(number(n, lane::bulk), false);
    for (std::uint32_t n = 1; n <= 1000; ++n) {
        event raised = core_event(vm, epoch_changed{transition::reset, cause::guest, 1});
        raised.epoch = {n};
        CHECK(o.push(raised, false) != outbox::kept::lost);
        CHECK(o.push(core_event(vm, lifecycle{transition::reset}), false) != outbox::kept::lost);
        lease_changed change;
        change.lease_class = n % 2 ? lease_class::input : lease_class::power;
        change.serial = {n};
        CHECK(o.push(core_event(vm, change), false) != outbox::kept::lost);
    }
    std::uint32_t epochs = 0, changes = 0;
    std::uint64_t latest_epoch = 0, input = 0, power = 0;
    for (const event& e : drain(o)) {
        if (const auto* raised = e.as<epoch_changed>()) {
            epochs += raised->count;
            latest_epoch = e.epoch.value;
        }
        if (const auto* change = e.as<lease_changed>()) {
            changes += change->count;
            (change->lease_class == lease_class::input ? input : power) = change->serial.value;
        }
    }
    CHECK(epochs == 1000);
    CHECK(latest_epoch == 1000);
    CHECK(changes == 1000);
    CHECK(input == 999); // each cell has its own
    CHECK(power == 1000);
}

TEST_CASE("outbox: of a memctx only the latest waits, and none behind its invalidation") {
    outbox o;
    o.push(core_event(vm, memctx_published{{1}}), false);
    CHECK(o.push(core_event(vm, memctx_published{{2}}), false) == outbox::kept::merged);
    o.push(core_event(other, memctx_published{{9}}), false);
    o.push(core_event(vm, memctx_invalidated{{1}}), false);
    const auto sent = drain(o);
    REQUIRE(sent.size() == 2);
    CHECK(sent[0].kind == kind::memctx_invalidated);
    CHECK(sent[1].endpoint == other);
}

TEST_CASE("outbox: a snapshot goes out whole, behind everything older of its endpoint") {
    outbox o;
    o.push(number(1, lane::bulk), false);
    o.push(number(2, lane::normal), false);
    o.push(number(3, lane::bulk, other), false);
    o.push(on(vm, kind::replay_begin, lane::safety), false);
    o.push(core_event(vm, memctx_published{{1}}), false); // of the lane high
    o.push(core_event(vm, leds_changed{1}), true);
    o.push(on(vm, kind::replay_end, lane::safety), false);
    o.push(number(4, lane::high), false);
    const auto sent = drain(o);
    REQUIRE(sent.size() == 8);
    CHECK(count_in(sent[0]) == 1);
    CHECK(count_in(sent[1]) == 2);
    CHECK(sent[2].kind == kind::replay_begin);
    CHECK(sent[3].kind == kind::memctx_published);
    CHECK(sent[4].kind == kind::leds_changed);
    CHECK(sent[5].kind == kind::replay_end);
    for (std::size_t n = 2; n < 6; ++n) CHECK(sent[n].sequence == 0);
    CHECK(count_in(sent[6]) == 4);
    CHECK(sent[6].sequence == 3);
}

TEST_CASE("outbox: snapshots that nobody reads do not pile up") {
    outbox o;
    for (int n = 0; n < 10'000; ++n) {
        o.push(on(vm, kind::replay_begin, lane::safety), false);
        o.push(core_event(vm, lifecycle{}), false);
        o.push(on(vm, kind::replay_end, lane::safety), false);
    }
    CHECK(drain(o).size() == 3);
}

TEST_CASE("outbox: machines that come and go while nobody reads do not pile up") {
    outbox o;
    o.push(number(1), false);
    CHECK(drain(o).size() == 1); // the peer knows of the first one
    for (std::uint64_t generation = 1; generation < 10'000; ++generation) {
        const endpoint_id e = endpoint_id::make(0, generation);
        CHECK(o.push(core_event(e, epoch_changed{}), false) != outbox::kept::lost);
        CHECK(o.push(on(e, kind::endpoint_removed, lane::safety), false) != outbox::kept::lost);
    }
    const auto sent = drain(o);
    CHECK(sent.size() == 3); // that the first is gone, and what the last one said
    CHECK(sent[0].kind == kind::endpoint_removed);
    CHECK(sent[0].endpoint == vm);
}

TEST_CASE("outbox: what a narrowed grant forbids is taken out") {
    outbox o;
    o.push(number(1), false);
    o.push(number(2, lane::normal, other), false);
    o.keep_if([](const event& e) { return e.endpoint == other; });
    const auto sent = drain(o);
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].endpoint == other);
}

TEST_CASE("outbox: nothing is allocated after it was made") {
    outbox o;
    std::size_t sent = 0;
    const test::no_allocations guard;
    for (std::uint64_t n = 0; n < 3000; ++n) {
        o.push(number(n, static_cast<lane>(n % 4)), n % 5 == 0);
        if (n % 700 == 0)
            while (o.stage(true)) ++sent;
        if (n % 700 == 0) o.commit([](const event&) {});
    }
    const std::uint64_t count = guard.count();
    CHECK(count == 0);
    CHECK(sent > 0);
}

TEST_CASE("outbox: what was staged in vain forgets its number, whoever has its slot then") {
    outbox o;
    const endpoint_id next = endpoint_id::make(0, 2); // in the slot of `vm`
    o.push(number(1), false);
    CHECK(drain(o).size() == 1);
    o.push(number(2), false);
    event removed = on(vm, kind::endpoint_removed, lane::safety);
    o.push(removed, false);
    while (o.stage(true)) {}
    o.rollback();
    o.push(number(3, lane::normal, next), false);
    const std::vector<event> sent = drain(o);
    REQUIRE(sent.size() == 2);
    CHECK(sent[0].kind == kind::endpoint_removed);
    CHECK(sent[0].sequence == 0);
    CHECK(sent[1].endpoint == next);
    CHECK(sent[1].sequence == 1);
}
