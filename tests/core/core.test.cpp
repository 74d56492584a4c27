// Section 12, host: what a host does with a core directly. Kinds by name, closures that throw,
// sinks with arguments, questions that need `admin`, and regions of absolute coordinates.
#include <vmsig/core/core.hpp>

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include <vmsig/control/build.hpp>

#include <support/catch.hpp>

namespace {

using vmsig::refusal;
using vmsig::right;

struct silent_control {
    void on_event(const vmsig::event& e, vmsig::control_handle) {
        ready = ready || e.is(vmsig::kind::replay_end);
    }
    bool ready = false;
};
struct silent_adapter {
    vmsig::adapter_handle bus;
    void on_attach(vmsig::adapter_handle b) { bus = b; }
};

/// Takes absolute positions in two regions.
struct tablet {
    static constexpr vmsig::roles serves = vmsig::role::input;
    vmsig::input_codes taken = vmsig::input_codes::tablet();
    std::array<vmsig::input_region, 2> screens{{{1, 100, 50}, {2, 1000, 500}}};
    int applied = 0;

    const vmsig::input_codes& codes() const { return taken; }
    std::span<const vmsig::input_region> regions() const { return screens; }
    void execute(vmsig::fenced_command c, vmsig::adapter_handle bus) {
        if (!c.take()) return;
        ++applied;
        bus.complete(c.id());
    }
    std::size_t neutral(std::span<const vmsig::input_change> all, vmsig::adapter_handle) {
        return all.size();
    }
};

struct counting_sink {
    explicit counting_sink(int& n)
        : written{&n} {}
    bool reserve(unsigned, unsigned) noexcept { return true; }
    void refund(unsigned, unsigned) noexcept {}
    bool write(const vmsig::audit_record&, vmsig::audit_room) noexcept { return ++*written > 0; }
    int* written;
};
struct counted_traits : vmsig::default_traits {
    using audit_sink = counting_sink;
};

} // namespace

TEST_CASE("a closure that throws leaves dispatch and the core goes on") {
    vmsig::core<> bus;
    int ran = 0;
    REQUIRE(bus.post([] { throw std::runtime_error{"host"}; }));
    REQUIRE(bus.post([&ran] { ++ran; }));
    CHECK_THROWS_AS(bus.dispatch(), std::runtime_error);
    bus.dispatch();
    CHECK(ran == 1);
    REQUIRE(bus.post([] { throw std::runtime_error{"again"}; }));
    CHECK_THROWS_AS(bus.run(), std::runtime_error);
    REQUIRE(bus.post([&bus] { bus.stop(); }));
    bus.run();
    CHECK(bus.stopped());
}

TEST_CASE("the audit sink is made with the arguments of the core") {
    int written = 0;
    vmsig::core<counted_traits> bus{vmsig::rank_arbitration{}, written};
    bus.add_endpoint("vm");
    CHECK(written == 1);
    int callback_records = 0;
    const auto count = [&callback_records](const vmsig::audit_record&) { ++callback_records; };
    struct traits : vmsig::default_traits {
        using audit_sink = vmsig::callback_sink<std::function<void(const vmsig::audit_record&)>>;
    };
    vmsig::core<traits> other{vmsig::rank_arbitration{},
                              std::function<void(const vmsig::audit_record&)>{count}};
    other.add_endpoint("vm");
    CHECK(callback_records == 1);
}

TEST_CASE("kinds of the host are registered by name without clashes") {
    vmsig::core<> bus;
    const vmsig::kind k = bus.register_kind("sample", {.lane = vmsig::lane::bulk});
    CHECK(k == bus.register_kind("sample", {.lane = vmsig::lane::bulk}));
    CHECK(bus.name_of(k) == "sample");
    CHECK(bus.name_of(vmsig::kind::receipt) == "receipt");
    CHECK(bus.register_kind("other", {}) != k);
    CHECK_THROWS_AS(bus.register_kind("sample", {.lane = vmsig::lane::high}), vmsig::setup_error);
    CHECK_THROWS_AS(bus.register_kind("kept", {.retained = true}), vmsig::setup_error);
    CHECK_THROWS_AS(bus.register_kind("", {}), vmsig::setup_error);
    CHECK_THROWS_AS(bus.register_kind(std::string(48, 'x'), {}), vmsig::setup_error);
    int registered = 2;
    CHECK_THROWS_AS(
        [&] {
            for (;; ++registered) bus.register_kind("kind " + std::to_string(registered), {});
        }(),
        vmsig::setup_error);
    CHECK(registered == vmsig::max_kinds - static_cast<int>(vmsig::kind::first_host));
}

