// Rule: a machine that is off says so to whatever is asked of it, does nothing by itself, and takes
// what lets go of it.
#include <vmsig/stub/machine.hpp>

#include <cerrno>
#include <type_traits>

#include <support/catch.hpp>

#include "plugged.hpp"

namespace {

using namespace vmsig;
using namespace vmsig::test;

constexpr stub::machine_options off{.clock = stub::clocking::manual, .power_on = false};

TEST_CASE("a machine that is off refuses every verb but start and status") {
    plugged p{off};
    for (const verb v : {verb::pause, verb::resume, verb::reset, verb::power_button,
                         verb::power_off, verb::snapshot_save}) {
        const receipt r = p.power(v);
        INFO(static_cast<int>(v));
        CHECK(r.outcome == outcome::failed);
        CHECK(r.failure == failure::refused_by_vm);
    }
    CHECK(p.power(verb::snapshot_restore).failure == failure::unavailable); // nothing was saved
    CHECK(p.ended(query_status(p.vm)).state == vm_state::powered_off);
    CHECK(p.power(verb::start).outcome == outcome::done);
    CHECK(p.power(verb::start).failure == failure::refused_by_vm); // it is on
}

TEST_CASE("keys and writes meant for a machine that is off fail") {
    plugged p;
    p.power(verb::power_off);
    p.settle();
    CHECK(p.type(KEY_A).failure == failure::unavailable);
    CHECK(p.ended(store(p.of(lease_class::memwrite), {0x2000}, 1)).failure == failure::unavailable);
    CHECK_FALSE(p.machine.holds(KEY_A));
}

TEST_CASE("a machine that is off has no memory to describe") {
    stub::machine machine{off};
    machine.for_each_adapter([](auto& adapter) {
        if constexpr (std::is_same_v<decltype(adapter), stub::memory_adapter&>) {
            const auto where = adapter.describe();
            REQUIRE_FALSE(where);
            CHECK(where.error().code == ENODATA);
        }
    });
}

TEST_CASE("a machine that is off does nothing by itself, and a guest's reset is none") {
    plugged p{off};
    const auto boots = p.machine.word(offsetof(vmsig_guest_state, boots));
    const epoch_number epoch = p.bus.epoch_of(p.vm);
    p.machine.script().guest_resets = 3;
    for (int n = 0; n < 3; ++n) p.step();
    CHECK(p.machine.script().guest_resets == 0);
    CHECK(p.machine.word(offsetof(vmsig_guest_state, boots)) == boots);
    CHECK(p.sees.told(transition::reset, cause::guest) == 0);
    CHECK(p.bus.epoch_of(p.vm) == epoch);
    CHECK(p.sees.console().empty());
}

TEST_CASE("a machine that is paused is plugged in as such") {
    plugged p;
    CHECK(p.power(verb::pause).outcome == outcome::done);
    p.machine.unplug();
    p.settle();
    p.machine.plug_into(p.bus, p.vm);
    p.settle();
    CHECK(p.bus.state_of(p.vm) == vm_state::paused);
}

TEST_CASE("of two power verbs on their way the second finds the machine off") {
    plugged p;
    p.machine.script().completes = stub::completing::on_demand;
    const auto first = p.submit(power(p.of(lease_class::power), verb::power_off));
    const auto second = p.submit(power(p.of(lease_class::power), verb::pause));
    p.settle();
    REQUIRE(p.machine.pending() == 2);
    p.machine.complete_pending();
    p.settle();
    CHECK(p.sees.receipt_of(first)->outcome == outcome::done);
    CHECK(p.sees.receipt_of(second)->failure == failure::refused_by_vm);
}

TEST_CASE("a machine that is off takes back what its lease held down") {
    plugged p;
    CHECK(p.type(KEY_A).outcome == outcome::done);
    p.step();
    p.power(verb::power_off);
    p.me.release(p.of(lease_class::input));
    p.settle();
    CHECK(p.me.acquire(p.vm, lease_class::input).why == refusal::none); // nothing is owed
    p.power(verb::start);
    p.step();
    CHECK_FALSE(p.machine.holds(KEY_A));
}

} // namespace
