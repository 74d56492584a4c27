// Rule: the adapters of the stub keep the contract, however they complete, and the suite notices
// each way of breaking it.
#include <vmsig/testing/adapter_conformance.hpp>

#include <support/catch.hpp>

#include <vmsig/reactor/manual_reactor.hpp>
#include <vmsig/stub/machine.hpp>

using namespace vmsig;

namespace {

struct limits : default_limits {
    static constexpr std::uint16_t endpoints = 2;
    static constexpr std::uint16_t controls = 2;
};
struct traits : default_traits {
    using reactor = manual_reactor;
    using limits = ::limits;
};

struct stub_driver {
    explicit stub_driver(const stub::faults& script) { machine.script() = script; }
    template <class F>
    void for_each_adapter(F&& f) {
        machine.for_each_adapter(f);
    }
    void pass() { machine.step(); }
    void guest_resets() { machine.script().guest_resets = 1; }
    memory_at scratch() const {
        return {VMSIG_GUEST_STATE_ADDRESS + offsetof(vmsig_guest_state, scratch),
                machine.cpu().root};
    }
    stub::machine machine{{.clock = stub::clocking::manual}};
};

/// Only some of the adapters of a machine.
struct part_driver {
    template <class F>
    void for_each_adapter(F&& f) {
        machine.for_each_adapter([&f](auto& a) {
            if constexpr (std::is_same_v<decltype(a), stub::keyboard_adapter&>) f(a);
        });
    }
    void pass() { machine.step(); }
    stub::machine machine{{.clock = stub::clocking::manual}};
};

template <class Make>
std::uint64_t failures(Make make, bool assert_each) {
    auto sink = [&](const testing::finding& f) {
        if (!assert_each) return;
        INFO(f.rule << " (" << f.file << ":" << f.line << ")");
        CHECKED_IF(f.ok) { SUCCEED(f.expression); }
        CHECKED_ELSE(f.ok) { FAIL_CHECK(f.expression); }
    };
    testing::report to{sink};
    testing::adapter_conformance<core<traits>>(make, to);
    return to.failures();
}

std::uint64_t failures(const stub::faults& script, bool assert_each) {
    return failures([&script] { return stub_driver{script}; }, assert_each);
}

} // namespace

TEST_CASE("the stub keeps the contract of an adapter") {
    stub::faults script;
    SECTION("as it is") {}
    SECTION("completing at the next step") { script.completes = stub::completing::next_step; }
    SECTION("taking late, completing at the next step") {
        script.completes = stub::completing::next_step;
        script.takes_late = true;
    }
    SECTION("telling a reset three times") { script.reset_tells = 3; }
    SECTION("accepting one release at a time") { script.neutral_per_step = 1; }
    CHECK(failures(script, true) == 0);
}

TEST_CASE("adapters of a few roles are judged by these") {
    CHECK(failures([] { return part_driver{}; }, true) == 0);
}

TEST_CASE("an adapter with a fault is found out") {
    using stub::device;
    using stub::hook;
    stub::faults script;
    SECTION("completes twice") { script.completes_twice = true; }
    SECTION("says done without having taken") { script.lies = true; }
    SECTION("never completes") { script.completes = stub::completing::on_demand; }
    SECTION("publishes the wrong epoch") { script.publishes_ahead = 1; }
    SECTION("cannot describe") { script.describe_error = EIO; }
    SECTION("cannot share") { script.share_error = EMFILE; }
    SECTION("accepts no release") { script.neutral_per_step = 0; }
    SECTION("throws when it executes") { script.throw_at(device::memory, hook::execute); }
    SECTION("throws when it is asked") { script.throw_at(device::memory, hook::invalidate); }
    SECTION("throws at the second command") { script.throw_at(device::host, hook::execute, 2); }
    SECTION("throws at a release") { script.throw_at(device::keyboard, hook::neutral); }
    SECTION("throws as it leaves") { script.throw_at(device::console, hook::on_detached); }
    CHECK(failures(script, false) > 0);
}
