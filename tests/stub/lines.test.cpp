// Rule: a machine without a bus talks to nobody and goes on; with one, whichever adapter is left
// tells what happened to the VM.
#include <vmsig/stub/lines.hpp>

#include "plugged.hpp"

using namespace vmsig;
using namespace vmsig::test;

TEST_CASE("lines that lead nowhere are silent") {
    const stub::ram memory{stub::min_low_ram, stub::min_high_ram};
    stub::guest program{memory};
    program.power_on();
    stub::lines lines;
    lines.tell({transition::reset, cause::guest});
    lines.report(program, true, {});
    lines.cut();
    CHECK(program.console.empty());
}

TEST_CASE("an event is told by whoever is still there") {
    plugged p;
    for (const stub::device d :
         {stub::device::host, stub::device::memory, stub::device::keyboard}) {
        p.machine.detach(d);
        p.machine.script().guest_resets = 1;
        const epoch_number before = p.bus.epoch_of(p.vm);
        p.step();
        CHECK(p.bus.epoch_of(p.vm) == epoch_number{before.value + 1});
    }
}
