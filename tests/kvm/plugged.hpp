// A KVM machine plugged into a core on epoll, and a control that writes down what it is told: what
// the tests of the adapters share. It waits with a deadline, never for a time.
#pragma once

#include <chrono>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <poll.h>

#include <vmsig/control/build.hpp>
#include <vmsig/core/core.hpp>
#include <vmsig/guest/guest_state.hpp>
#include <vmsig/guest/view.hpp>
#include <vmsig/kvm/machine.hpp>

#include "machine.hpp"
#include "support/catch.hpp"
#include "support/metered.hpp"

namespace vmsig::test {

struct plugged_limits : default_limits {
    static constexpr std::uint16_t endpoints = 16;
    static constexpr std::uint16_t adapters = 64;
    static constexpr std::uint16_t controls = 4;
};
struct plugged_traits : default_traits {
    using reactor = metered<epoll_reactor<>>;
    using limits = plugged_limits;
};
using plugged_core = core<plugged_traits>;

inline constexpr rights everything =
    right::observe | right::memctx | right::memread | right::memwrite | right::input | right::power;

/// Keeps every event.
struct witness {
    void on_event(const event& e, control_handle bus) {
        const beside_the_turn mine;
        seen.push_back(e);
        if (script) script(e, bus);
    }
    std::size_t count(kind k, std::size_t from = 0) const {
        std::size_t n = 0;
        for (std::size_t i = from; i < seen.size(); ++i) n += seen[i].kind == k;
        return n;
    }
    std::size_t told(transition what, cause why = cause::host) const {
        std::size_t n = 0;
        for (const event& e : seen)
            if (const auto* l = e.as<lifecycle>())
                n += l->what == what && l->cause == why && l->replayed == 0;
        return n;
    }
    template <class P>
    const P* last() const {
        for (auto e = seen.rbegin(); e != seen.rend(); ++e)
            if (const P* p = e->template as<P>()) return p;
        return nullptr;
    }
    /// Its place among the events, or their end.
    std::size_t place(kind k, std::size_t from = 0) const {
        while (from < seen.size() && seen[from].kind != k) ++from;
        return from;
    }
    std::size_t place(correlation_id id) const {
        std::size_t at = 0;
        while (at < seen.size() && !(seen[at].correlation == id && seen[at].is(kind::receipt)))
            ++at;
        return at;
    }
    std::optional<receipt> receipt_of(correlation_id id) const {
        const std::size_t at = place(id);
        if (at == seen.size()) return std::nullopt;
        return *seen[at].as<receipt>();
    }
    std::string console() const {
        std::string all;
        for (const event& e : seen)
            if (const auto* c = e.as<console_output>()) all.append(c->text.data(), c->size);
        return all;
    }

    std::vector<event> seen;
    std::function<void(const event&, control_handle)> script;
};

template <class Core>
bool turn_until(Core& bus, const std::function<bool()>& reached) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!reached()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        pollfd p{bus.fd(), POLLIN, 0};
        ::poll(&p, 1, 5);
        bus.dispatch();
    }
    return true;
}

struct plugged {
    plugged() {
        machine.plug_into(bus, vm);
        bus.set_drain_deadline(seconds(30));
        me = join(sees, 10);
        for (const lease_class c : {lease_class::input, lease_class::power, lease_class::memwrite})
            lease_of(c) = acquire(me, c);
    }
    /// As `plugged`, and it says that it is ready.
    static struct boot_tag {
    } booted;
    explicit plugged(boot_tag)
        : plugged{} {
        REQUIRE(power(verb::start).outcome == outcome::done);
        REQUIRE(ready(1));
    }

    control_handle join(witness& w, std::uint32_t rank) {
        const control_handle it = bus.attach(w, grant{}.on(vm).allow(everything).rank(rank));
        REQUIRE(until([&] { return w.count(kind::replay_end) == 1; }));
        return it;
    }
    lease acquire(control_handle who, lease_class c) {
        const auto got = who.acquire(vm, c);
        REQUIRE(got);
        return got.lease;
    }
    lease& lease_of(lease_class c) { return leases[static_cast<unsigned>(c)]; }
    const lease& input() { return lease_of(lease_class::input); }
    const lease& memory() { return lease_of(lease_class::memwrite); }

