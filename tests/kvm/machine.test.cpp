// Rule: a machine is plugged in whole or not at all, and leaves nothing behind, whichever goes
// first, it or the bus.
#include <vmsig/kvm/machine.hpp>

#include <filesystem>
#include <list>
#include <memory>

#include "plugged.hpp"
#include "support/alloc_guard.hpp"
#include "support/fd_count.hpp"

using namespace vmsig;
using test::plugged;

namespace {

int thread_count() {
    int count = 0;
    for ([[maybe_unused]] const auto& task : std::filesystem::directory_iterator{"/proc/self/task"})
        ++count;
    return count;
}

/// The kernel's helpers of a machine may be seen for an instant after it is gone.
bool thread_count_falls_to(int count) {
    for (int i = 0; i < 2000; ++i) {
        if (thread_count() <= count) return true;
        ::poll(nullptr, 0, 5);
    }
    return false;
}

/// Serves one role, and refuses to be attached if told so.
struct intruder {
    static constexpr roles serves = role::host_management;
    void on_attach(adapter_handle b) { bus = b; }
    void execute(fenced_command c, adapter_handle b) { b.complete(c.id()); }
    ~intruder() { bus.detach(); }
    adapter_handle bus;
};

} // namespace

TEST_CASE("when one of its adapters cannot be attached, none is") {
    VMSIG_NEEDS_KVM();
    test::plugged_core bus;
    const endpoint_id vm = bus.add_endpoint("vm");
    kvm::machine machine;
    {
        intruder in_the_way;
        bus.attach_adapter(in_the_way, vm);
        CHECK_THROWS_AS(machine.plug_into(bus, vm), setup_error);
        CHECK_FALSE(machine.plugged());
    }
    bus.dispatch();
    machine.plug_into(bus, vm);
    CHECK(machine.plugged());

    kvm::machine second;
    CHECK_THROWS_AS(second.plug_into(bus, vm), setup_error);
    CHECK(machine.plugged());
    CHECK_THROWS_AS(machine.plug_into(bus, endpoint_id{}), setup_error);
    CHECK_FALSE(machine.plugged()); // it was to be moved, and had left
}

TEST_CASE("a machine that runs already tells so when it is plugged in") {
    VMSIG_NEEDS_KVM();
    plugged p;
    p.machine.unplug();
    CHECK(p.machine.start());
    CHECK_FALSE(p.machine.start());
    ::poll(nullptr, 0, 50);
    p.machine.plug_into(p.bus, p.vm);
    REQUIRE(p.ready(1));
    CHECK(p.bus.state_of(p.vm) == vm_state::running);
    CHECK(p.sees.told(transition::started) == 1);
    CHECK(p.heartbeat_moves());
}

TEST_CASE("it is unplugged and plugged in again, and its guest went on") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    REQUIRE(p.type(KEY_A).outcome == outcome::done);
    p.machine.unplug();
    p.machine.unplug();
    CHECK_FALSE(p.machine.plugged());
    REQUIRE(p.until([&] { return p.sees.count(kind::lease_lost) == 3; }));
    CHECK(p.sees.count(kind::memctx_invalidated) == 1);
    CHECK(p.me.memctx(p.vm).error() == refusal::not_ready);

    p.machine.plug_into(p.bus, p.vm);
    REQUIRE(p.until([&] { return p.sees.count(kind::memctx_published) == 2; }));
    REQUIRE(p.look());
    CHECK(p.locator.epoch == epoch_number{2}); // the epoch of the first time was closed
    CHECK(p.heartbeat_moves());
    CHECK(p.word(STATE_OFFSET(boots)) == 1);
    REQUIRE(p.until([&] { return p.word(STATE_OFFSET(key_count)) == 2; }));
    CHECK(p.keys_since(0) == std::vector<std::uint8_t>{0x1e, 0x9e});
}

TEST_CASE("a paused machine is plugged in as one, and a reset that nobody saw goes through") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    REQUIRE(p.ended(p.post(VMSIG_GUEST_RESET)).outcome == outcome::done);
    p.machine.unplug();
    ::poll(nullptr, 0, 50);
    p.machine.plug_into(p.bus, p.vm);
    REQUIRE(p.ready(2));
    CHECK(p.sees.told(transition::started) == 2);
    p.lease_of(lease_class::power) = p.acquire(p.me, lease_class::power);
    REQUIRE(p.power(verb::pause).outcome == outcome::done);
    p.machine.unplug();
    p.machine.plug_into(p.bus, p.vm);
    REQUIRE(p.until([&] { return p.bus.state_of(p.vm) == vm_state::paused; }));
    p.lease_of(lease_class::power) = p.acquire(p.me, lease_class::power);
    REQUIRE(p.power(verb::resume).outcome == outcome::done);
    REQUIRE(p.until([&] { return p.look(); }));
    CHECK(p.heartbeat_moves());
}

