// Rows 5 and 5b: one event to its subscribers, building it included. The limit is a loop over an
// array of {function, object}, or over a list of those that match. It promises nothing; the last
// rows compare with the same promises kept by hand.
#include "emit_by_hand.hpp"
#include "ratio.hpp"

#include <vmsig/vmsig.hpp>

namespace {

struct subscriber {
    std::uint64_t sum = 0;
    void on_event(const vmsig::event& e, vmsig::control_handle) {
        sum += static_cast<std::uint64_t>(e.timestamp.ns);
    }
};

struct sensor {
    vmsig::adapter_handle bus;
    void on_attach(vmsig::adapter_handle b) { bus = b; }
};

struct sample {
    std::uint64_t value = 0;
};

struct raw_sink {
    void (*call)(void*, const vmsig::event&) = nullptr;
    void* self = nullptr;
};

[[gnu::noinline]] void raw_deliver(void* self, const vmsig::event& e) {
    static_cast<subscriber*>(self)->sum += static_cast<std::uint64_t>(e.timestamp.ns);
}

template <std::size_t Subscribers>
void limit(benchmark::State& state) {
    std::array<subscriber, Subscribers> all;
    std::array<raw_sink, Subscribers> sinks;
    for (std::size_t i = 0; i < Subscribers; ++i) sinks[i] = {&raw_deliver, &all[i]};
    std::uint64_t value = 0;
    for (auto _ : state) {
        vmsig::event e;
        e.kind = vmsig::kind::first_host;
        e.timestamp = {42};
        e.set_payload(sample{++value});
        benchmark::DoNotOptimize(e);
        for (const raw_sink& s : sinks) s.call(s.self, e);
    }
    benchmark::DoNotOptimize(all);
}

template <std::size_t Subscribers>
void by_hand(benchmark::State& state) {
    bench::emit_by_hand bus;
    std::array<subscriber, Subscribers> all;
    for (unsigned i = 0; i < Subscribers; ++i) bus.subscribe(i, &all[i], &raw_deliver);
    std::uint64_t value = 0;
    for (auto _ : state) {
        vmsig::event e;
        e.kind = vmsig::kind::first_host;
        e.set_payload(sample{++value});
        bus.emit(1, e);
    }
    benchmark::DoNotOptimize(all);
}

template <std::size_t Subscribers, std::size_t Matching>
void ours(benchmark::State& state) {
    vmsig::core<> bus;
    const auto vm = bus.add_endpoint("a");
    const auto other = bus.add_endpoint("b");
    sensor s;
    bus.attach_adapter(s, vm);
    std::array<subscriber, Subscribers> all;
    for (std::size_t i = 0; i < Subscribers; ++i)
        bus.attach(all[i], vmsig::grant{}
                               .on(i % (Subscribers / Matching) == 0 ? vm : other)
                               .allow(vmsig::right::observe));
    const auto k = bus.register_kind("sample", {.name = "sample"});
    while (bus.dispatch()) {}
    std::uint64_t value = 0;
    for (auto _ : state) s.bus.emit(k, sample{++value});
    benchmark::DoNotOptimize(all);
}

} // namespace

int main(int argc, char** argv) {
    bench::pair("5  emit to 8", 1.40, 8, limit<8>, ours<8, 8>);
    bench::pair("5  emit to 64", 1.20, 64, limit<64>, ours<64, 64>);
    bench::pair("5b emit to 8 of 64", 1.40, 8, limit<8>, ours<64, 8>);
    bench::pair("5  emit to 8, same promises", 0, 8, by_hand<8>, ours<8, 8>);
    bench::pair("5  emit to 64, same promises", 0, 64, by_hand<64>, ours<64, 64>);
    bench::pair("5b emit to 8 of 64, same promises", 0, 8, by_hand<8>, ours<64, 8>);
    return bench::run(argc, argv);
}
