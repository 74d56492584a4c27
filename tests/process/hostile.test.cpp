// Rule: an adapter that throws, blocks, lies, floods or loses its descriptor costs nobody else
// anything on the real loop: what was accepted ends once, other machines go on, nothing spins.
#include <memory>
#include <set>

#include <sys/socket.h>

#include <support/fd_count.hpp>

#include "workload.hpp"

using namespace vmsig;
using namespace vmsig::test;

namespace {

/// Asks for everything that a machine can do, whatever has become of it, and keeps account.
struct mixer {
    control_handle bus;
    endpoint_id vm;
    std::set<std::uint64_t> open; ///< accepted, and not ended
    std::uint64_t ended = 0, astray = 0, faults = 0, n = 0;
    std::function<void()> at_fourth; ///< before the fourth pump

    void on_event(const event& e, control_handle) {
        if (const auto* d = e.as<adapter_detached>()) faults += d->fault;
        if (e.is(kind::memctx_published)) (void)bus.memctx(vm);
        if (!e.is(kind::receipt)) return;
        ++ended;
        astray += open.erase(e.correlation.value) == 1 ? 0u : 1u;
    }
    void submit(const command& c) {
        const auto r = bus.submit(c);
        if (r) open.insert(r.id.value);
    }
    void pump() {
        if (n == 3 && at_fourth) at_fourth();
        lease of[lease_class_count];
        for (unsigned c = 0; c < lease_class_count; ++c)
            of[c] = bus.acquire(vm, static_cast<lease_class>(c)).lease;
        submit(press(of[0], KEY_C));
        submit(press(of[0], KEY_D).hold(microseconds(30)));
        submit(store(of[2], {0x2000}, ++n));
        submit(write_memory(of[2], {0x3000}, 8, write_mode::paused));
        submit(read_memory(vm, {0x2000}, 64));
        submit(query_status(vm).delayed(microseconds(100)));
        if (n % 3 == 0) submit(power(of[1], verb::reset));
        if (n % 4 == 0) bus.release(of[0]);
        (void)bus.refresh(vm);
    }
};

/// The workload, and beside it a machine that misbehaves.
struct neighbours {
    workload w;
    mixer asks;
    stub::machine bad{stub::machine_options{.period = microseconds(500)}};

    neighbours() {
        asks.vm = w.bus.add_endpoint("bad");
        bad.plug_into(w.bus, asks.vm);
        asks.bus = w.bus.attach(asks, full(asks.vm));
        w.bus.set_drain_deadline(milliseconds(5));
        w.dispatch(1);
    }
    ~neighbours() { bad.unplug(); }
    /// Side by side, then to the end of everything.
    void live() {
        w.drives.after_round = [this] { asks.pump(); };
        w.run(8);
        w.dispatch(8);
        w.drives.after_round = {};
        w.turn_until([&] { return asks.open.empty(); });
        w.check_all();
        CHECK(asks.astray == 0);
        CHECK(asks.ended > 20);
        CHECK(w.bus.pending_of(asks.bus.origin()) == 0);
    }
};

struct hook_of {
    stub::device device;
    stub::hook hook;
};
constexpr hook_of hooks[] = {
    {stub::device::memory, stub::hook::execute},
    {stub::device::memory, stub::hook::describe},
    {stub::device::memory, stub::hook::share_fds},
    {stub::device::memory, stub::hook::invalidate},
    {stub::device::memory, stub::hook::on_detached},
    {stub::device::keyboard, stub::hook::execute},
    {stub::device::keyboard, stub::hook::neutral},
    {stub::device::keyboard, stub::hook::on_detached},
    {stub::device::console, stub::hook::on_detached},
    {stub::device::host, stub::hook::on_ready},
    {stub::device::host, stub::hook::execute},
    {stub::device::host, stub::hook::on_hangup},
    {stub::device::host, stub::hook::on_detached},
};

/// An adapter that waits at a gate in whichever of its functions is asked for.
struct blocker {
    static constexpr roles serves = role::host_management | role::input | role::memctx_provider;
    enum class where { none, ready, execute, neutral, invalidate } blocks = where::none;

    adapter_handle bus;
    input_codes takes = input_codes::keyboard();
    std::atomic<bool> inside{false}, open{false};
    int farewells = 0;
    unique_fd bell{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};

