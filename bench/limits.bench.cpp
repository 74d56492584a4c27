// No cost grows with a limit that is not used: the same work on a bus with the default limits, and,
// as its limit, on a bus whose tables are hardly larger than what is used.
#include "ratio.hpp"

#include <vmsig/vmsig.hpp>

namespace {

struct few : vmsig::default_limits {
    static constexpr std::uint16_t endpoints = 2;
    static constexpr std::uint16_t adapters = 4;
    static constexpr std::uint16_t controls = 2;
    static constexpr std::uint16_t host_watches = 2;
    static constexpr std::uint16_t posts = 16;
    static constexpr std::uint16_t payload_blocks = 4;
};
struct small_traits : vmsig::default_traits {
    using limits = few;
};
using small_bus = vmsig::core<small_traits>;
using large_bus = vmsig::core<>;

struct device {
    vmsig::adapter_handle bus;
    std::uint64_t ready = 0;
    void on_attach(vmsig::adapter_handle b) { bus = b; }
    void on_ready(vmsig::cookie, vmsig::adapter_handle) { ++ready; }
};

struct subscriber {
    std::uint64_t events = 0;
    void on_event(const vmsig::event&, vmsig::control_handle) { ++events; }
};

template <class Bus>
void empty_turn(benchmark::State& state) {
    Bus bus;
    bus.add_endpoint("a");
    while (bus.dispatch()) {}
    for (auto _ : state) bus.dispatch();
}

template <class Bus>
void watch(benchmark::State& state) {
    Bus bus;
    device d;
    bus.attach_adapter(d, bus.add_endpoint("a"));
    const vmsig::unique_fd fd{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    for (auto _ : state) {
        const auto w = d.bus.watch(fd.get(), vmsig::interest::read, {1});
        if (!w) std::abort();
        d.bus.unwatch(*w);
    }
}

template <class Bus>
void attach_adapter(benchmark::State& state) {
    Bus bus;
    const auto vm = bus.add_endpoint("a");
    for (auto _ : state) {
        device d;
        bus.detach(bus.attach_adapter(d, vm));
        while (bus.dispatch()) {}
    }
}

template <class Bus>
void with_payload(benchmark::State& state) {
    Bus bus;
    const auto vm = bus.add_endpoint("a");
    for (auto _ : state) {
        device d;
        const auto id = bus.attach_adapter(d, vm);
        if (!d.bus.allocate(100)) std::abort();
        bus.detach(id);
        while (bus.dispatch()) {}
    }
}

template <class Bus>
void attach_control(benchmark::State& state) {
    Bus bus;
    const auto vm = bus.add_endpoint("a");
    const auto g = vmsig::grant{}.on(vm).allow(vmsig::right::observe);
    for (auto _ : state) {
        subscriber s;
        const auto handle = bus.attach(s, g);
        while (bus.dispatch()) {}
        handle.detach();
        while (bus.dispatch()) {}
    }
}

} // namespace

int main(int argc, char** argv) {
    constexpr double same = 1.10;
    bench::pair("-  a turn with nothing to do", same, 1, empty_turn<small_bus>,
                empty_turn<large_bus>);
    bench::pair("-  watch and unwatch", same, 1, watch<small_bus>, watch<large_bus>);
    bench::pair("-  attach and detach an adapter", same, 1, attach_adapter<small_bus>,
                attach_adapter<large_bus>);
    bench::pair("-  the same, it had a payload", same, 1, with_payload<small_bus>,
                with_payload<large_bus>);
    bench::pair("-  attach and detach a control", 0, 1, attach_control<small_bus>,
                attach_control<large_bus>);
    return bench::run(argc, argv);
}
