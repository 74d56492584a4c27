// A subscription wants what was asked for: all by default, else the named endpoints and sources.
#include <vmsig/grant/subscription.hpp>

#include <support/catch.hpp>
#include <support/equality.hpp>

using namespace vmsig;

namespace {
constexpr endpoint_id vm = endpoint_id::make(0, 1);
constexpr endpoint_id vm2 = endpoint_id::make(1, 1);
} // namespace

TEST_CASE("subscription: all by default, endpoints to come included") {
    CHECK(subscription{} == subscription::all());
    for (unsigned s = 0; s < max_sources; ++s)
        CHECK(subscription{}.wants(vm, static_cast<source>(s)));
    CHECK_FALSE(subscription{}.wants({}));
}

TEST_CASE("subscription: none wants nothing, and an endpoint can be added to it") {
    CHECK_FALSE(subscription::none().wants(vm, source::lifecycle));
    CHECK(subscription::none().on(vm) == subscription{}.on(vm));
}

TEST_CASE("subscription: naming endpoints leaves the others out") {
    const subscription s = subscription{}.on(vm);
    CHECK(s.wants(vm, source::memory));
    CHECK_FALSE(s.wants(vm2, source::memory));
    CHECK_FALSE(s.wants(endpoint_id::make(0, 2)));
    CHECK(subscription{}.on(vm).on(vm2).wants(vm2));
}

TEST_CASE("subscription: sources narrow it") {
    const subscription s = subscription::all().from(source::lifecycle | source::lease);
    CHECK(s.wants(vm, source::lease));
    CHECK_FALSE(s.wants(vm, source::console));
    CHECK(s.wants(vm));
    CHECK(s.sources_value() == (source::lifecycle | source::lease));
}

TEST_CASE("subscription: a removed endpoint is forgotten") {
    subscription s = subscription{}.on(vm).on(vm2);
    s.forget(vm);
    CHECK_FALSE(s.wants(vm));
    CHECK(s.wants(vm2));
}

TEST_CASE("subscription: two are equal exactly if endpoints, scope and sources are") {
    test::check_every_part_counts(
        subscription{}.on(vm), [](subscription& s) { s.on(vm2); },
        [](subscription& s) { s.from(source::lease); }, [](subscription& s) { s.forget(vm); });
    subscription narrowed_to_nothing = subscription{}.on(vm);
    narrowed_to_nothing.forget(vm);
    CHECK_FALSE(narrowed_to_nothing == subscription::all()); // nothing is not everything
    CHECK(narrowed_to_nothing == subscription::none());
}