    void gate(where here) {
        if (here != blocks) return;
        inside = true;
        inside.notify_all();
        open.wait(false);
    }
    void on_attach(adapter_handle b) {
        bus = b;
        if (!bus.watch(bell.get(), interest::read, {})) throw std::runtime_error{"watch"};
    }
    void on_ready(cookie, adapter_handle) {
        std::uint64_t rung = 0;
        (void)!::read(bell.get(), &rung, sizeof rung);
        gate(where::ready);
    }
    void execute(fenced_command c, adapter_handle b) {
        if (!c.take()) return;
        gate(where::execute);
        b.complete(c.id());
    }
    const input_codes& codes() const { return takes; }
    std::size_t neutral(std::span<const input_change> all, adapter_handle) {
        gate(where::neutral);
        return all.size();
    }
    expected<memctx_locator, os_error> describe() { return memctx_locator{}; }
    expected<ram_fds, os_error> share_fds() { return ram_fds{}; }
    void invalidate(epoch_number, adapter_handle) { gate(where::invalidate); }
    void on_detached() { ++farewells; }
};

struct listener {
    void on_event(const event& e, control_handle) {
        if (const auto* d = e.as<adapter_detached>()) faults += d->fault;
    }
    int faults = 0;
};

} // namespace

TEST_CASE("a machine that throws in any function, at any call, costs its neighbour nothing") {
    const int before = open_fd_count();
    for (const hook_of& at : hooks) {
        for (const std::uint32_t kth : {1u, 2u, 3u}) {
            INFO("device " << int(at.device) << ", hook " << int(at.hook) << ", call " << kth);
            neighbours n;
            n.bad.script().throw_at(at.device, at.hook, kth);
            const bool hangs_up = at.hook == stub::hook::on_hangup;
            const bool leaves = at.hook == stub::hook::on_detached;
            if (hangs_up) n.asks.at_fourth = [&n] { n.bad.hang_up(); };
            if (leaves) n.asks.at_fourth = [&n, at] { n.bad.detach(at.device); };
            n.live();
            if (hangs_up || leaves)
                CHECK(n.asks.faults <= 1);
            else
                CHECK(n.asks.faults == 1);
        }
    }
    CHECK(open_fd_count() == before);
}

TEST_CASE("a machine that keeps no contract costs its neighbour nothing") {
    const int before = open_fd_count();
    const auto misbehave = [](unsigned how, stub::faults& f) {
        f.completes = how & 1 ? stub::completing::next_step : stub::completing::at_once;
        f.completes_twice = (how & 2) != 0;
        f.takes_late = (how & 4) != 0;
        if (how >> 3 == 1) f.lies = true;
        if (how >> 3 == 2) f.describe_error = EIO;
        if (how >> 3 == 3) f.share_error = EMFILE;
        if (how >> 3 == 4) f.publishes_ahead = 1;
        if (how >> 3 == 5) f.floods = f.oversized = true;
        if (how >> 3 == 6) f.neutral_per_step = 1;
        if (how >> 3 == 7) f.reset_tells = 5;
    };
    for (unsigned how = 0; how < 64; ++how) {
        INFO("how " << how);
        neighbours n;
        misbehave(how, n.bad.script());
        n.live();
    }
    CHECK(open_fd_count() == before);
}

TEST_CASE("an adapter that blocks the running loop is named, let go, and quarantined") {
    using where = blocker::where;
    const auto at = GENERATE(where::ready, where::execute, where::neutral, where::invalidate);
    blocker blocks;
    listener hears;
    workload w;
    const endpoint_id vm = w.bus.add_endpoint("other");
    const adapter_id guilty = w.bus.attach_adapter(blocks, vm);
    const control_handle me = w.bus.attach(hears, full(vm));
    w.dispatch(1);
    const auto keys = me.acquire(vm, lease_class::input);
    REQUIRE(me.submit(press(keys.lease, KEY_A)));
    w.dispatch(1);
    blocks.blocks = at;

    adapter_id named;
    std::thread watching{[&] {
        blocks.inside.wait(false);
        call_watch::call_number last = 0;
        while (!named) named = w.bus.calls().look(last);
        blocks.open = true;
        blocks.open.notify_all();
    }};
    const std::uint64_t one = 1;
    if (at == where::ready) REQUIRE(::write(blocks.bell.get(), &one, sizeof one) == sizeof one);
    if (at == where::execute) REQUIRE(me.submit(query_status(vm)));
    if (at == where::neutral) CHECK(me.release(keys.lease) == refusal::none);
    if (at == where::invalidate)
        blocks.bus.emit(lifecycle{transition::reset, cause::guest, vm_state::unknown, 0});
    w.run(10);
    watching.join();
    CHECK(named == guilty);
    CHECK(blocks.farewells == 1);
    CHECK(hears.faults == 1);
    w.check_all();
}
