// Rule: whatever an adapter does, an accepted command ends in exactly one receipt, what began ends
// as it truly did, and a fault costs the classes that the adapter served and nothing else.
#include <vmsig/stub/vm.hpp>

#include "plugged.hpp"

using namespace vmsig;
using namespace vmsig::test;
using stub::completing;
using stub::device;
using stub::hook;

namespace {

/// A machine that stalls, and another control that may fill all places of its backlog.
struct crowded : plugged {
    explicit crowded(bool takes_late) {
        machine.script().completes = completing::on_demand;
        machine.script().takes_late = takes_late;
        settle();
    }
    submit_result ask() { return attached.handle.submit(query_status(vm)); }

    witness other;
    const attachment attached{
        bus.attach(other, grant{}.on(vm).allow(right::observe).pending(stub::backlog::capacity))};
};

} // namespace

TEST_CASE("commands that are completed later, completed once each and in order") {
    plugged p;
    p.machine.script().completes = completing::next_step;
    p.machine.script().takes_late = GENERATE(false, true);
    const correlation_id a = p.submit(press(p.of(lease_class::input), KEY_A));
    const correlation_id b = p.submit(power(p.of(lease_class::power), verb::pause));
    p.settle();
    CHECK(p.sees.receipts_of(a) == 0);
    CHECK(p.machine.pending() == 2);
    p.step();
    CHECK(p.sees.receipt_of(a)->outcome == outcome::done);
    CHECK(p.sees.receipt_of(b)->outcome == outcome::done);
    CHECK(p.bus.state_of(p.vm) == vm_state::paused);
}

TEST_CASE("what is stalled but not taken can still be cancelled or expire, what was taken cannot") {
    plugged p;
    p.machine.script().completes = completing::on_demand;
    p.machine.script().takes_late = GENERATE(false, true);
    const bool open = p.machine.script().takes_late;
    const correlation_id a = p.submit(press(p.of(lease_class::input), KEY_A));
    const correlation_id b =
        p.submit(press(p.of(lease_class::input), KEY_B).within(milliseconds(5)));
    p.settle();
    CHECK(p.me.cancel(a) == (open ? cancel_result::cancelled : cancel_result::too_late));
    p.bus.reactor().advance(milliseconds(10));
    p.settle();
    CHECK(p.sees.receipts_of(b) == (open ? 1 : 0));
    p.machine.complete_pending();
    p.step();
    CHECK(p.sees.receipts_of(a) == 1);
    CHECK(p.sees.receipt_of(a)->outcome == (open ? outcome::cancelled : outcome::done));
    CHECK(p.sees.receipt_of(b)->outcome == (open ? outcome::expired : outcome::done));
    CHECK(p.machine.holds(KEY_A) == !open);
}

TEST_CASE("a stall under a lease that ended is cut short at the drain deadline") {
    plugged p;
    p.machine.script().completes = completing::on_demand;
    const correlation_id id = p.submit(store(p.of(lease_class::memwrite), {0x2000}, 1));
    p.settle();
    p.me.release(p.of(lease_class::memwrite));
    p.settle();
    CHECK(p.sees.receipts_of(id) == 0);
    p.bus.reactor().advance(seconds(2));
    p.settle();
    CHECK(p.sees.receipt_of(id)->outcome == outcome::adapter_fault);
    CHECK(p.sees.last<adapter_detached>()->fault == 1);
    p.machine.complete_pending();
    p.settle();
    CHECK(p.sees.receipts_of(id) == 1);
}

TEST_CASE("a second completion is ignored, and so is one after the adapter is gone") {
    plugged p;
    p.machine.script().completes_twice = true;
    CHECK(p.type(KEY_A).outcome == outcome::done);
    p.machine.script().completes = completing::on_demand;
    const correlation_id id = p.submit(power(p.of(lease_class::power), verb::reset));
    p.settle();
    p.machine.unplug();
    p.settle();
    CHECK(p.sees.receipt_of(id)->outcome == outcome::adapter_fault);
    p.machine.complete_pending();
    p.settle();
    CHECK(p.sees.receipts_of(id) == 1);
}

TEST_CASE("done without having been taken is a fault, not done") {
    plugged p;
    p.machine.script().lies = true;
    CHECK(p.type(KEY_A).outcome == outcome::adapter_fault);
    CHECK(p.power(verb::reset).outcome == outcome::adapter_fault);
    p.machine.script().lies = false;
    p.step();
    CHECK_FALSE(p.machine.holds(KEY_A));
    CHECK(p.peek(offsetof(vmsig_guest_state, boots)) == 1);
}

TEST_CASE("an adapter that throws in any hook is quarantined, its commands end, the others stay") {
    const beside_the_turn thrown; // an exception with words in it allocates
    struct row {
        device who;
        hook where;
    };
    const row at =
        GENERATE(row{device::memory, hook::execute}, row{device::keyboard, hook::execute},
                 row{device::host, hook::execute}, row{device::memory, hook::describe},
                 row{device::memory, hook::share_fds}, row{device::memory, hook::invalidate},
                 row{device::keyboard, hook::neutral});
    const std::uint32_t kth = GENERATE(1u, 2u);
    plugged p;
    p.machine.script().throw_at(at.who, at.where, kth);
    std::vector<correlation_id> ids;
    for (int round = 0; round < 3; ++round) {
        const lease& input = p.of(lease_class::input);
        for (const command& c : {command{press(input, KEY_A)},
                                 command{store(p.of(lease_class::memwrite), {0x2000}, 1)},
                                 command{power(p.of(lease_class::power), verb::reset)}})
            if (const submit_result r = p.me.submit(c)) ids.push_back(r.id);
        p.settle();
        (void)p.me.memctx(p.vm);
        p.step();
    }
    for (const correlation_id id : ids) CHECK(p.sees.receipts_of(id) == 1);
    CHECK(p.sees.count(kind::adapter_detached) == 1);
    CHECK(p.sees.last<adapter_detached>()->fault == 1);
    CHECK(p.machine.plugged() == (at.who != device::memory));
    if (at.who != device::host) CHECK(p.power(verb::status).outcome == outcome::done);
}

