// Slow, silent and flooding peers: each is bounded, told of its loss, and nobody else notices.
#include <vmsig/transport/server.hpp>

#include "peers.hpp"

#include <support/alloc_guard.hpp>

using namespace vmsig;
using test::raw_peer;
using test::served;

namespace {

struct sensor {
    adapter_handle bus;
    void on_attach(adapter_handle b) { bus = b; }
};

/// Attached beside the machine: samples of the host's own kind.
struct sampled : served<> {
    explicit sampled(const server_options& o = {})
        : served<>{o} {
        samples = bus->register_kind("sample", {.name = "sample", .lane = lane::bulk});
        bus->attach_adapter(source, vm);
        // What a machine says while it boots would be news to one peer and none to the next.
        struct {
            void on_event(const event&, control_handle) {}
        } looks;
        const auto here = bus->attach(looks, grant{}.on_every().allow(right::admin));
        const auto said = [&here](endpoint_id e) {
            const auto counts = here.statistics(e);
            return counts ? counts->events : 0;
        };
        // Its state, its doorbell and its console.
        REQUIRE(await([&] { return said(vm) == 3 && said(other) == 3; }));
        here.detach();
    }
    void emit(std::uint64_t n) {
        source.bus.emit(samples, n);
        bus->dispatch();
    }
    sensor source;
    kind samples = kind::none;
};

std::uint64_t sample_number(const event& e) { return *e.payload_as<std::uint64_t>(); }

/// Reads, acknowledges, and lets the server go on, until nothing comes any more.
void catch_up(sampled& w, raw_peer& p) {
    for (std::uint64_t before = ~0ull; before != p.events;) {
        before = p.events;
        p.read();
        p.put(wire::acknowledge{p.events, 0}).flush();
        w.settle();
        p.read();
    }
}

} // namespace

TEST_CASE("server: a peer that never reads keeps its connection, loses the oldest and is told so") {
    sampled w;
    raw_peer slow = w.join(), healthy = w.join();
    constexpr std::uint64_t total = 5000;
    for (std::uint64_t n = 0; n < total; ++n) {
        w.emit(n);
        if (n % 16 == 0) catch_up(w, healthy);
    }
    catch_up(w, healthy);
    const auto all = healthy.events_of(w.samples);
    REQUIRE(all.size() == total); // nobody else notices
    for (std::uint64_t n = 0; n < total; ++n) CHECK(sample_number(all[n]) == n);
    CHECK(healthy.events_of(kind::gap).empty());

    CHECK_FALSE(slow.is_closed());
    catch_up(w, slow);
    const auto some = slow.events_of(w.samples);
    // The machine's console is in the same lane.
    const std::size_t others = healthy.events_of(kind::console_output).size();
    const std::size_t of_others = slow.events_of(kind::console_output).size();
    std::uint64_t lost = 0, last = 0;
    for (const event& e : slow.events_of(kind::gap)) lost += e.as<gap>()->count;
    CHECK(lost > 0);
    CHECK(some.size() + of_others + lost == total + others); // none is lost silently
    for (const event& e : some)
        CHECK((sample_number(e) == 0 || sample_number(e) > std::exchange(last, sample_number(e))));
    CHECK(sample_number(some.back()) == total - 1); // the newest is kept
}

TEST_CASE("server: numbers per endpoint have no holes, on the wire as in the queue") {
    sampled w;
    raw_peer slow = w.join();
    for (std::uint64_t n = 0; n < 1000; ++n) w.emit(n);
    catch_up(w, slow);
    std::uint64_t expected = 0;
    for (const auto& r : slow.read()) {
        event e;
        std::span<const std::byte> payload;
        if (r.type != wire::frame_type::event) continue;
        REQUIRE(wire::get_event({r.type, false, r.body}, e, payload));
        if (e.sequence != 0 && e.kind != kind::receipt && e.timestamp.ns >= 0) {
            if (e.endpoint == w.handle_of(slow, "build-7")) CHECK(e.sequence == ++expected);
        }
    }
    CHECK(expected > 64);
}

