// One event: a sensor that the host made, a control that may see it, and nothing else. The bus
// calls the control in place: no thread, no queue, no system call between the two.
#include <cstdio>

#include <vmsig/vmsig.hpp>

struct sample {
    double celsius;
};

struct thermometer { // an adapter: it emits
    vmsig::adapter_handle bus;
    void on_attach(vmsig::adapter_handle handle) { bus = handle; }
};

struct watcher { // a control: it sees
    vmsig::kind temperature{};
    int seen = 0;

    void on_event(const vmsig::event& e, vmsig::control_handle) {
        if (!e.is(temperature)) return;
        std::printf("%.1f degrees\n", e.payload_as<sample>()->celsius);
        ++seen;
    }
};

int main() {
    thermometer sensor; // whatever the bus calls lives longer than the bus
    watcher seer;
    vmsig::core<> bus;
    const auto vm = bus.add_endpoint("build-7");
    const auto temperature = seer.temperature = bus.register_kind("thermometer.sample", {});

    bus.attach_adapter(sensor, vm);
    bus.attach(seer, vmsig::grant{}.on(vm).allow(vmsig::right::observe));
    bus.dispatch(); // whoever attaches is told first what is retained

    sensor.bus.emit(temperature, sample{36.6});
    return seer.seen == 1 ? 0 : 1;
}