    bool until(const std::function<bool()>& reached) { return turn_until(bus, reached); }
    /// For the n-th time since power on, and its memctx is published.
    bool ready(unsigned boots) {
        char line[32];
        std::snprintf(line, sizeof line, "ready boot=%04x", boots);
        const bool said = until([&] {
            return sees.console().rfind(line) != std::string::npos &&
                   sees.count(kind::memctx_published,
                              sees.seen.size() - news_since(kind::epoch_changed)) != 0;
        });
        return said && look();
    }

    correlation_id submit(const command& c, std::span<const std::byte> bulk = {}) {
        const submit_result r = me.submit(c, bulk);
        REQUIRE(r.why == refusal::none);
        return r.id;
    }
    receipt ended(correlation_id id) {
        REQUIRE(until([&] { return sees.receipt_of(id).has_value(); }));
        return *sees.receipt_of(id);
    }
    receipt run(const command& c, std::span<const std::byte> bulk = {}) {
        return ended(submit(c, bulk));
    }
    command_builder power_verb(verb v) { return vmsig::power(lease_of(lease_class::power), v); }
    receipt power(verb v) { return run(power_verb(v)); }
    receipt type(std::uint16_t key) { return run(press(input(), key)); }
    vm_state status() { return run(query_status(vm)).state; }

    /// Takes the memctx as it is now.
    bool look() {
        auto got = me.memctx(vm);
        if (!got) return false;
        locator = got->locator;
        if (!got->fds_included) return true;
        level = locator.level;
        fd = std::move(got->fds[0]);
        return true;
    }
    /// Where a member of the state page is, as whoever was given the memctx sees it.
    memory_at at(std::size_t offset) const {
        return {VMSIG_GUEST_STATE_ADDRESS + offset, locator.roots()[0].root};
    }
    template <class T>
    T peek(memory_at where) const {
        const int borrowed[] = {fd.get()};
        const auto view = pread_view::open(locator, std::span<const int>{borrowed});
        REQUIRE(view);
        const auto value =
            view->template read_object<T>(guest_address::of(where.address, where.root));
        REQUIRE(value);
        return *value;
    }
    std::uint64_t word(std::size_t offset) const { return peek<std::uint64_t>(at(offset)); }
    std::uint64_t gpa(std::size_t offset) const {
        const int borrowed[] = {fd.get()};
        const auto view = pread_view::open(locator, std::span<const int>{borrowed});
        REQUIRE(view);
        const auto page = view->translate(guest_address::of(at(offset).address, at(offset).root));
        REQUIRE(page);
        return page->gpa;
    }
    std::vector<std::uint8_t> keys_since(std::uint64_t count) const {
        std::vector<std::uint8_t> found;
        const auto state = peek<vmsig_guest_state>(at(0));
        for (; count < state.key_count; ++count)
            found.push_back(state.key_log[count % VMSIG_GUEST_KEY_LOG]);
        return found;
    }
    bool heartbeat_moves() {
        const std::uint64_t before = word(STATE_OFFSET(heartbeat));
        return until([&] { return word(STATE_OFFSET(heartbeat)) > before; });
    }
    correlation_id post(std::uint64_t mail) {
        return submit(store(memory(), at(STATE_OFFSET(mailbox)), mail));
    }
    bool acknowledged(std::uint64_t mail) {
        return until([&] { return word(STATE_OFFSET(mailbox_seen)) == mail; });
    }
    bool mail(std::uint64_t word) {
        return ended(post(word)).outcome == outcome::done && acknowledged(word);
    }

    kvm::machine machine;
    witness sees;
    plugged_core bus;
    endpoint_id vm = bus.add_endpoint("vm");
    control_handle me;
    lease leases[lease_class_count];
    memctx_locator locator;
    unique_fd fd;
    export_level level = export_level::refused;

private:
    /// How many events came since the last of that kind.
    std::size_t news_since(kind k) const {
        std::size_t n = 0;
        for (auto e = sees.seen.rbegin(); e != sees.seen.rend() && e->kind != k; ++e) ++n;
        return n;
    }
};

} // namespace vmsig::test
