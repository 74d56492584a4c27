// Rule: an id names one occupant of a slot, and nobody is never somebody.
#include <vmsig/base/ids.hpp>

#include <type_traits>

#include <support/catch.hpp>

using namespace vmsig;

TEST_CASE("slot and generation come back from an id") {
    for (const std::uint32_t slot : {0u, 1u, 63u, 65534u}) {
        for (const std::uint64_t generation :
             {std::uint64_t{0}, std::uint64_t{1}, max_generation}) {
            const auto id = endpoint_id::make(slot, generation);
            CHECK(id);
            CHECK(id.slot() == slot);
            CHECK(id.generation() == generation);
        }
    }
}

TEST_CASE("the first id of the first slot is not nobody") {
    CHECK_FALSE(origin_id{});
    CHECK(origin_id::make(0, 0));
    CHECK(origin_id::make(0, 0) != origin_id{});
}

TEST_CASE("a reused slot gives another id") {
    CHECK(adapter_id::make(3, 1) != adapter_id::make(3, 2));
    CHECK(adapter_id::make(3, 1) != adapter_id::make(4, 1));
}

TEST_CASE("the layout is that of the contract: generation << 16 | slot + 1") {
    CHECK(origin_id::make(4, 9).value == (9u << 16 | 5u));
}

TEST_CASE("ids of different things do not mix") {
    STATIC_REQUIRE(!std::is_convertible_v<endpoint_id, origin_id>);
    STATIC_REQUIRE(!std::is_constructible_v<endpoint_id, adapter_id>);
}
