// Rule: the suite of adapters finds a fault under the name of the rule that it breaks, and does not
// blame an adapter for a role that it does not serve or a verb that it does not have.
#include <vmsig/testing/adapter_conformance.hpp>

#include <memory>
#include <set>
#include <string_view>
#include <type_traits>

#include <support/catch.hpp>

#include <vmsig/reactor/manual_reactor.hpp>
#include <vmsig/stub/machine.hpp>

namespace {

using namespace vmsig;
using rules = std::set<std::string_view>;

struct limits : default_limits {
    static constexpr std::uint16_t endpoints = 2;
    static constexpr std::uint16_t controls = 2;
};
struct traits : default_traits {
    using reactor = manual_reactor;
    using limits = ::limits;
};

template <class Make>
rules broken_rules(Make make) {
    rules found;
    auto sink = [&found](const testing::finding& f) {
        if (!f.ok) found.insert(f.rule);
    };
    testing::report to{sink};
    testing::adapter_conformance<core<traits>>(make, to);
    CHECK(to.checks() > 0);
    return found;
}
bool has(const rules& found, std::string_view rule) { return found.count(rule) == 1; }

// --- hosts ---

struct host_faults {
    bool cannot_pause = false;
    bool tells_nothing = false;
    bool pauses_by_reset = false;
    bool never_starts = false;
};

struct host {
    static constexpr roles serves = role::host_management;

    void on_attach(adapter_handle bus) const {
        if (!wrong.never_starts) bus.emit(lifecycle{transition::started, cause::host});
    }
    void execute(fenced_command c, adapter_handle bus) const {
        const auto taken = c.take();
        if (!taken) return;
        const verb v = taken->command.verb;
        const bool pauses = v == verb::pause || v == verb::resume;
        if (pauses && wrong.cannot_pause)
            return bus.complete(c.id(), completion::failed(failure::unsupported));
        if (!wrong.tells_nothing) tell(v, bus);
        bus.complete(c.id());
    }
    void tell(verb v, adapter_handle bus) const {
        if (v == verb::pause) bus.emit(lifecycle{transition::paused, cause::host});
        if (v == verb::resume) bus.emit(lifecycle{transition::resumed, cause::host});
        if (v == verb::reset || (v == verb::pause && wrong.pauses_by_reset))
            bus.emit(lifecycle{transition::reset, cause::host});
    }

    host_faults wrong;
};

struct host_driver {
    explicit host_driver(const host_faults& wrong)
        : only{wrong} {}
    template <class F>
    void for_each_adapter(F&& f) {
        f(only);
    }
    void pass() {}
    host only;
};
rules of_host(const host_faults& wrong) {
    return broken_rules([wrong] { return host_driver{wrong}; });
}

// --- memory ---

struct memory_faults {
    bool longer_than_it_is = false;
    bool never_the_same = false;
    bool no_roots = false;
    bool no_refresh = false;
    bool publishes_at_once = false;
    bool cannot_write = false;
    bool forgets_to_write = false;
};

/// The stub's memory, spoiled.
struct spoiled_memory {
    static constexpr roles serves = stub::memory_adapter::serves;

    void on_attach(adapter_handle bus) { real->on_attach(bus); }
    void on_detached() { real->on_detached(); }
    void execute(fenced_command c, adapter_handle bus) {
        if (wrong.cannot_write)
            return bus.complete(c.id(), completion::failed(failure::unsupported));
        if (!wrong.forgets_to_write) return real->execute(c, bus);
        if (const auto taken = c.take()) bus.complete(c.id(), {.bytes = 8});
    }
    expected<memctx_locator, os_error> describe() {
        auto where = real->describe();
        if (!where) return where;
        if (wrong.longer_than_it_is) where->region_table[1].length += 4096;
        if (wrong.never_the_same) where->region_table[1].length -= 4096 * (++times % 2);
        if (wrong.no_roots) where->root_count = 0;
        return where;
    }
    expected<ram_fds, os_error> share_fds() { return real->share_fds(); }
    void invalidate(epoch_number e, adapter_handle bus) {
        if (wrong.no_refresh && e == last) return;
        last = e;
        real->invalidate(e, bus);
        if (wrong.publishes_at_once) bus.publish(e);
    }