TEST_CASE(
    "server: a storm of resets folds for who does not read, and the count and the latest arrive") {
    sampled w;
    raw_peer slow = w.join();
    const std::uint64_t before = w.bus->epoch_of(w.vm).value;
    for (int n = 0; n < 2000; ++n) {
        w.source.bus.emit(lifecycle{transition::reset, cause::guest});
        w.bus->dispatch();
    }
    w.settle();
    catch_up(w, slow);
    std::uint64_t told = 0, latest = 0;
    for (const event& e : slow.events_of(kind::epoch_changed)) {
        told += e.as<epoch_changed>()->count;
        CHECK(e.epoch.value > latest);
        latest = e.epoch.value;
    }
    CHECK(told == 2000);
    CHECK(latest == before + 2000);
    CHECK(w.bus->epoch_of(w.vm).value == latest);
}

TEST_CASE("server: with nobody reading, a turn allocates nothing and ends") {
    sampled w;
    raw_peer slow = w.join();
    for (std::uint64_t n = 0; n < 500; ++n) w.emit(n);
    std::uint64_t allocated = 0;
    for (std::uint64_t n = 0; n < 500; ++n) allocated += test::allocations_in([&] { w.emit(n); });
    CHECK(allocated == 0);
    CHECK(w.settle() < 100); // and nothing keeps the loop awake
}

