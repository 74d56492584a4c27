// Your own event loop: the bus is one descriptor in your poll(2). It is readable when there is
// work, when a timer is due, and when another thread has posted; each dispatch has a budget.
#include <poll.h>

#include <cstdio>
#include <thread>

#include <vmsig/vmsig.hpp>

struct idle {
    void on_event(const vmsig::event&, vmsig::control_handle) {}
};

int main() {
    idle control;
    vmsig::core<> bus;
    const auto vm = bus.add_endpoint("build-7");
    bus.attach(control, vmsig::grant{}.on(vm).allow(vmsig::right::observe));

    int posted = 0;
    std::thread other{[&bus, &posted] {
        for (int i = 0; i < 3; ++i) bus.post([&posted] { ++posted; });
    }};
    for (int wakes = 0; posted < 3 && wakes < 1000; ++wakes) {
        pollfd mine[] = {{bus.fd(), POLLIN, 0}}; // and whatever else your program waits for
        if (::poll(mine, 1, 10000) <= 0) break;
        bus.dispatch(64);
    }
    other.join();
    std::printf("%d closures ran on the loop thread\n", posted);
    return posted == 3 ? 0 : 1;
}
