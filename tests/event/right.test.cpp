// Rights are bits: none by default, combined by `|`, and each lease class has its own.
#include <vmsig/event/right.hpp>

#include <support/catch.hpp>

using namespace vmsig;

TEST_CASE("right: denied unless said") {
    constexpr rights none;
    for (unsigned n = 0; n < right_count; ++n) CHECK_FALSE(none.has(static_cast<right>(n)));
    CHECK_FALSE(none.any());
}

TEST_CASE("right: a combination has its members and no others") {
    constexpr rights r = right::observe | right::power;
    CHECK(r.has(right::observe));
    CHECK(r.has(right::power));
    CHECK_FALSE(r.has(right::memctx));
    CHECK_FALSE(r.has(right::admin));
    CHECK(r.contains(right::power));
    CHECK_FALSE(rights{right::power}.contains(r));
}

TEST_CASE("right: memctx, memread and memwrite are apart") {
    CHECK_FALSE(rights{right::memread}.has(right::memwrite));
    CHECK_FALSE(rights{right::memctx}.has(right::memread));
}

TEST_CASE("right: of each lease class, one of its own") {
    CHECK(right_of(lease_class::input) == right::input);
    CHECK(right_of(lease_class::power) == right::power);
    CHECK(right_of(lease_class::memwrite) == right::memwrite);
}

TEST_CASE(
    "right: what is no lease class, as a peer might send it, needs the right of the host's own") {
    CHECK(right_of(static_cast<lease_class>(200)) == right::admin);
}