TEST_CASE("it is unplugged from inside a callback that it caused") {
    VMSIG_NEEDS_KVM();
    for (const kind k : {kind::lifecycle, kind::console_output, kind::memctx_published,
                         kind::epoch_changed, kind::receipt}) {
        plugged p;
        p.sees.script = [&](const event& e, control_handle) {
            if (e.kind == k && p.machine.state() != vm_state::powered_off) p.machine.unplug();
        };
        const correlation_id id = p.submit(p.power_verb(verb::start));
        if (k == kind::epoch_changed) {
            p.ended(id);
            p.submit(p.power_verb(verb::reset));
        }
        CHECK(p.until([&] { return !p.machine.plugged(); }));
        p.sees.script = {};
        p.machine.plug_into(p.bus, p.vm);
        CHECK(p.until([&] { return p.look(); }));
        CHECK(p.heartbeat_moves());
    }
}

TEST_CASE("an endpoint that is removed leaves a machine that can be plugged in elsewhere") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    p.bus.remove_endpoint(p.vm);
    CHECK_FALSE(p.machine.plugged());
    p.bus.dispatch();
    p.vm = p.bus.add_endpoint("again");
    p.machine.plug_into(p.bus, p.vm);
    REQUIRE(p.bus.set_grant(p.me.origin(), grant{}.on(p.vm).allow(test::everything)));
    REQUIRE(p.until([&] { return p.look(); }));
    CHECK(p.heartbeat_moves());
}

TEST_CASE("the machine outlives its bus, and the bus its machine") {
    VMSIG_NEEDS_KVM();
    const int fds = test::open_fd_count();
    const int threads = thread_count();
    {
        kvm::machine machine;
        for (int i = 0; i < 3; ++i) {
            test::plugged_core bus;
            machine.plug_into(bus, bus.add_endpoint("vm"));
            machine.start();
            for (int turns = 0; turns < i; ++turns) bus.dispatch();
        }
        CHECK_FALSE(machine.plugged());
    }
    {
        test::plugged_core bus;
        for (int i = 0; i < 3; ++i) {
            kvm::machine machine;
            const endpoint_id vm = bus.add_endpoint("vm");
            machine.plug_into(bus, vm);
            CHECK(machine.start());
            REQUIRE(test::turn_until(bus, [&] { return bus.state_of(vm) == vm_state::running; }));
            if (i == 1) bus.remove_endpoint(vm);
            if (i != 1) machine.unplug();
            if (i != 1) bus.remove_endpoint(vm);
            bus.dispatch();
        }
        const endpoint_id vm = bus.add_endpoint("vm");
        { kvm::machine{}.plug_into(bus, vm); }
        while (bus.dispatch()) continue;
    }
    CHECK(test::open_fd_count() == fds);
    CHECK(thread_count_falls_to(threads));
}

TEST_CASE("sixteen machines on one bus come and go") {
    VMSIG_NEEDS_KVM();
    const int fds = test::open_fd_count();
    const int threads = thread_count();
    for (int round = 0; round < 2; ++round) {
        auto bus = std::make_unique<test::plugged_core>();
        std::list<kvm::machine> machines;
        test::witness sees;
        std::vector<endpoint_id> vms;
        for (int i = 0; i < 16; ++i) {
            vms.push_back(bus->add_endpoint("vm-" + std::to_string(i)));
            machines.emplace_back().plug_into(*bus, vms.back());
            CHECK(machines.back().start());
        }
        const control_handle me = bus->attach(sees, grant{}.on_every().allow(test::everything));
        REQUIRE(test::turn_until(*bus,
                                 [&] { return sees.count(kind::memctx_published) >= vms.size(); }));
        std::vector<correlation_id> resets;
        for (const endpoint_id vm : vms) {
            const auto got = me.acquire(vm, lease_class::power);
            REQUIRE(got);
            resets.push_back(me.submit(power(got.lease, verb::reset)).id);
        }
        REQUIRE(test::turn_until(*bus, [&] {
            for (const correlation_id id : resets)
                if (!sees.receipt_of(id)) return false;
            return true;
        }));
        for (const endpoint_id vm : vms) CHECK(bus->epoch_of(vm) == epoch_number{2});
        if (round == 0) machines.clear();
        bus.reset();
    }
    CHECK(test::open_fd_count() == fds);
    CHECK(thread_count_falls_to(threads));
}

TEST_CASE("in a steady state nothing is allocated") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    p.sees.seen.reserve(1 << 16);
    REQUIRE(p.mail(1));
    const std::vector<std::byte> bytes(4096, std::byte{1});
    std::uint64_t allocated = 0;
    const auto run = [&](const command& c, std::span<const std::byte> bulk = {}) {
        const auto id = p.submit(c, bulk);
        while (!p.sees.receipt_of(id)) {
            pollfd fd{p.bus.fd(), POLLIN, 0};
            ::poll(&fd, 1, 1000);
            allocated += test::allocations_in([&] { p.bus.dispatch(); });
        }
    };
    for (int i = 0; i < 10; ++i) {
        run(press(p.input(), KEY_A));
        run(release_key(p.input(), KEY_A));
        run(store(p.memory(), p.at(STATE_OFFSET(scratch)), 1));
        run(write_memory(p.memory(), p.at(STATE_OFFSET(pair_low)), 4096, write_mode::paused),
            bytes);
        run(p.power_verb(verb::pause));
        run(p.power_verb(verb::resume));
        run(p.power_verb(verb::reset));
        REQUIRE(p.until([&] { return p.look(); }));
    }
    CHECK(allocated == 0);
}