TEST_CASE(
    "server: a peer that asks and does not read is not read any more, and others are served") {
    sampled w;
    raw_peer flood = w.join(), healthy = w.join();
    const endpoint_id at = w.handle_of(flood, "build-7");
    wire::may q;
    q.endpoint = at;
    unsigned datagrams = 0;
    for (; datagrams < 10'000; ++datagrams) {
        for (int n = 0; n < 100; ++n) flood.put(q);
        if (!flood.flush()) break; // the kernel's queue is full: it has to wait
        w.bus->dispatch();
        if (datagrams % 100 == 0) {
            wire::may once;
            once.request = datagrams;
            once.endpoint = w.handle_of(healthy, "build-7");
            healthy.put(once).flush();
            w.settle();
            CHECK(healthy.last<wire::answer>().request == datagrams);
        }
    }
    CHECK(datagrams < 10'000);
    CHECK_FALSE(flood.is_closed());
    CHECK(w.settle() < 100);
    // It reads at last: every question is answered, in order.
    std::size_t answers = 0;
    for (std::size_t before = ~std::size_t{0}; before != answers;) {
        before = answers;
        w.settle();
        answers = 0;
        for (const auto& r : flood.read()) answers += r.type == wire::frame_type::answer ? 1 : 0;
    }
    CHECK(answers == std::size_t{datagrams} * 100);
}

TEST_CASE("server: one datagram is read of a peer in a turn, however many wait") {
    sampled w;
    raw_peer p = w.join();
    wire::may q;
    q.endpoint = w.handle_of(p, "build-7");
    for (std::uint32_t n = 1; n <= 20; ++n) {
        q.request = n;
        p.put(q).flush();
    }
    for (std::uint32_t n = 1; n <= 20; ++n) {
        w.bus->dispatch();
        CHECK(p.last<wire::answer>().request == n);
    }
}

TEST_CASE("server: commands beyond the cap are busy, and the connection stays") {
    sampled w;
    raw_peer p = w.join();
    const endpoint_id at = w.handle_of(p, "build-7");
    wire::submit q;
    q.verb = verb::status;
    q.endpoint = at;
    q.not_before = seconds(100).ns > 0 ? instant{seconds(100).ns} : instant{};
    q.options = wire::not_before_relative;
    for (std::uint32_t n = 1; n <= 300; ++n) {
        q.request = n;
        p.put(q);
        if (n % 100 == 0) p.flush();
    }
    w.settle();
    unsigned accepted = 0, busy = 0;
    for (const auto& r : p.read()) {
        wire::submitted s;
        std::span<const std::byte> tail;
        if (r.type != s.type) continue;
        REQUIRE(wire::parse({r.type, false, r.body}, s, tail));
        accepted += s.why == refusal::none ? 1 : 0;
        busy += s.why == refusal::busy ? 1 : 0;
    }
    CHECK(accepted == 256);
    CHECK(busy == 44);
    CHECK_FALSE(p.is_closed());
}

TEST_CASE("server: after the host has detached a peer nothing more comes but goodbye") {
    sampled w;
    raw_peer p = w.join();
    w.bus->detach(p.last<wire::welcome>().origin);
    p.frames.clear();
    w.emit(1);
    w.settle();
    CHECK(p.is_closed());
    REQUIRE(p.frames.size() == 1);
    CHECK(p.last<wire::goodbye>().why == wire::farewell::detached);
}

TEST_CASE("server: a narrowed grant takes back what waits for a peer") {
    sampled w;
    raw_peer p = w.join();
    const origin_id who = p.last<wire::welcome>().origin;
    for (std::uint64_t n = 0; n < 200; ++n) w.emit(n); // most of it waits
    catch_up(w, p);
    for (std::uint64_t n = 1000; n < 1200; ++n) w.emit(n);
    w.bus->set_grant(who, grant{}.on(w.other).allow(test::every_right));
    catch_up(w, p);
    std::size_t later = 0;
    for (const event& e : p.events_of(w.samples)) later += sample_number(e) >= 1000 ? 1 : 0;
    CHECK(later <= wire::event_window); // what was with the kernel already
}

TEST_CASE(
    "server: a machine that was removed is told of, though the grant changes right behind it") {
    test::served<> w;
    raw_peer p = w.join();
    const endpoint_id gone = test::served<>::handle_of(p, "build-7");
    w.bus->remove_endpoint(w.vm);
    w.bus->set_grant(p.last<wire::welcome>().origin, grant{}.on(w.other).allow(right::observe));
    w.settle();
    const auto told = p.events_of(kind::endpoint_removed);
    REQUIRE(told.size() == 1);
    CHECK(told[0].endpoint == gone);
}

TEST_CASE(
    "server: a machine that is gone before a peer was told of it is told of by name, or not") {
    test::served<> w;
    struct {
        void on_event(const event& e, control_handle) {
            if (e.is(kind::replay_end) && e.endpoint == next) bus->remove_endpoint(next);
        }
        decltype(w.bus.get()) bus;
        endpoint_id next;
    } removes{w.bus.get(), {}};
    const bool first = GENERATE(true, false); // it has its replay before the peer has
    control_handle here;
    const auto attach = [&] {
        here = w.bus->attach(removes, grant{}.on_every().allow(right::observe));
    };
    if (first) attach();
    raw_peer p = w.join();
    if (!first) attach();
    w.settle();
    p.read();
    p.frames.clear();
    removes.next = w.bus->add_endpoint("next");
    w.settle();
    CHECK_FALSE(w.bus->find_endpoint("next").has_value());
    std::size_t names = 0;
    for (const auto& r : p.read()) {
        wire::endpoint_named named;
        std::span<const std::byte> rest;
        if (r.type != named.type || !wire::parse({r.type, false, r.body}, named, rest)) continue;
        CHECK(wire::text_of(named.name) == "next");
        ++names;
    }
    CHECK(p.events_of(kind::endpoint_removed).size() == names);
    CHECK(p.events_of(kind::replay_begin).size() <= names);
    here.detach();
}

TEST_CASE("server: a machine that was taken away and given back in one turn has a new handle") {
    test::served<> w;
    raw_peer p = w.join();
    const origin_id who = p.last<wire::welcome>().origin;
    const endpoint_id before = test::served<>::handle_of(p, "build-7");
    w.bus->set_grant(who, grant{}.on(w.other).allow(test::every_right));
    w.bus->set_grant(who, grant{}.on_every().allow(test::every_right));
    w.settle();
    const endpoint_id after = test::served<>::handle_of(p, "build-7");
    CHECK(after != before);
    std::uint64_t numbered = 0;
    bool ready = false, over = false;
    for (const raw_peer::received& r : p.read()) {
        event e;
        std::span<const std::byte> payload;
        if (r.type != wire::frame_type::event) continue;
        REQUIRE(wire::get_event({r.type, false, r.body}, e, payload));
        if (e.kind == kind::receipt) continue;
        CHECK((!over || e.endpoint != before));
        const auto* g = e.as<grant_changed>();
        over = over || (g && g->rights == 0 && e.endpoint == before);
        if (e.endpoint != after) continue;
        ready = ready || e.kind == kind::replay_end;
        if (e.sequence != 0) CHECK(e.sequence == ++numbered);
    }
    CHECK(over);
    CHECK(ready);
}
