// Row 6: batches of 64 commands from 8 controls, from submission to the receipt. The limit is a
// path by hand that keeps the same promises; see there.
#include "command_by_hand.hpp"
#include "ratio.hpp"

#include <vmsig/vmsig.hpp>

#include <memory>

namespace {

constexpr std::size_t controls = 8;
constexpr std::size_t batch = 64;

struct issuer {
    std::uint64_t done = 0;
    vmsig::lease held;
    void on_event(const vmsig::event& e, vmsig::control_handle bus) {
        if (e.is(vmsig::kind::replay_end)) {
            const auto got = bus.acquire(e.endpoint, vmsig::lease_class::memwrite);
            if (got) held = got.lease;
        }
        if (const auto* r = e.as<vmsig::receipt>())
            done += r->outcome == vmsig::outcome::done ? 1 : 0;
    }
};

struct writer {
    static constexpr vmsig::roles serves = vmsig::role::memory_writer;
    std::uint64_t sum = 0;
    void execute(vmsig::fenced_command c, vmsig::adapter_handle bus) {
        const auto taken = c.take();
        if (!taken) return;
        sum += taken->command.memory.value;
        bus.complete(c.id());
    }
};

void ours(benchmark::State& state) {
    vmsig::core<> bus;
    std::array<writer, controls> writers;
    std::array<issuer, controls> issuers;
    std::array<vmsig::control_handle, controls> handles;
    for (std::size_t i = 0; i < controls; ++i) {
        const auto vm = bus.add_endpoint(std::string(1, static_cast<char>('a' + i)));
        bus.attach_adapter(writers[i], vm);
        handles[i] = bus.attach(issuers[i], vmsig::grant{}.on(vm).allow(vmsig::right::memwrite));
    }
    while (bus.dispatch()) {}
    for (auto _ : state) {
        for (std::size_t n = 0; n < batch; ++n) {
            const std::size_t i = n % controls;
            handles[i].submit(vmsig::store(issuers[i].held, {0x1000, 0}, 1));
        }
        while (bus.dispatch()) {}
    }
    if (issuers[0].done == 0) state.SkipWithError("nothing was done");
}

[[gnu::noinline]] void hand_execute(void* self, bench::command_by_hand& bus, std::uint64_t id) {
    auto* w = static_cast<writer*>(self);
    const std::uint64_t me = ((id & 0xffff) - 1) / bench::command_by_hand::per_control + 1;
    const vmsig::command* taken = bus.take(me, id);
    if (!taken) return;
    w->sum += taken->memory.value;
    bus.complete(me, id, vmsig::completed);
}
[[gnu::noinline]] void hand_receipt(void* self, const vmsig::event& e) {
    static_cast<issuer*>(self)->on_event(e, {});
}

void limit(benchmark::State& state) {
    bench::command_by_hand bus;
    std::array<writer, controls> writers;
    std::array<issuer, controls> issuers;
    for (unsigned i = 0; i < controls; ++i) {
        bus.open(i, &writers[i], &hand_execute, &issuers[i], &hand_receipt);
        issuers[i].held = {vmsig::endpoint_id::make(i, 0), {1}, vmsig::lease_class::memwrite};
    }
    for (auto _ : state) {
        for (unsigned n = 0; n < batch; ++n) {
            const unsigned i = n % controls;
            bus.submit(i + 1, vmsig::store(issuers[i].held, {0x1000, 0}, 1));
        }
        bus.dispatch();
    }
    if (issuers[0].done == 0) state.SkipWithError("nothing was done");
}

} // namespace

int main(int argc, char** argv) {
    bench::pair("6  command, 64 from 8 controls", 1.10, static_cast<int>(batch), limit, ours);
    return bench::run(argc, argv);
}
