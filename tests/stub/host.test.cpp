// Rule: each verb of host management does what it says and ends in one receipt, `done` for a reset
// means that the VM went through it, and the death of the machine takes its adapters along.
#include <vmsig/stub/host.hpp>

#include "plugged.hpp"

using namespace vmsig;
using namespace vmsig::test;

TEST_CASE("a commanded reset raises the epoch once, though it is told three times") {
    plugged p;
    p.machine.script().reset_tells = 3;
    p.step();
    const std::uint64_t before = p.root();
    const receipt r = p.power(verb::reset);
    CHECK(r.outcome == outcome::done);
    CHECK(r.begun == 1);
    CHECK(p.bus.epoch_of(p.vm) == epoch_number{2});
    CHECK(p.sees.told(transition::reset) == 3);
    CHECK(p.sees.count(kind::epoch_changed) == 1);
    CHECK(p.sees.last<epoch_changed>()->count == 1);
    CHECK(p.sees.count(kind::memctx_published) == 2);
    CHECK(p.root() != before);
    CHECK(p.peek(offsetof(vmsig_guest_state, boots)) == 2);
    CHECK(p.peek(offsetof(vmsig_guest_state, heartbeat)) == 0);
}

TEST_CASE("pause and resume are told once, and a paused guest does not execute") {
    plugged p;
    CHECK(p.power(verb::pause).state == vm_state::paused);
    CHECK(p.power(verb::pause).outcome == outcome::done);
    CHECK(p.sees.told(transition::paused) == 1);
    p.step();
    CHECK(p.peek(offsetof(vmsig_guest_state, heartbeat)) == 0);
    CHECK(p.power(verb::status).state == vm_state::paused);
    CHECK(p.power(verb::resume).state == vm_state::running);
    CHECK(p.power(verb::resume).outcome == outcome::done);
    CHECK(p.sees.told(transition::resumed) == 1);
    p.step();
    CHECK(p.peek(offsetof(vmsig_guest_state, heartbeat)) == 1);
}

TEST_CASE("a paused machine is still paused after a reset") {
    plugged p;
    p.power(verb::pause);
    CHECK(p.power(verb::reset).outcome == outcome::done);
    CHECK(p.bus.state_of(p.vm) == vm_state::paused);
    CHECK(p.machine.state() == vm_state::paused);
    p.step();
    CHECK(p.peek(offsetof(vmsig_guest_state, heartbeat)) == 0);
}

TEST_CASE("a snapshot rewinds the guest, and restoring it raises the epoch") {
    plugged p;
    CHECK(p.power(verb::snapshot_restore).failure == failure::unavailable);
    const epoch_number first = p.bus.epoch_of(p.vm);
    p.step();
    CHECK(p.power(verb::snapshot_save).outcome == outcome::done);
    CHECK(p.bus.epoch_of(p.vm) == first);
    p.step();
    p.step();
    const std::uint64_t before = p.root();
    CHECK(p.peek(offsetof(vmsig_guest_state, heartbeat)) == 3);
    CHECK(p.power(verb::snapshot_restore).outcome == outcome::done);
    CHECK(p.bus.epoch_of(p.vm) == epoch_number{first.value + 1});
    CHECK(p.sees.told(transition::restored) == 1);
    CHECK(p.peek(offsetof(vmsig_guest_state, heartbeat)) == 1);
    CHECK(p.root() != before);
    CHECK(p.power(verb::snapshot_restore).outcome == outcome::done); // as often as one likes
    CHECK(p.peek(offsetof(vmsig_guest_state, heartbeat)) == 1);
}

TEST_CASE("the power button is answered by the guest, and a machine that is off by start alone") {
    plugged p;
    CHECK(p.power(verb::power_button).outcome == outcome::done);
    CHECK(p.bus.state_of(p.vm) == vm_state::running);
    p.step();
    CHECK(p.sees.told(transition::powered_off, cause::guest) == 1);
    for (const verb v : {verb::pause, verb::resume, verb::power_button, verb::snapshot_save})
        CHECK(p.power(v).failure == failure::refused_by_vm);
    CHECK(p.power(verb::status).state == vm_state::powered_off);
    CHECK(p.power(verb::start).state == vm_state::running);
    CHECK(p.power(verb::start).failure == failure::refused_by_vm);
    CHECK(p.power(verb::power_off).state == vm_state::powered_off);
    CHECK(p.sees.told(transition::powered_off) == 1);
}

TEST_CASE("a restored machine that was off does not execute until it is resumed") {
    plugged p;
    p.power(verb::snapshot_save);
    p.power(verb::power_off);
    CHECK(p.power(verb::snapshot_restore).outcome == outcome::done);
    CHECK(p.bus.state_of(p.vm) == vm_state::paused);
    CHECK(p.machine.state() == vm_state::paused);
    CHECK(p.power(verb::resume).outcome == outcome::done);
    p.step();
    CHECK(p.peek(offsetof(vmsig_guest_state, heartbeat)) == 1);
}

