// I1-I26: no string of bytes, read as what controls, adapters, guests and the host do, makes the
// core break an invariant. The first byte picks the core: plain, counters that end at 7, a
// fail-closed audit, challengers that ask.
#include "harness.hpp"
#include "tape.hpp"

#include <algorithm>
#include <csignal>
#include <memory>

#include <sim/world.hpp>

namespace {

using namespace vmsig;

constexpr std::uint32_t most_steps = 400;

const sim::trace* under_way = nullptr;

/// Says how it came to an assertion of the core, then leaves it to whoever was asked before.
class abort_notice {
public:
    abort_notice() {
        struct sigaction ours {};
        ours.sa_handler = [](int) {
            if (under_way) std::fputs(under_way->last().c_str(), stderr);
            ::sigaction(SIGABRT, &before, nullptr);
            std::raise(SIGABRT); // delivered when this returns
        };
        ::sigaction(SIGABRT, &ours, &before);
    }

private:
    static inline struct sigaction before {};
};

template <class Traits>
void play(std::uint32_t steps) {
    sim::plan p;
    p.steps = steps;
    const auto world = std::make_unique<sim::world<Traits>>(p);
    under_way = &world->history();
    const sim::result r = world->run();
    if (!r.ok) fuzz::broken(r.rule.c_str());
    under_way = nullptr;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const abort_notice notice;
    if (size == 0) return 0;
    sim::random::tape = {data + 1, size - 1};
    const std::size_t records = (size - 1) / sim::random::record_bytes;
    const auto steps = static_cast<std::uint32_t>(std::min<std::size_t>(records, most_steps));
    switch (data[0] % 4) {
    case 0: play<sim::plain>(steps); break;
    case 1: play<sim::seven>(steps); break;
    case 2: play<sim::fail_closed>(steps); break;
    default: play<sim::asking>(steps); break;
    }
    return 0;
}