TEST_CASE("an adapter that throws as it leaves has left") {
    plugged p;
    for (const device d : {device::memory, device::keyboard, device::console, device::host})
        p.machine.script().throw_at(d, hook::on_detached);
    p.machine.unplug();
    p.settle();
    CHECK_FALSE(p.machine.plugged());
    CHECK(p.sees.count(kind::adapter_detached) == 4);
}

TEST_CASE("a storm of resets folds, and the epochs rise") {
    plugged p;
    p.machine.script().guest_resets = 1000;
    struct stepping {
        void on_event(const event& e, control_handle) {
            if (e.is(kind::replay_end)) machine->step();
        }
        stub::machine* machine;
    } agent{&p.machine};
    const attachment attached{p.bus.attach(agent, grant{}.on(p.vm).allow(right::observe))};
    p.settle();
    CHECK(p.bus.epoch_of(p.vm) == epoch_number{1001});
    CHECK(p.sees.count(kind::epoch_changed) <= 2);
    std::uint32_t told = 0;
    for (const event& e : p.sees.seen)
        if (const auto* c = e.as<epoch_changed>()) told += c->count;
    CHECK(told == 1000);
    CHECK(p.peek(offsetof(vmsig_guest_state, boots)) == 1001);
    CHECK(p.locator.epoch == epoch_number{1001});
    CHECK(p.power(verb::power_off).outcome == outcome::done);
}

TEST_CASE("resets of the guest are seen though the host adapter is gone") {
    plugged p;
    p.machine.detach(device::host);
    p.machine.script().guest_resets = 1;
    p.step();
    CHECK(p.bus.epoch_of(p.vm) == epoch_number{2});
    CHECK(p.peek(offsetof(vmsig_guest_state, boots)) == 2);
}

TEST_CASE("more commands than there are places fail, one by one") {
    crowded p{false};
    for (std::size_t n = 0; n < stub::backlog::capacity; ++n) REQUIRE(p.ask());
    p.settle();
    CHECK(p.machine.pending() == stub::backlog::capacity);
    CHECK(p.power(verb::status).failure == failure::unavailable);
    p.machine.complete_pending();
    p.settle();
    CHECK(p.other.count(kind::receipt) == stub::backlog::capacity);
    p.machine.script().completes = completing::at_once;
    CHECK(p.power(verb::status).outcome == outcome::done);
}

TEST_CASE("a command beyond the places fails without having been taken, where that comes late") {
    crowded p{true};
    for (std::size_t n = 0; n < stub::backlog::capacity; ++n) REQUIRE(p.ask());
    p.settle();
    const receipt full = p.power(verb::pause);
    CHECK(full.failure == failure::unavailable);
    CHECK(full.begun == 0);
    p.machine.complete_pending();
    p.settle();
    CHECK(p.other.count(kind::receipt) == stub::backlog::capacity);
}

TEST_CASE("what was cancelled before it was taken leaves its place to others") {
    crowded p{true};
    for (std::size_t n = 0; n < stub::backlog::capacity; ++n) {
        const submit_result one = p.ask();
        REQUIRE(one);
        p.settle();
        if (n % 2 == 0) CHECK(p.attached.handle.cancel(one.id) == cancel_result::cancelled);
    }
    CHECK(p.machine.pending() == stub::backlog::capacity);
    const correlation_id next = p.submit(power(p.of(lease_class::power), verb::pause));
    p.settle();
    CHECK(p.machine.pending() == stub::backlog::capacity / 2 + 1);
    CHECK(p.sees.receipts_of(next) == 0);
    p.machine.complete_pending();
    p.settle();
    CHECK(p.sees.receipt_of(next)->outcome == outcome::done);
    CHECK(p.other.count(kind::receipt) == stub::backlog::capacity);
}

TEST_CASE("a cancelled reset that gave its place to another lets the memory be shown") {
    crowded p{true};
    for (std::size_t n = 1; n < stub::backlog::capacity; ++n) {
        p.submit(press(p.of(lease_class::input), KEY_A));
        if (n % 32 == 0) p.settle();
    }
    p.settle();
    const auto reset = p.submit(power(p.of(lease_class::power), verb::reset)); // ends the keys
    p.settle();
    CHECK(p.me.cancel(reset) == cancel_result::cancelled);
    REQUIRE(p.machine.pending() == stub::backlog::capacity);
    const auto before = p.sees.count(kind::memctx_published);
    p.submit(press(p.of(lease_class::input), KEY_B));
    p.settle();
    CHECK(p.machine.pending() == 1);
    CHECK(p.sees.count(kind::memctx_published) == before + 1);
}

TEST_CASE("what was pending on a bus that was left is not done on the next") {
    plugged p;
    p.machine.script().completes = completing::on_demand;
    const correlation_id id = p.submit(press(p.of(lease_class::input), KEY_A));
    p.settle();
    p.machine.unplug();
    p.settle();
    CHECK(p.sees.receipts_of(id) == 1);
    p.machine.plug_into(p.bus, p.vm);
    CHECK(p.machine.pending() == 0);
    p.machine.complete_pending();
    p.step();
    CHECK_FALSE(p.machine.holds(KEY_A));
    CHECK(p.sees.receipts_of(id) == 1);
}
