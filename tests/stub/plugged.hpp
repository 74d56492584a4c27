// A stub machine plugged into a core with a manual reactor, and a control that writes down what it
// is told: what the tests of the adapters share.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include <support/catch.hpp>
#include <support/metered.hpp>

#include <vmsig/control/build.hpp>
#include <vmsig/core/core.hpp>
#include <vmsig/guest/view.hpp>
#include <vmsig/reactor/manual_reactor.hpp>
#include <vmsig/stub/machine.hpp>

namespace vmsig::test {

struct stub_limits : default_limits {
    static constexpr std::uint16_t endpoints = 4;
    static constexpr std::uint16_t adapters = 16;
    static constexpr std::uint16_t controls = 4;
    static constexpr std::uint16_t commands_per_control = 256;
};
struct stub_traits : default_traits {
    using reactor = metered<manual_reactor>;
    using limits = stub_limits;
    using observer = counting_observer;
};
using stub_core = core<stub_traits>;

inline constexpr rights everything =
    right::observe | right::memctx | right::memread | right::memwrite | right::input | right::power;

/// Holds all three leases and keeps every event.
struct witness {
    void on_event(const event& e, control_handle) {
        const beside_the_turn mine;
        seen.push_back(e);
    }

    std::size_t count(kind k) const {
        std::size_t n = 0;
        for (const event& e : seen) n += e.kind == k;
        return n;
    }
    template <class P>
    const P* last() const {
        for (auto e = seen.rbegin(); e != seen.rend(); ++e)
            if (const P* p = e->template as<P>()) return p;
        return nullptr;
    }
    std::size_t told(transition what, cause why = cause::host) const {
        std::size_t n = 0;
        for (const event& e : seen)
            if (const auto* l = e.as<lifecycle>())
                n += l->what == what && l->cause == why && l->replayed == 0;
        return n;
    }
    const receipt* receipt_of(correlation_id id) const {
        for (const event& e : seen)
            if (e.correlation == id && e.as<receipt>()) return e.as<receipt>();
        return nullptr;
    }
    std::size_t receipts_of(correlation_id id) const {
        std::size_t n = 0;
        for (const event& e : seen) n += e.is(kind::receipt) && e.correlation == id;
        return n;
    }
    std::string console() const {
        std::string all;
        for (const event& e : seen)
            if (const auto* c = e.as<console_output>())
                all.append(c->text.data(), std::min<std::size_t>(c->size, c->text.size()));
        return all;
    }

    std::vector<event> seen;
};

/// Detaches before what it was attached for goes out of scope.
struct attachment {
    explicit attachment(control_handle h)
        : handle{h} {}
    attachment(const attachment&) = delete;
    ~attachment() { handle.detach(); }
    control_handle handle;
};

struct plugged {
    explicit plugged(const stub::machine_options& options = {.clock = stub::clocking::manual})
        : machine{options} {
        vm = bus.add_endpoint("vm");
        machine.plug_into(bus, vm);
        me = bus.attach(sees, grant{}.on(vm).allow(everything).rank(10));
        settle();
        for (const lease_class c : {lease_class::input, lease_class::power, lease_class::memwrite})
            if (const auto got = me.acquire(vm, c)) leases[static_cast<unsigned>(c)] = got.lease;
        settle();
        REQUIRE(leases[2].serial);
    }

    void settle() {
        for (int turns = 0; bus.dispatch(); ++turns) REQUIRE(turns < 100);
    }
    /// The guest makes a step, and everybody is told.
    void step() {
        machine.step();
        settle();
    }
    const lease& of(lease_class c) const { return leases[static_cast<unsigned>(c)]; }

    correlation_id submit(const command& c, std::span<const std::byte> bulk = {}) {
        const submit_result r = me.submit(c, bulk);
        REQUIRE(r.why == refusal::none);
        return r.id;
    }
    /// What became of it, in this turn.
    receipt ended(const command& c, std::span<const std::byte> bulk = {}) {
        const correlation_id id = submit(c, bulk);
        settle();
        REQUIRE(sees.receipts_of(id) == 1);
        return *sees.receipt_of(id);
    }
    receipt power(verb v) { return ended(vmsig::power(of(lease_class::power), v)); }
    receipt type(std::uint16_t key) { return ended(press(of(lease_class::input), key)); }

    /// The state page's member as whoever was given the memctx sees it.
    memory_at at(std::size_t offset) { return {VMSIG_GUEST_STATE_ADDRESS + offset, root()}; }
    std::uint64_t root() {
        const auto got = me.memctx(vm);
        REQUIRE(got);
        REQUIRE(got->locator.root_count == 1);
        if (got->fds_included) level = got->locator.level;
        if (got->fds_included)
            for (unsigned i = 0; i < got->locator.fd_count; ++i)
                fds[i] = unique_fd{::dup(got->fds[i].get())};
        locator = got->locator;
        return locator.roots()[0].root;
    }
    std::uint64_t peek(std::size_t offset) {
        const std::uint64_t cr3 = root();
        const int borrowed[] = {fds[0].get(), fds[1].get()};
        const auto view = pread_view::open(locator, std::span<const int>{borrowed});
        REQUIRE(view);
        const auto word = view->read_object<std::uint64_t>(
            {virtual_address{VMSIG_GUEST_STATE_ADDRESS + offset}, cr3});
        REQUIRE(word);
        return *word;
    }
    receipt mail(std::uint64_t word) {
        return ended(
            store(of(lease_class::memwrite), at(offsetof(vmsig_guest_state, mailbox)), word));
    }

    stub::machine machine;
    witness sees;
    stub_core bus;
    endpoint_id vm;
    control_handle me;
    lease leases[3];
    memctx_locator locator;
    unique_fd fds[2];
    export_level level = export_level::refused; ///< of these
};

} // namespace vmsig::test
