// Rule: a place in a table is used as often as its limit allows and then no more: counters never
// wrap, and what is used up is told apart from what is full (R5, fault 52).
#include "harness.hpp"

namespace {

using namespace vmsig;
using namespace vmsig::test;

/// Each place is used twice; a control issues two commands.
struct twice_limits : small_limits {
    static constexpr std::uint16_t endpoints = 2;
    static constexpr std::uint16_t adapters = 2;
    static constexpr std::uint16_t controls = 2;
    static constexpr std::uint64_t generation_limit = 2;
};
struct twice_traits : test_traits {
    using limits = twice_limits;
};

template <class F>
setup_fault fault_of(F&& f) {
    try {
        f();
    } catch (const setup_error& e) {
        return e.fault();
    }
    return setup_fault::none;
}

TEST_CASE("endpoints end when each place was used as often as it may be") {
    bench<twice_traits> b;
    const auto add = [&] { return fault_of([&] { b.bus.add_endpoint("another"); }); };
    CHECK(add() == setup_fault::none);
    CHECK(add() == setup_fault::name_taken);
    CHECK(fault_of([&] { b.bus.add_endpoint("third"); }) == setup_fault::table_full);
    b.bus.remove_endpoint(b.vm);
    b.settle();
    const endpoint_id second = b.bus.add_endpoint("vm");
    CHECK(second.slot() == b.vm.slot());
    b.bus.remove_endpoint(second);
    b.settle();
    CHECK(fault_of([&] { b.bus.add_endpoint("vm"); }) == setup_fault::exhausted);
}

TEST_CASE("adapters end when each place was used as often as it may be") {
    bench<twice_traits> b;
    sensor s[5];
    for (int n = 0; n < 2; ++n) b.bus.attach_adapter(s[n], b.vm);
    CHECK(fault_of([&] { b.bus.attach_adapter(s[2], b.vm); }) == setup_fault::table_full);
    for (int n = 0; n < 2; ++n) s[n].bus.detach();
    b.settle();
    for (int n = 2; n < 4; ++n) b.bus.attach_adapter(s[n], b.vm);
    s[2].bus.detach();
    b.settle();
    CHECK(fault_of([&] { b.bus.attach_adapter(s[4], b.vm); }) == setup_fault::exhausted);
}

TEST_CASE("controls end when each place was used as often as it may be") {
    bench<twice_traits> b;
    agent a[5];
    const auto attach = [&](agent& one) {
        return fault_of([&] { one.bus = b.bus.attach(one, full(b.vm)); });
    };
    CHECK(attach(a[0]) == setup_fault::none);
    CHECK(attach(a[1]) == setup_fault::none);
    CHECK(attach(a[2]) == setup_fault::table_full);
    for (int n = 0; n < 2; ++n) a[n].bus.detach();
    b.settle();
    CHECK(attach(a[2]) == setup_fault::none);
    CHECK(attach(a[3]) == setup_fault::none);
    a[2].bus.detach();
    b.settle();
    CHECK(attach(a[4]) == setup_fault::exhausted);
}

TEST_CASE("a control that has issued as many commands as it may is refused, another is not") {
    bench<twice_traits> b;
    host_device h;
    b.bus.attach_adapter(h, b.vm);
    agent a, other;
    b.join(a, full(b.vm));
    b.join(other, full(b.vm));
    for (int n = 0; n < 2; ++n) {
        CHECK(a.bus.submit(query_status(b.vm)));
        b.settle();
    }
    CHECK(a.bus.submit(query_status(b.vm)).why == refusal::exhausted);
    CHECK(other.bus.submit(query_status(b.vm)));
    b.settle();
    CHECK(a.count(kind::receipt) == 2);
    CHECK(other.count(kind::receipt) == 1);
}

} // namespace
