// Rule: a machine that is reset at any step of a memory write, or that flips its page tables under
// it, gets the write whole and before the reset, or not at all; never in the new epoch, and never
// anywhere but where the tables pointed.
#include <cstring>
#include <vector>

#include "workload.hpp"

using namespace vmsig;
using namespace vmsig::test;

namespace {

constexpr std::uint64_t marks = 8;
constexpr std::uint64_t base = 0x4000; ///< physical; nothing of the guest's is there
constexpr std::uint64_t value_of(std::uint64_t n) { return 0x1111'1111'1111'1111 * (n + 1); }

/// Writes, and at a given one of all its callbacks has the guest reset itself.
struct saboteur {
    control_handle bus;
    std::function<void()> reset;
    std::uint64_t callbacks = 0, at = 0, resets = 0;
    std::vector<std::pair<correlation_id, receipt>> receipts;
    std::function<void()> when_raised; ///< told, and nothing else happened since

    void on_event(const event& e, control_handle) {
        if (const auto* r = e.as<receipt>()) receipts.emplace_back(e.correlation, *r);
        if (e.is(kind::epoch_changed) && when_raised) when_raised();
        if (++callbacks == at) act();
    }
    void act() {
        ++resets;
        reset();
    }
};

struct scene {
    stub::machine machine{stub::machine_options{.clock = stub::clocking::manual}};
    saboteur s;
    workload_core bus;
    endpoint_id vm = bus.add_endpoint("vm");
    lease memory;

    explicit scene(const stub::faults& script) {
        machine.plug_into(bus, vm);
        s.bus = bus.attach(s, full(vm));
        while (bus.dispatch()) {}
        memory = s.bus.acquire(vm, lease_class::memwrite).lease;
        while (bus.dispatch()) {}
        machine.script() = script;
        s.callbacks = 0;
        s.reset = [this] {
            machine.script().guest_resets = 1;
            machine.step();
        };
    }
    ~scene() { machine.unplug(); }
    std::uint64_t word(std::uint64_t n) const {
        std::uint64_t value = 0;
        std::memcpy(&value, machine.ram().at(base + 8 * n), sizeof value);
        return value;
    }
    /// Three modes in turn.
    correlation_id write(std::uint64_t n) {
        const std::uint64_t value = value_of(n);
        const auto bytes = std::as_bytes(std::span{&value, 1});
        const memory_at at{base + 8 * n};
        if (n % 3 == 0) return s.bus.submit(store(memory, at, value)).id;
        const auto mode = n % 3 == 1 ? write_mode::paused : write_mode::best_effort;
        return s.bus.submit(write_memory(memory, at, 8, mode), bytes).id;
    }
};

/// What a reset at that step leaves behind. False: there is no such step any more.
bool check_reset_at(std::uint64_t step, const stub::faults& script) {
    std::vector<correlation_id> ids;
    std::vector<std::uint64_t> at_raise; // also while the scene ends
    scene w{script};
    w.s.when_raised = [&] {
        for (std::uint64_t n = 0; n < marks; ++n) at_raise.push_back(w.word(n));
    };
    for (std::uint64_t n = 0; n < marks; ++n) ids.push_back(w.write(n));
    // Steps: before anything, inside each callback, between turns, and behind everything.
    std::uint64_t places = 0;
    const auto place = [&] {
        if (places++ == step) w.s.act();
    };
    place();
    if (step >= 100) w.s.at = step - 99;
    for (int turns = 0; turns < 6; ++turns) {
        w.bus.dispatch();
        place();
        w.machine.step();
        place();
    }
    w.machine.complete_pending();
    while (w.bus.dispatch()) {}
    CHECK(w.s.receipts.size() == marks); // one each
    const bool was_reset = w.s.resets != 0;
    CHECK(w.bus.epoch_of(w.vm).value == 1u + w.s.resets);
    for (const auto& [id, r] : w.s.receipts) {
        std::uint64_t n = 0;
        while (n < marks && ids[n] != id) ++n;
        REQUIRE(n < marks);
        const bool done = r.outcome == outcome::done;
        CHECK((done || r.outcome == outcome::stale_epoch || r.outcome == outcome::failed));
        if (!was_reset) CHECK(w.word(n) == value_of(n));
        if (!was_reset) CHECK(done);
        if (was_reset && !at_raise.empty()) CHECK((at_raise[n] == value_of(n)) == done);
    }
    for (std::uint64_t n = 0; n < at_raise.size(); ++n) CHECK(w.word(n) == at_raise[n]);
    return step < 100 ? places > step : was_reset;
}

} // namespace

TEST_CASE("a guest that resets itself at any step of a write gets it before the reset or not") {
    for (unsigned how = 0; how < 6; ++how) {
        stub::faults script;
        script.completes = std::array{stub::completing::at_once, stub::completing::next_step,
                                      stub::completing::on_demand}[how / 2];
        script.takes_late = how % 2 == 1;
        for (std::uint64_t step = 0;; ++step) {
            INFO("how " << how << ", step " << step);
            if (!check_reset_at(step, script)) break;
        }
        for (std::uint64_t step = 100;; ++step) {
            INFO("how " << how << ", callback " << step - 100);
            if (!check_reset_at(step, script)) break;
        }
    }
}

TEST_CASE("writes through page tables that a guest flips land in one of the two pages alone") {
    scene w{{}};
    const auto& ram = w.machine.ram();
    const std::uint64_t root = w.machine.cpu().root;
    const std::uint64_t va = VMSIG_GUEST_STATE_ADDRESS;
    constexpr std::uint64_t page = 4096, other_page = 0x5000, across = 1024;
    std::uint64_t table = root;
    for (unsigned level = 4; level > 1; --level) {
        std::uint64_t entry = 0;
        std::memcpy(&entry, ram.at(table + (va >> (12 + 9 * (level - 1)) & 511) * 8), 8);
        table = entry & 0x000f'ffff'ffff'f000;
    }
    auto* const leaf = reinterpret_cast<std::uint64_t*>(ram.at(table + (va >> 12 & 511) * 8));
    const std::uint64_t home = *leaf;
    const std::vector<std::byte> low{ram.low().begin(), ram.low().end()};
    const std::vector<std::byte> high{ram.high().begin(), ram.high().end()};
    std::atomic<bool> stop{false};
    std::thread guest{[&] {
        const std::uint64_t entries[] = {home, other_page | (home & 0xfff), 0, 0xf'ffff'f000 | 3};
        for (unsigned i = 0; !stop; ++i) __atomic_store_n(leaf, entries[i % 4], __ATOMIC_RELEASE);
    }};
    const std::vector<std::byte> bulk(across, std::byte{0xab});
    std::uint64_t done = 0, refused = 0, odd = 0, submitted = 0;
    const auto went_there = [&] { return *ram.at(other_page + page - 1) == std::byte{0xab}; };
    while (submitted < 20'000 || refused == 0 || !went_there()) {
        w.s.receipts.clear();
        for (int i = 0; i < 8; ++i, ++submitted) {
            const memory_at at{va + offsetof(vmsig_guest_state, scratch), root};
            if (i % 2 == 0)
                (void)w.s.bus.submit(store(w.memory, at, ~std::uint64_t{0}));
            else
                (void)w.s.bus.submit(write_memory(w.memory, {va + page - across / 2, root}, across,
                                                  write_mode::paused),
                                     bulk);
        }
        while (w.bus.dispatch()) {}
        for (const auto& [id, r] : w.s.receipts) {
            ++(r.outcome == outcome::done ? done : refused);
            odd += r.outcome != outcome::done && r.failure != failure::not_translated &&
                           r.failure != failure::outside_ram
                       ? 1u
                       : 0u;
        }
        odd += w.s.receipts.size() == 8 ? 0u : 1u;
    }
    stop = true;
    guest.join();
    CHECK(odd == 0);
    CHECK(done > 0);
    *leaf = home;
    // All of RAM but the two pages, and the second one of the long write, is as it was.
    const std::uint64_t first = home & 0x000f'ffff'ffff'f000;
    std::size_t astray = 0;
    for (std::size_t at = 0; at < low.size(); ++at) {
        const bool allowed = at / page == first / page || at / page == other_page / page;
        astray += !allowed && ram.low()[at] != low[at] ? 1u : 0u;
    }
    const std::uint64_t second = w.machine.cpu().high_page - stub::high_ram_start;
    for (std::size_t at = 0; at < high.size(); ++at)
        astray += at / page != second / page && ram.high()[at] != high[at] ? 1u : 0u;
    CHECK(astray == 0);
}