    stub::memory_adapter* real = nullptr;
    memory_faults wrong;
    epoch_number last{1};
    std::uint64_t times = 0;
};

/// The stub with its memory spoiled, or that memory alone.
struct memory_driver {
    memory_driver(const memory_faults& wrong, bool without_host)
        : alone{without_host} {
        spoiled.wrong = wrong;
        machine->for_each_adapter([this](auto& a) {
            if constexpr (std::is_same_v<decltype(a), stub::memory_adapter&>) spoiled.real = &a;
        });
    }
    template <class F>
    void for_each_adapter(F&& f) {
        f(spoiled);
        machine->for_each_adapter([&](auto& a) {
            if constexpr (std::is_same_v<decltype(a), stub::host_adapter&>)
                if (!alone) f(a);
        });
    }
    void pass() { machine->step(); }
    memory_at scratch() const {
        return {VMSIG_GUEST_STATE_ADDRESS + offsetof(vmsig_guest_state, scratch),
                machine->cpu().root};
    }

    std::unique_ptr<stub::machine> machine =
        std::make_unique<stub::machine>(stub::machine_options{.clock = stub::clocking::manual});
    spoiled_memory spoiled;
    bool alone = false;
};
rules of_memory(const memory_faults& wrong, bool alone = false) {
    return broken_rules([wrong, alone] { return memory_driver{wrong, alone}; });
}

// --- input ---

struct keyless {
    static constexpr roles serves = role::input;
    void execute(fenced_command c, adapter_handle bus) const {
        if (c.take()) bus.complete(c.id());
    }
    const input_codes& codes() const { return none; }
    std::size_t neutral(std::span<const input_change> releases, adapter_handle) const {
        return releases.size();
    }
    input_codes none;
};
struct keyless_driver {
    template <class F>
    void for_each_adapter(F&& f) {
        f(device);
    }
    void pass() {}
    keyless device;
};

} // namespace

TEST_CASE("an adapter of one role is judged by that role alone") {
    CHECK(of_host({}) == rules{});
    CHECK(of_memory({}) == rules{});
    CHECK(of_memory({}, true) == rules{});
}

TEST_CASE("a verb that a host does not have is not held against it") {
    CHECK(of_host({.cannot_pause = true}) == rules{});
}

TEST_CASE("a host's fault is found under the rule that it breaks") {
    CHECK(has(of_host({.never_starts = true}), "host management tells the state of the VM"));
    const rules mute = of_host({.tells_nothing = true});
    CHECK(has(mute, "and the VM has gone there"));
    CHECK(has(mute, "done means that it was told"));
    CHECK(has(of_host({.pauses_by_reset = true}), "none of this is a new epoch"));
}

TEST_CASE("memory without roots is judged by its physical addresses") {
    CHECK_FALSE(has(of_memory({.no_roots = true}), "a write that leaves RAM is refused"));
}

TEST_CASE("a provider's fault is found under the rule that it breaks") {
    CHECK(has(of_memory({.longer_than_it_is = true}), "all of a region can be read"));
    CHECK(has(of_memory({.never_the_same = true}), "describing it again describes the same"));
    CHECK(has(of_memory({.no_refresh = true}),
              "a refresh publishes the next version of the same epoch"));
    CHECK(has(of_memory({.publishes_at_once = true}),
              "no memctx of the new epoch before the VM went through the reset"));
}

TEST_CASE("a writer's fault is found under the rule that it breaks, and what it can't do is none") {
    CHECK(has(of_memory({.forgets_to_write = true}), "and its bytes are there"));
    CHECK_FALSE(has(of_memory({.cannot_write = true}), "a write is done"));
}

TEST_CASE("an input adapter without a key is found out") {
    CHECK(has(broken_rules([] { return keyless_driver{}; }), "an input adapter takes some key"));
}
