// Rule: a mask is the set of its members, and the loop visits each once, lowest first.
#include <vmsig/base/bits.hpp>

#include <vector>

#include <support/catch.hpp>

using namespace vmsig;

namespace {

enum class fruit : unsigned { apple, pear, plum = 63 };
using fruits = mask<fruit>;

} // namespace

TEST_CASE("bits are found where they were put") {
    for (unsigned n = 0; n < 64; ++n) {
        CHECK(has_bit(bit(n), n));
        CHECK_FALSE(has_bit(~bit(n), n));
    }
}

TEST_CASE("the loop visits members only, lowest first") {
    std::vector<unsigned> seen;
    for_each_bit(bit(63) | bit(0) | bit(17), [&](unsigned n) { seen.push_back(n); });
    CHECK(seen == std::vector<unsigned>{0, 17, 63});
    for_each_bit(0, [](unsigned) { FAIL("the empty set has no members"); });
}

TEST_CASE("masks are sets") {
    const fruits some = fruits{fruit::apple} | fruit::plum;
    CHECK(some.has(fruit::apple));
    CHECK(some.has(fruit::plum));
    CHECK_FALSE(some.has(fruit::pear));
    CHECK((some & fruit::plum) == fruits{fruit::plum});
    CHECK((some & ~fruits{fruit::plum}) == fruits{fruit::apple});
    CHECK_FALSE(fruits{}.any());
    CHECK(some.any());
}

TEST_CASE("a mask contains its subsets and itself") {
    const fruits some = fruits{fruit::apple} | fruit::plum;
    CHECK(some.contains(some));
    CHECK(some.contains(fruit::apple));
    CHECK(some.contains({}));
    CHECK_FALSE(some.contains(fruit::pear));
    CHECK_FALSE(fruits{fruit::apple}.contains(some));
    CHECK(fruits::all().contains(some));
}

TEST_CASE("masks of other members are other masks") {
    const fruits some = fruits{fruit::apple} | fruit::plum;
    CHECK_FALSE(some == fruits{fruit::apple});
    CHECK_FALSE(some == fruits{});
    CHECK(some == (fruits{fruit::plum} | fruit::apple));
}
