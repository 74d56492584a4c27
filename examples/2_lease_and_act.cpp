// Lease and act: a control asks for the keyboard of a machine, types a key, and hears how it ended.
#include <cstdio>

#include <vmsig/stub/machine.hpp>
#include <vmsig/vmsig.hpp>

using vmsig::kind;

struct typist {
    bool done = false;

    void on_event(const vmsig::event& e, vmsig::control_handle bus) {
        if (e.is(kind::replay_end)) bus.acquire(e.endpoint, vmsig::lease_class::input);
        if (const auto* lease = e.as<vmsig::lease_granted>()) {
            std::printf("input lease, serial %lu\n",
                        static_cast<unsigned long>(lease->serial.value));
            bus.submit(vmsig::press(*lease, KEY_A)
                           .hold(vmsig::milliseconds(20))
                           .within(vmsig::seconds(2)));
        }
        if (const auto* receipt = e.as<vmsig::receipt>()) {
            done = receipt->outcome == vmsig::outcome::done;
            std::printf("key pressed and released: %s\n", done ? "done" : "not done");
            host->stop();
        }
    }

    vmsig::core<>* host = nullptr;
};

int main() {
    vmsig::stub::machine machine; // whatever the bus calls lives longer than the bus
    typist agent;
    vmsig::core<> bus;
    agent.host = &bus;

    const auto vm = bus.add_endpoint("build-7");
    machine.plug_into(bus, vm);
    bus.attach(agent,
               vmsig::grant{}.on(vm).allow(vmsig::right::observe | vmsig::right::input).rank(10));
    bus.run();
    return agent.done ? 0 : 1;
}
