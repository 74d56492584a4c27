// Rule: what the guest prints arrives in order, a bounded piece of it per step; a sensor that emits
// too much or lies about sizes harms nobody.
#include <vmsig/stub/console.hpp>

#include "plugged.hpp"

using namespace vmsig;
using namespace vmsig::test;

TEST_CASE("a flood of the guest comes in bounded pieces, whole") {
    plugged p;
    p.step();
    const std::size_t before = p.sees.console().size();
    p.mail(VMSIG_GUEST_FLOOD | 10000);
    std::size_t most = 0;
    for (int i = 0; i < 10; ++i) {
        const std::size_t events = p.sees.count(kind::console_output);
        p.step();
        most = std::max(most, p.sees.count(kind::console_output) - events);
    }
    CHECK(most <= 2048 / 47 + 1);
    const std::string flood = p.sees.console().substr(before);
    CHECK(flood.find_first_not_of('#') == 10000);
    CHECK(flood.substr(10000).starts_with("\nmailbox "));
}

TEST_CASE("a sensor that floods the ring of deferred events loses its own and no one else's") {
    plugged p;
    p.machine.script().floods = true;
    p.mail(VMSIG_GUEST_FLOOD | 50000);
    struct stepping { // inside a callback everything is deferred
        void on_event(const event& e, control_handle) {
            if (e.is(kind::replay_end)) machine->step();
        }
        stub::machine* machine;
    } agent{&p.machine};
    p.machine.script().guest_resets = 1;
    const attachment attached{p.bus.attach(agent, grant{}.on(p.vm).allow(right::observe))};
    p.settle();
    CHECK(p.sees.told(transition::reset, cause::guest) == 1);
    CHECK(p.bus.epoch_of(p.vm) == epoch_number{2});
    p.mail(VMSIG_GUEST_FLOOD | 50000);
    const attachment again{p.bus.attach(agent, grant{}.on(p.vm).allow(right::observe))};
    p.settle();
    REQUIRE(p.sees.last<gap>() != nullptr);
    CHECK(p.sees.last<gap>()->count > 500);
    CHECK(p.power(verb::status).outcome == outcome::done);
}

TEST_CASE("an event that claims more than it holds is still an event of its size") {
    plugged p;
    p.machine.script().oversized = true;
    p.step();
    REQUIRE(p.sees.last<console_output>() != nullptr);
    CHECK(p.sees.last<console_output>()->size == 255);
    CHECK(p.sees.console().starts_with("ready boot=0001"));
}

TEST_CASE("without a console the guest goes on, and says nothing") {
    plugged p;
    p.machine.detach(stub::device::console);
    p.step();
    CHECK(p.sees.console().empty());
    CHECK(p.peek(offsetof(vmsig_guest_state, heartbeat)) == 1);
}
