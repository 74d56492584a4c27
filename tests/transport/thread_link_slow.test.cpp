// A thread that does not read costs itself alone: it is told of its loss, what may not be lost
// folds, and the loop neither waits nor allocates for it.
#include <vmsig/transport/thread_link.hpp>

#include <vmsig/client/client.hpp>
#include <vmsig/stub/machine.hpp>

#include <poll.h>

#include <vector>

#include <support/alloc_guard.hpp>
#include <support/catch.hpp>

using namespace vmsig;

namespace {

struct sampler {
    adapter_handle bus;
    void on_attach(adapter_handle b) { bus = b; }
};

/// A bus and its links on the test's own thread, so that each step is where the test puts it.
struct still_host {
    still_host() {
        machine.plug_into(bus, vm);
        samples = bus.register_kind("sample", {.name = "sample", .lane = lane::bulk});
        urgent = bus.register_kind("urgent", {.name = "urgent", .lane = lane::high});
        bus.attach_adapter(source, vm);
        settle();
    }
    unsigned settle() {
        unsigned turns = 0;
        ::pollfd p{bus.fd(), POLLIN, 0};
        while ((bus.dispatch() || ::poll(&p, 1, 0) == 1) && turns < 1000) ++turns;
        return turns;
    }
    grant everything() const {
        return grant{}.on(vm).allow(right::observe | right::memctx | right::memread |
                                    right::memwrite | right::input | right::power | right::admin);
    }
    std::unique_ptr<client> join(thread_link<core<>>& link) const {
        auto c = client::over(link.take_end());
        REQUIRE(c);
        return std::move(*c);
    }
    void emit(std::uint64_t n) {
        source.bus.emit(samples, n);
        bus.dispatch();
    }
    /// Reads what there is, and what comes when that is acknowledged.
    std::vector<event> all_of(client& c) {
        std::vector<event> all;
        for (bool any = true; std::exchange(any, false);) {
            while (const event* e = c.next_event()) {
                all.push_back(*e);
                any = true;
            }
            settle();
        }
        return all;
    }

    stub::machine machine;
    sampler source;
    core<> bus;
    endpoint_id vm = bus.add_endpoint("build-7");
    kind samples = kind::none, urgent = kind::none;
};

std::uint64_t sample_of(const event& e) { return *e.payload_as<std::uint64_t>(); }

} // namespace

TEST_CASE("thread: one that never reads loses the oldest and is told so, another loses nothing") {
    still_host h;
    thread_link slow_link{h.bus, h.everything()}, healthy_link{h.bus, h.everything()};
    const auto slow = h.join(slow_link), healthy = h.join(healthy_link);
    h.settle();
    constexpr std::uint64_t total = 5000;
    std::uint64_t heard = 0, others = 0;
    const auto catch_up = [&] {
        for (const event& e : h.all_of(*healthy)) {
            if (e.kind == h.samples) CHECK(sample_of(e) == heard++);
            others += e.kind == kind::console_output ? 1 : 0;
            CHECK(e.kind != kind::gap);
        }
    };
    for (std::uint64_t n = 0; n < total; ++n) {
        h.emit(n);
        if (n % 16 == 0) catch_up();
    }
    catch_up();
    CHECK(heard == total);

    CHECK(slow_link.attached());
    std::uint64_t came = 0, lost = 0, last = 0, sequence = 0;
    for (const event& e : h.all_of(*slow)) {
        if (e.sequence != 0) CHECK(e.sequence == ++sequence); // numbers have no holes
        if (const auto* g = e.as<gap>()) lost += g->count;
        came += e.kind == kind::console_output ? 1 : 0;
        if (e.kind != h.samples) continue;
        CHECK((sample_of(e) == 0 || sample_of(e) > last));
        last = sample_of(e);
        ++came;
    }
    CHECK(lost > 0);
    CHECK(came + lost == total + others); // none is lost silently
    CHECK(last == total - 1);             // the newest is kept
}

TEST_CASE("thread: for one that sleeps a storm of resets folds, its count and the latest arrive") {
    still_host h;
    thread_link link{h.bus, h.everything()};
    const auto c = h.join(link);
    h.settle();
    const std::uint64_t before = h.bus.epoch_of(h.vm).value;
    for (int n = 0; n < 2000; ++n) {
        h.source.bus.emit(lifecycle{transition::reset, cause::guest});
        h.bus.dispatch();
    }
    std::uint64_t told = 0, latest = 0;
    std::size_t notices = 0;
    for (const event& e : h.all_of(*c)) {
        const auto* changed = e.as<epoch_changed>();
        if (!changed) continue;
        ++notices;
        told += changed->count;
        CHECK(e.epoch.value > latest);
        latest = e.epoch.value;
    }
    CHECK(told == 2000);
    CHECK(latest == before + 2000);
    CHECK(notices < 2000);
}

