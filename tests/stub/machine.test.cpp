// Rule: a stub machine behaves on the bus as a real one does: it boots, shows its memory, types,
// resets, and leaves; and plugging it in takes all of its adapters or none.
#include <vmsig/stub/machine.hpp>

#include <support/alloc_guard.hpp>
#include <support/fd_count.hpp>

#include "plugged.hpp"

using namespace vmsig;
using namespace vmsig::test;

TEST_CASE("it boots and shows its state page through the exported descriptors") {
    plugged p;
    CHECK(p.bus.state_of(p.vm) == vm_state::running);
    CHECK(p.peek(offsetof(vmsig_guest_state, magic)) == VMSIG_GUEST_STATE_MAGIC);
    CHECK(p.peek(offsetof(vmsig_guest_state, boots)) == 1);
    CHECK(p.level == export_level::sealed);
    CHECK(p.locator.region_count == 2);
    CHECK(p.locator.regions()[1].start == stub::high_ram_start);
    p.step();
    CHECK(p.sees.console().starts_with("ready boot=0001 cr3="));
    CHECK(p.peek(offsetof(vmsig_guest_state, heartbeat)) == 1);
}

TEST_CASE("the state page lies across two pages that are apart") {
    plugged p;
    (void)p.root();
    const int fds[] = {p.fds[0].get(), p.fds[1].get()};
    const auto view = mapped_view::open(p.locator, std::span<const int>{fds});
    REQUIRE(view);
    const auto low = view->translate({virtual_address{VMSIG_GUEST_STATE_ADDRESS}, p.root()});
    const auto high =
        view->translate({virtual_address{VMSIG_GUEST_STATE_ADDRESS + 4096}, p.root()});
    REQUIRE(low);
    REQUIRE(high);
    CHECK(low->gpa < p.locator.regions()[0].length);
    CHECK(high->gpa >= stub::high_ram_start);
    std::array<char, 16> text{};
    REQUIRE(view->read(
        {virtual_address{VMSIG_GUEST_STATE_ADDRESS + offsetof(vmsig_guest_state, straddle)},
         p.root()},
        std::as_writable_bytes(std::span{text})));
    CHECK(std::string(text.data(), text.size()) == "across-the-pages");
}

TEST_CASE("typing echoes in the key log and on the console") {
    plugged p;
    CHECK(p.type(KEY_A).outcome == outcome::done);
    p.step();
    CHECK(p.sees.console().ends_with("key 1e\n"));
    CHECK(p.machine.holds(KEY_A));
    CHECK(p.peek(offsetof(vmsig_guest_state, key_count)) == 1);
    CHECK((p.peek(offsetof(vmsig_guest_state, key_log)) & 0xff) == 0x1e);
    CHECK(p.me.release(p.of(lease_class::input)) == refusal::none);
    p.step();
    CHECK_FALSE(p.machine.holds(KEY_A));
}

TEST_CASE("a second machine at one endpoint is refused whole, and the first one stays") {
    plugged p;
    const int before = open_fd_count();
    {
        stub::machine other{{.clock = stub::clocking::manual}};
        CHECK_THROWS_AS(other.plug_into(p.bus, p.vm), setup_error);
        CHECK_FALSE(other.plugged());
    }
    CHECK(open_fd_count() == before);
    CHECK(p.machine.plugged());
    CHECK(p.power(verb::status).outcome == outcome::done);
}

TEST_CASE("when one of its adapters cannot be attached, none is") {
    for (unsigned d = 0; d < stub::device_count; ++d) {
        stub_core bus;
        const endpoint_id vm = bus.add_endpoint("vm");
        stub::machine machine{{.clock = stub::clocking::manual}};
        machine.script().throw_at(static_cast<stub::device>(d), stub::hook::on_attach);
        CHECK_THROWS_AS(machine.plug_into(bus, vm), setup_error);
        CHECK_FALSE(machine.plugged());
        CHECK(bus.reactor().watch_count() == 0);
        bus.dispatch();
        machine.plug_into(bus, vm);
        CHECK(machine.plugged());
    }
}

TEST_CASE("it can be unplugged and plugged in again, and its guest went on") {
    plugged p;
    p.step();
    p.machine.unplug();
    p.settle();
    CHECK(p.bus.reactor().watch_count() == 0);
    CHECK(p.sees.count(kind::memctx_invalidated) == 1);
    CHECK(p.sees.count(kind::lease_lost) == 3);
    p.machine.step();
    p.machine.plug_into(p.bus, p.vm);
    p.settle();
    CHECK(p.bus.epoch_of(p.vm) == epoch_number{2}); // the epoch of the first one was closed
    CHECK(p.peek(offsetof(vmsig_guest_state, heartbeat)) == 2);
    CHECK(p.peek(offsetof(vmsig_guest_state, boots)) == 1);
}

TEST_CASE("the machine outlives its bus") {
    stub::machine machine{{.clock = stub::clocking::manual}};
    {
        stub_core bus;
        machine.plug_into(bus, bus.add_endpoint("vm"));
        CHECK(machine.plugged());
    }
    CHECK_FALSE(machine.plugged());
    machine.step();
    machine.complete_pending();
    stub_core bus;
    machine.plug_into(bus, bus.add_endpoint("vm"));
    CHECK(machine.plugged());
}

