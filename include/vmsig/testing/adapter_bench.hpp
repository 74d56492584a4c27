// adapter_bench: a core with one endpoint, adapters under test attached through spies, and a
// control that holds every right and writes down what it is told. What the rules of
// adapter_conformance.hpp run on.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <vector>

#include <vmsig/control/build.hpp>
#include <vmsig/core/core.hpp>
#include <vmsig/testing/adapter_spy.hpp>

namespace vmsig::testing {

/// A control that keeps everything.
struct event_log {
    void on_event(const event& e, control_handle) { seen.push_back(e); }

    std::size_t count(kind k) const {
        std::size_t n = 0;
        for (const event& e : seen) n += e.is(k);
        return n;
    }
    std::size_t receipts_of(correlation_id id) const {
        std::size_t n = 0;
        for (const event& e : seen) n += e.is(kind::receipt) && e.correlation == id;
        return n;
    }
    /// Empty outcome when there is none.
    receipt receipt_of(correlation_id id) const {
        for (const event& e : seen)
            if (const auto* r = e.as<receipt>(); r && e.correlation == id) return *r;
        return {};
    }
    std::size_t told(transition what) const {
        std::size_t n = 0;
        for (const event& e : seen)
            if (const auto* l = e.as<lifecycle>()) n += l->what == what && l->replayed == 0;
        return n;
    }

    std::vector<event> seen;
};

/// Says what happens to the VM whether it did or not: how a rule raises the epoch at an instant.
struct oracle {
    void on_attach(adapter_handle to) { bus = to; }
    void raise_epoch() const { bus.emit(lifecycle{transition::reset, cause::guest}); }
    adapter_handle bus;
};

template <class Core, class Driver>
class adapter_bench {
public:
    template <class Make>
    explicit adapter_bench(Make& make)
        : driver{make()}
        , vm{bus.add_endpoint("under-test")} {
        driver.for_each_adapter([this](auto& a) {
            using spied = spied_adapter<std::remove_cvref_t<decltype(a)>>;
            auto spy = std::make_unique<spied>(a);
            ids.push_back(bus.attach_adapter(*spy, vm));
            served = served | spied::serves;
            if (spied::serves.has(role::input))
                for (std::uint16_t key = 0; key < KEY_CNT; ++key)
                    if (spy_codes(*spy).has(EV_KEY, key)) keys.push_back(key);
            spies.push_back(std::move(spy));
        });
        bus.attach_adapter(says, vm);
        me = bus.attach(log, grant{}.on(vm).allow(rights::all()).rank(10));
        settle();
        for (unsigned c = 0; c < lease_class_count; ++c) acquire(static_cast<lease_class>(c));
    }
    adapter_bench(const adapter_bench&) = delete;
    adapter_bench& operator=(const adapter_bench&) = delete;

    bool serves(role r) const { return served.has(r); }
    void settle() {
        for (int turns = 0; turns < 1000 && bus.dispatch(); ++turns) continue;
    }
    /// Lets the machine go on until `reached()` or beyond all patience.
    template <class F>
    bool until(F&& reached) {
        for (int round = 0; round < rounds; ++round) {
            settle();
            if (reached()) return true;
            driver.pass();
        }
        return false;
    }
    void go_on() {
        for (int round = 0; round < 4; ++round) {
            driver.pass();
            settle();
        }
    }

    void acquire(lease_class c) { leases[static_cast<unsigned>(c)] = me.acquire(vm, c).lease; }
    const lease& of(lease_class c) const { return leases[static_cast<unsigned>(c)]; }
    /// Its receipt, once there is one.
    receipt end_of(const submit_result& submitted) {
        if (!submitted) return {};
        until([&] { return log.receipts_of(submitted.id) != 0; });
        return log.receipt_of(submitted.id);
    }
    receipt run(const command& c, std::span<const std::byte> bulk = {}) {
        return end_of(me.submit(c, bulk));
    }
    receipt run(verb v) { return run(power(of(lease_class::power), v)); }
    receipt run_key(std::uint16_t key) { return run(press(of(lease_class::input), key)); }

    bool published(epoch_number e) {
        return until([&] {
            for (const event& told : log.seen)
                if (told.is(kind::memctx_published) && told.epoch == e) return true;
            return false;
        });
    }
    /// Reads guest memory as a control may, through the bus; nothing when that fails.
    bool read(memory_at from, std::uint64_t& value) {
        const receipt r = run(read_memory(vm, from, sizeof value));
        value = last_read;
        return r.outcome == outcome::done;
    }

    /// What the adapters did to all of their commands.
    template <class F>
    bool every_command(F&& holds) const {
        for (const auto& spy : spies)
            for (const spied_command& c : spy->acts.commands)
                if (!holds(c)) return false;
        return true;
    }
    /// Called at each hand-over, before the adapter sees the command.
    void at_hand_over(const std::function<void()>& f) {
        for (const auto& spy : spies) spy->before_execute = f;
    }

private:
    template <class Spied>
    static const input_codes& spy_codes(const Spied& spy) {
        static constexpr input_codes none;
        if constexpr (Spied::serves.has(role::input))
            return spy.codes();
        else
            return none;
    }
    /// Keeps the bytes of the last read, which live as long as the callback.
    struct reading_log : event_log {
        void on_event(const event& e, control_handle handle) {
            event_log::on_event(e, handle);
            const auto bytes = handle.bytes(e.payload);
            if (bytes.size() >= sizeof owner->last_read)
                std::memcpy(&owner->last_read, bytes.data(), sizeof owner->last_read);
        }
        adapter_bench* owner;
    };

    static constexpr int rounds = [] {
        if constexpr (requires { Driver::patience; })
            return int{Driver::patience};
        else
            return 64;
    }();

public:
    // In this order: adapters may keep the handles of their spies, and are detached by the bus.
    std::vector<std::unique_ptr<adapter_spy>> spies;
    Driver driver;
    oracle says;
    reading_log log{{}, this};
    Core bus;
    endpoint_id vm;
    roles served;
    std::vector<adapter_id> ids;
    std::vector<std::uint16_t> keys; ///< that some adapter takes
    control_handle me;
    std::array<lease, lease_class_count> leases{};
    std::uint64_t last_read = 0;
};

} // namespace vmsig::testing
