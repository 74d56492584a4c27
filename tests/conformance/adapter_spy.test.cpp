// Rule: an adapter behind the spy of the suite cannot tell it from the core: what it asks for
// happens, and what it emits arrives as it was.
#include <vmsig/testing/adapter_spy.hpp>

#include <array>
#include <cstddef>
#include <cstring>
#include <utility>
#include <vector>

#include <support/catch.hpp>

#include <vmsig/core/core.hpp>
#include <vmsig/reactor/manual_reactor.hpp>

namespace {

using namespace vmsig;

struct limits : default_limits {
    static constexpr std::uint16_t endpoints = 2;
    static constexpr std::uint16_t controls = 2;
};
struct traits : default_traits {
    using reactor = manual_reactor;
    using limits = ::limits;
};
constexpr int gauge = 100; ///< what the manual reactor calls its descriptor

struct sensor {
    void on_attach(adapter_handle b) { bus = b; }
    void on_ready(cookie c, adapter_handle b) {
        CHECK(b.id() == bus.id());
        ready.push_back(c.value);
    }
    void on_hangup(cookie c, adapter_handle) { hangups.push_back(c.value); }
    void on_detached() { ++farewells; }

    adapter_handle bus;
    std::vector<std::uint64_t> ready, hangups;
    int farewells = 0;
};
struct manager {
    static constexpr roles serves = role::host_management;
    void on_attach(adapter_handle b) { bus = b; }
    void execute(fenced_command, adapter_handle) {}
    adapter_handle bus;
};
struct listener {
    void on_event(const event& e, control_handle bus) {
        seen.push_back(e);
        const auto pooled = bus.bytes(e.payload);
        if (!pooled.empty()) last_pooled.assign(pooled.begin(), pooled.end());
    }
    std::vector<event> seen;
    std::vector<std::byte> last_pooled;
};

struct stage {
    stage() {
        vm = bus.add_endpoint("vm");
        reading = bus.register_kind("reading", {.name = "reading", .source = source::memory});
        bus.attach_adapter(spy, vm);
        bus.attach(heard, grant{}.on(vm).allow(rights::all()));
        settle();
    }
    void settle() {
        while (bus.dispatch()) continue;
    }

    sensor device;
    testing::spied_adapter<sensor> spy{device};
    listener heard;
    core<traits> bus;
    endpoint_id vm;
    kind reading{};
};

template <std::size_t N>
bool arrives(stage& s) {
    std::array<std::byte, N> sample;
    for (std::size_t i = 0; i < N; ++i) sample[i] = static_cast<std::byte>(N + i);
    s.heard.seen.clear();
    if (!s.device.bus.emit(s.reading, sample)) return false;
    s.settle();
    if (s.heard.seen.size() != 1) return false;
    const event& e = s.heard.seen.front();
    return e.is(s.reading) && e.inline_size == N &&
           std::memcmp(e.inline_data, sample.data(), N) == 0;
}
template <std::size_t... N>
std::size_t how_many_arrive(stage& s, std::index_sequence<N...>) {
    return (std::size_t{arrives<N + 1>(s)} + ...);
}

TEST_CASE("an event of any size arrives through the spy as it was") {
    stage s;
    CHECK(how_many_arrive(s, std::make_index_sequence<inline_payload_bytes>{}) ==
          inline_payload_bytes);
    CHECK(s.spy.acts.emitted == inline_payload_bytes);
}

TEST_CASE("a pooled payload is filled, emitted and given back through the spy") {
    stage s;
    const payload_id block = s.device.bus.allocate(64);
    REQUIRE(block);
    const auto bytes = s.device.bus.bytes(block);
    REQUIRE(bytes.size() == 64);
    std::memset(bytes.data(), 0x5a, bytes.size());
    CHECK(s.device.bus.emit(s.reading, block, 64));
    s.settle();
    CHECK(s.heard.last_pooled == std::vector<std::byte>(64, std::byte{0x5a}));
    const payload_id unused = s.device.bus.allocate(64);
    REQUIRE(unused);
    s.device.bus.discard(unused);
    CHECK(s.device.bus.bytes(unused).empty());
}

TEST_CASE(
    "watches are made, changed and removed through the spy, and their calls reach the adapter") {
    stage s;
    const auto watch = s.device.bus.watch(gauge, interest::read, cookie{7});
    REQUIRE(watch);
    s.bus.reactor().make_ready(gauge, interest::read);
    s.bus.dispatch();
    REQUIRE(s.device.ready.size() == 1);
    CHECK(s.device.ready.front() == 7);
    CHECK(s.device.bus.rearm(*watch, {}));
    s.bus.dispatch();
    CHECK(s.device.ready.size() == 1);
    s.bus.reactor().clear_ready(gauge);
    s.bus.reactor().make_ready(gauge, interest::hangup);
    s.bus.dispatch();
    CHECK(s.device.hangups == std::vector<std::uint64_t>{7});
    CHECK(s.spy.acts.hangups == 1);
    s.device.bus.unwatch(*watch);
    CHECK(s.bus.reactor().watch_count() == 0);
}

TEST_CASE("the adapter asks through the spy where it is, and leaves once") {
    stage s;
    CHECK(s.device.bus.endpoint() == s.vm);
    CHECK(s.device.bus.epoch() == epoch_number{1});
    CHECK(s.device.bus.now() == s.bus.reactor().now());
    s.device.bus.detach();
    s.settle();
    CHECK(s.device.farewells == 1);
    CHECK(s.spy.acts.detached == 1);
    CHECK_FALSE(s.device.bus.endpoint());
}

TEST_CASE("a command that the spy never saw can be neither taken nor completed as another's") {
    manager other;
    testing::spied_adapter<manager> watched{other};
    stage s;
    s.bus.attach_adapter(watched, s.vm);
    other.bus.complete(correlation_id::make(3, 9));
    s.settle();
    CHECK(watched.acts.commands.empty());
    CHECK(watched.acts.detached == 0);
    CHECK(other.bus.endpoint() == s.vm);
}

TEST_CASE("an adapter that gives up through the spy is quarantined") {
    stage s;
    s.device.bus.fault();
    s.settle();
    CHECK(s.spy.acts.detached == 1);
    bool told = false;
    for (const event& e : s.heard.seen)
        if (const auto* gone = e.as<adapter_detached>()) told = gone->fault == 1;
    CHECK(told);
}

} // namespace