TEST_CASE("the guest's mail: another root is a refresh, a reset is an epoch") {
    plugged p;
    const std::uint64_t before = p.root();
    CHECK(p.mail(VMSIG_GUEST_SWITCH_ROOT).outcome == outcome::done);
    p.step();
    CHECK(p.root() != before);
    CHECK(p.locator.epoch == epoch_number{1});
    CHECK(p.locator.version == version_number{2});
    CHECK(p.peek(offsetof(vmsig_guest_state, root_switches)) == 1);
    CHECK(p.peek(offsetof(vmsig_guest_state, mailbox_seen)) == VMSIG_GUEST_SWITCH_ROOT);
    CHECK(p.sees.count(kind::memctx_invalidated) == 0);

    CHECK(p.mail(VMSIG_GUEST_RESET).outcome == outcome::done);
    p.step();
    CHECK(p.sees.told(transition::reset, cause::guest) == 1);
    CHECK(p.bus.epoch_of(p.vm) == epoch_number{2});
    CHECK(p.root() != before);
    CHECK(p.locator.version == version_number{1});
    CHECK(p.peek(offsetof(vmsig_guest_state, boots)) == 2);
    CHECK(p.peek(offsetof(vmsig_guest_state, mailbox)) == 0);
}

TEST_CASE("a guest that powers itself off is started again") {
    plugged p;
    CHECK(p.mail(VMSIG_GUEST_POWER_OFF).outcome == outcome::done);
    p.step();
    CHECK(p.sees.told(transition::powered_off, cause::guest) == 1);
    CHECK(p.bus.state_of(p.vm) == vm_state::powered_off);
    CHECK_FALSE(p.me.memctx(p.vm));
    CHECK(p.power(verb::start).outcome == outcome::done);
    CHECK(p.bus.state_of(p.vm) == vm_state::running);
    CHECK(p.peek(offsetof(vmsig_guest_state, boots)) == 1);
    CHECK(p.locator.epoch == epoch_number{2});
}

TEST_CASE("the doorbell is an event of a kind of its own") {
    plugged p;
    const kind bell = p.machine.doorbell();
    p.step();
    const std::size_t before = p.sees.count(bell);
    p.mail(1);
    p.step();
    CHECK(p.sees.count(bell) == before + 1);
}

TEST_CASE("it can be unplugged and stepped from inside a callback that it caused") {
    plugged p;
    struct leaver {
        void on_event(const event& e, control_handle) {
            if (!e.is(kind::console_output)) return;
            machine->step();
            machine->unplug();
        }
        stub::machine* machine;
    } agent{&p.machine};
    const attachment attached{p.bus.attach(agent, grant{}.on(p.vm).allow(right::observe))};
    p.settle();
    p.machine.script().guest_resets = 2;
    p.step();
    CHECK_FALSE(p.machine.plugged());
    CHECK(p.sees.count(kind::adapter_detached) == 4);
    p.machine.step();
    CHECK(p.machine.word(offsetof(vmsig_guest_state, boots)) == 3);
}

TEST_CASE("a restored machine is told to let go of the modifiers that it believes down") {
    plugged p;
    p.type(KEY_LEFTCTRL);
    p.step();
    CHECK(p.power(verb::snapshot_save).outcome == outcome::done);
    p.me.release(p.of(lease_class::input));
    p.step();
    CHECK_FALSE(p.machine.holds(KEY_LEFTCTRL));
    CHECK(p.power(verb::snapshot_restore).outcome == outcome::done);
    CHECK(p.machine.holds(KEY_LEFTCTRL)); // as in the snapshot
    p.step();
    CHECK_FALSE(p.machine.holds(KEY_LEFTCTRL));
}

TEST_CASE("once it has started it allocates nothing") {
    plugged p;
    p.sees.seen.reserve(10000);
    const auto life = [&p] {
        p.me.submit(press(p.of(lease_class::input), KEY_A).hold(milliseconds(1)));
        p.bus.dispatch();
        p.bus.reactor().advance(milliseconds(2));
        p.bus.dispatch();
        p.machine.step();
        p.me.submit(power(p.of(lease_class::power), verb::reset));
        p.bus.dispatch();
        p.bus.dispatch();
    };
    life();
    CHECK(allocations_in(life) == 0);
}

TEST_CASE("mail that asks for a stray write, or for what no guest knows, is acknowledged") {
    plugged p;
    for (const std::uint64_t word : {std::uint64_t{VMSIG_GUEST_STRAY}, std::uint64_t{0xee} << 56}) {
        const auto before = p.machine.word(offsetof(vmsig_guest_state, mailbox_count));
        CHECK(p.mail(word).outcome == outcome::done);
        p.step();
        CHECK(p.machine.word(offsetof(vmsig_guest_state, mailbox_seen)) == word);
        CHECK(p.machine.word(offsetof(vmsig_guest_state, mailbox_count)) == before + 1);
    }
    CHECK(p.sees.console().find("stray") != std::string::npos);
}