TEST_CASE("thread: a higher lane overtakes what waits for one that sleeps, and the order stays") {
    still_host h;
    thread_link link{h.bus, h.everything()};
    const auto c = h.join(link);
    h.all_of(*c);
    for (std::uint64_t n = 0; n < 200; ++n) h.emit(n); // beyond the window: the rest waits
    for (std::uint64_t n = 0; n < 3; ++n) h.source.bus.emit(h.urgent, n);
    h.source.bus.emit(lifecycle{transition::reset, cause::guest});
    h.settle();
    std::vector<std::uint64_t> low, high;
    std::size_t low_before_high = 0, low_before_reset = 0, at = 0;
    for (const event& e : h.all_of(*c)) {
        if (e.kind == h.samples) low.push_back(sample_of(e)), ++at;
        if (e.kind == h.urgent && high.empty()) low_before_high = at;
        if (e.kind == h.urgent) high.push_back(sample_of(e));
        if (e.kind == kind::epoch_changed) low_before_reset = at;
    }
    REQUIRE(low.size() == 200);
    CHECK(std::is_sorted(low.begin(), low.end()));
    CHECK(high == std::vector<std::uint64_t>{0, 1, 2});
    CHECK(low_before_reset <= wire::event_window); // the safety lane needs no window
    CHECK(low_before_high < 100);
}

TEST_CASE("thread: with nobody reading a turn allocates nothing, and nothing keeps it awake") {
    still_host h;
    thread_link link{h.bus, h.everything()};
    const auto c = h.join(link);
    for (std::uint64_t n = 0; n < 500; ++n) h.emit(n);
    std::uint64_t allocated = 0;
    for (std::uint64_t n = 0; n < 500; ++n) allocated += test::allocations_in([&] { h.emit(n); });
    CHECK(allocated == 0);
    CHECK(h.settle() < 100);
    // Its requests too.
    for (int n = 0; n < 50; ++n) {
        command q;
        q.verb = verb::status;
        q.endpoint = h.vm;
        REQUIRE(c->send(q) != 0);
        REQUIRE(c->flush());
        allocated += test::allocations_in([&] { h.settle(); });
    }
    CHECK(allocated == 0);
}

TEST_CASE("thread: one that asks and does not read is not read any more, then answered in order") {
    still_host h;
    thread_link link{h.bus, h.everything()};
    thread_end end = link.take_end();
    h.settle();
    std::uint32_t asked = 0;
    for (int datagrams = 0; datagrams < 1000; ++datagrams) {
        const std::span<std::byte> place = end.reserve();
        if (place.empty()) break;
        wire::writer to{place};
        for (int n = 0; n < 100; ++n) {
            wire::may q;
            q.request = ++asked;
            wire::put_frame(to, q);
        }
        end.send(to.size());
        h.settle();
    }
    CHECK(asked < 100'000);
    CHECK(link.attached());
    CHECK(h.settle() < 100);
    std::uint32_t answered = 0;
    const auto take = [&](std::span<const std::byte> bytes, std::span<unique_fd>) {
        wire::frame_view f;
        wire::answer a;
        std::span<const std::byte> tail;
        while (!bytes.empty() && wire::next_frame(bytes, f))
            if (f.type == a.type && wire::parse(f, a, tail)) CHECK(a.request == ++answered);
    };
    do {
        while (end.receive(take)) {}
        h.settle();
    } while (end.readable());
    CHECK(answered == asked);
}

TEST_CASE("thread: a narrowed grant takes back what waits for it") {
    still_host h;
    thread_link link{h.bus, h.everything()};
    const auto c = h.join(link);
    h.all_of(*c);
    for (std::uint64_t n = 0; n < 200; ++n) h.emit(n);
    h.bus.set_grant(link.origin(), grant{}.on(h.vm).allow(right::input));
    std::size_t heard = 0;
    for (const event& e : h.all_of(*c)) heard += e.kind == h.samples ? 1 : 0;
    CHECK(heard <= wire::event_window); // what was under way already
}

TEST_CASE("thread: after the host has detached it nothing more is enqueued, and it is told why") {
    still_host h;
    thread_link link{h.bus, h.everything()};
    const auto c = h.join(link);
    h.all_of(*c);
    h.emit(1);
    h.bus.detach(link.origin());
    CHECK_FALSE(link.attached());
    h.emit(2);
    std::vector<std::uint64_t> heard;
    for (const event& e : h.all_of(*c))
        if (e.kind == h.samples) heard.push_back(sample_of(e));
    CHECK(heard == std::vector<std::uint64_t>{1});
    CHECK_FALSE(c->connected());
    CHECK(c->lost().why == wire::farewell::detached);
    CHECK(c->release({}) == refusal::gone);
}