TEST_CASE("a pooled payload that is not there is not emitted") {
    silent_adapter a;
    vmsig::core<> bus;
    const auto vm = bus.add_endpoint("vm");
    bus.attach_adapter(a, vm);
    const auto k = bus.register_kind("large", {});
    CHECK_FALSE(a.bus.emit(k, vmsig::payload_id{}, 16));
    const auto block = a.bus.allocate(16);
    REQUIRE(a.bus.bytes(block).size() == 16);
    CHECK_FALSE(a.bus.emit(k, block, 17));
    CHECK_FALSE(a.bus.emit(k, block, 16)); // given away by the attempt before
    CHECK(a.bus.emit(k, a.bus.allocate(16), 16));
}

TEST_CASE("an adapter without on_ready watches nothing") {
    silent_adapter a;
    vmsig::core<> bus;
    bus.attach_adapter(a, bus.add_endpoint("vm"));
    const auto watched = a.bus.watch(0, vmsig::interest::read, {});
    REQUIRE_FALSE(watched);
    CHECK(watched.error().code == EINVAL);
}

TEST_CASE("audit and statistics of an endpoint are read with admin only") {
    silent_control boss;
    silent_control guest;
    silent_adapter a;
    vmsig::core<> bus;
    const auto vm = bus.add_endpoint("vm");
    bus.attach_adapter(a, vm);
    const auto admin = bus.attach(boss, vmsig::grant{}.on(vm).allow(right::admin));
    const auto other = bus.attach(guest, vmsig::grant{}.on(vm).allow(right::observe));
    bus.dispatch();
    a.bus.emit(bus.register_kind("sample", {}), 7);
    a.bus.emit(vmsig::lifecycle{vmsig::transition::started, vmsig::cause::host, {}, 0});

    std::vector<vmsig::decision> seen;
    const auto keep = [&seen](const vmsig::audit_record& r) { seen.push_back(r.what); };
    const auto told = admin.read_audit(vm, 100, keep);
    REQUIRE(told);
    CHECK(*told == 2);
    CHECK(seen == std::vector{vmsig::decision::endpoint_added, vmsig::decision::adapter_attached});
    CHECK(other.read_audit(vm, 100, keep).error() == refusal::denied);
    CHECK(admin.statistics(vm)->events == 2); // a lifecycle event is one, too
    CHECK(other.statistics(vm).error() == refusal::denied);
    CHECK(admin.statistics(vmsig::endpoint_id::make(9, 9)).error() == refusal::denied);
}

TEST_CASE("absolute coordinates lie in the region that the command names") {
    silent_control c;
    tablet t;
    vmsig::core<> bus;
    const auto vm = bus.add_endpoint("vm");
    bus.attach_adapter(t, vm);
    const auto me = bus.attach(c, vmsig::grant{}.on(vm).allow(right::input));
    bus.dispatch();
    REQUIRE(c.ready);
    const auto lease = me.acquire(vm, vmsig::lease_class::input).lease;
    const auto to = [&](std::int32_t x, std::uint32_t region) {
        return me.submit(
            vmsig::frame_of(lease, {vmsig::input_change::abs(ABS_X, x)}).in_region(region));
    };
    CHECK(to(99, 1));
    CHECK(to(100, 1).why == refusal::invalid);
    CHECK(to(100, 2));
    CHECK(to(-1, 2).why == refusal::invalid);
    CHECK(to(0, 3).why == refusal::invalid);
    CHECK(me.submit(vmsig::press(lease, BTN_LEFT)));
    while (bus.dispatch()) {}
    CHECK(t.applied == 3);
}
