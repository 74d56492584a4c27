// An endpoint is named by id: another generation of its slot is another endpoint.
#include <vmsig/grant/endpoint_names.hpp>

#include <support/catch.hpp>

using namespace vmsig;

namespace {
constexpr endpoint_id first = endpoint_id::make(5, 1);
constexpr endpoint_id second = endpoint_id::make(5, 2);
} // namespace

TEST_CASE("endpoint_names: a name holds for one generation only") {
    endpoint_names names;
    CHECK(names.add(first));
    CHECK(names.bit_of(first) == bit(5));
    CHECK(names.bit_of(second) == 0);
    CHECK(names.at(5) == first);
}

TEST_CASE("endpoint_names: the newer generation takes the place, an older one never does") {
    endpoint_names names;
    CHECK(names.add(first));
    CHECK(names.add(second));
    CHECK_FALSE(names.add(first));
    CHECK_FALSE(names.add(second));
    CHECK(names.bit_of(first) == 0);
    CHECK(names.bit_of(second) == bit(5));
}

TEST_CASE("endpoint_names: nobody, and a slot beyond the capacity, are never named") {
    endpoint_names names;
    CHECK_FALSE(names.add({}));
    CHECK_FALSE(names.add(endpoint_id::make(endpoint_names::capacity, 1)));
    CHECK(names.bit_of({}) == 0);
    CHECK(names.bit_of(endpoint_id::make(endpoint_names::capacity, 1)) == 0);
    CHECK(names == endpoint_names{});
}

TEST_CASE("endpoint_names: removing a name forgets that generation only") {
    endpoint_names names;
    CHECK(names.add(second));
    names.remove(first);
    CHECK(names.bit_of(second) != 0);
    names.remove(second);
    CHECK(names == endpoint_names{});
}

TEST_CASE("endpoint_names: all 64 slots fit, the last included") {
    endpoint_names names;
    for (unsigned slot = 0; slot < endpoint_names::capacity; ++slot)
        REQUIRE(names.add(endpoint_id::make(slot, 1)));
    CHECK(names.bit_of(endpoint_id::make(63, 1)) == bit(63));
}