TEST_CASE("a machine that is off is plugged in as such") {
    plugged p{{.clock = stub::clocking::manual, .power_on = false}};
    CHECK(p.bus.state_of(p.vm) == vm_state::powered_off);
    CHECK_FALSE(p.me.memctx(p.vm));
    CHECK(p.power(verb::start).outcome == outcome::done);
    CHECK(p.bus.state_of(p.vm) == vm_state::running);
    CHECK(p.peek(offsetof(vmsig_guest_state, boots)) == 1);
}

TEST_CASE("a reset that is performed later publishes nothing of the old memory meanwhile") {
    plugged p;
    p.machine.script().completes = stub::completing::on_demand;
    const correlation_id id = p.submit(power(p.of(lease_class::power), verb::reset));
    p.settle();
    CHECK(p.sees.receipts_of(id) == 0);
    CHECK(p.bus.epoch_of(p.vm) == epoch_number{2});
    CHECK_FALSE(p.me.memctx(p.vm));
    p.me.refresh(p.vm); // asking for it changes nothing
    p.step();
    CHECK_FALSE(p.me.memctx(p.vm));
    p.machine.complete_pending();
    p.settle();
    CHECK(p.sees.receipt_of(id)->outcome == outcome::done);
    CHECK(p.peek(offsetof(vmsig_guest_state, boots)) == 2);
    CHECK(p.locator.epoch == epoch_number{2});
}

TEST_CASE("two resets on their way are two epochs, and the memory is shown after the second") {
    plugged p;
    p.machine.script().completes = stub::completing::next_step;
    const correlation_id first = p.submit(power(p.of(lease_class::power), verb::reset));
    const correlation_id second = p.submit(power(p.of(lease_class::power), verb::reset));
    p.settle();
    CHECK(p.bus.epoch_of(p.vm) == epoch_number{3});
    CHECK(p.machine.pending() == 2);
    p.step();
    CHECK(p.sees.receipt_of(first)->outcome == outcome::done);
    CHECK(p.sees.receipt_of(second)->outcome == outcome::done);
    CHECK(p.bus.epoch_of(p.vm) == epoch_number{3});
    CHECK(p.sees.count(kind::memctx_published) == 2);
    CHECK(p.peek(offsetof(vmsig_guest_state, boots)) == 3);
}

TEST_CASE("a stalled reset whose lease is lost does nothing, and the memory is shown again") {
    plugged p;
    p.machine.script().completes = stub::completing::on_demand;
    p.machine.script().takes_late = true;
    const correlation_id id = p.submit(power(p.of(lease_class::power), verb::reset));
    p.settle();
    p.me.release(p.of(lease_class::power));
    p.settle();
    CHECK(p.sees.receipt_of(id)->outcome == outcome::lease_lost);
    p.machine.complete_pending();
    p.settle();
    CHECK(p.sees.receipts_of(id) == 1);
    CHECK(p.peek(offsetof(vmsig_guest_state, boots)) == 1);
    CHECK(p.locator.epoch == epoch_number{2});
}

TEST_CASE("when its descriptor hangs up the machine is gone, and all of its adapters with it") {
    plugged p;
    p.machine.hang_up();
    p.bus.reactor().make_ready(p.machine.life_fd(), interest::hangup);
    p.settle();
    CHECK(p.sees.told(transition::crashed, cause::unknown) == 1);
    CHECK(p.sees.count(kind::adapter_detached) == 4);
    CHECK(p.sees.count(kind::lease_lost) == 3);
    CHECK(p.sees.count(kind::memctx_invalidated) == 1);
    CHECK_FALSE(p.machine.plugged());
    CHECK(p.bus.reactor().watch_count() == 0);
    CHECK(p.me.submit(query_status(p.vm)).why == refusal::unsupported);
}

TEST_CASE("with a timer the guest lives by itself on a real reactor, and answers keys at once") {
    core<> bus;
    stub::machine machine{{.period = milliseconds(1)}};
    const endpoint_id vm = bus.add_endpoint("vm");
    machine.plug_into(bus, vm);
    struct typist {
        void on_event(const event& e, control_handle bus) {
            if (e.is(kind::replay_end)) {
                input = bus.acquire(e.endpoint, lease_class::input).lease;
                bus.submit(press(input, KEY_B));
            }
            if (const auto* c = e.as<console_output>()) text.append(c->text.data(), c->size);
            if (!echo && text.ends_with("key 30\n")) echo = e.timestamp;
            if (!e.is(kind::receipt)) return;
            if (++receipts == 1) {
                pressed = e.timestamp;
                bus.submit(release_key(input, KEY_B).delayed(milliseconds(10)));
            } else if (guest->word(offsetof(vmsig_guest_state, heartbeat)) > 2) {
                core->stop();
            } else { // its timer and the command's are served as the machine finds time for them
                bus.submit(query_status(e.endpoint).delayed(milliseconds(1)));
            }
        }
        vmsig::core<>* core;
        const stub::machine* guest;
        lease input{};
        std::string text{};
        instant pressed{};
        instant echo{};
        int receipts = 0;
    } agent{&bus, &machine};
    const attachment attached{bus.attach(agent, grant{}.on(vm).allow(everything))};
    bus.run();
    CHECK(agent.echo == agent.pressed); // in the same turn
    CHECK(agent.text.ends_with("key b0\n"));
    CHECK(machine.word(offsetof(vmsig_guest_state, heartbeat)) > 2);
}
