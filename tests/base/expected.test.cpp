// Rule: expected is one vocabulary type, with its value or with the reason why there is none.
#include <vmsig/base/expected.hpp>

#include <type_traits>

#include <support/catch.hpp>

namespace {

enum class refusal { full };

vmsig::expected<int, refusal> take(bool room) {
    if (!room) return vmsig::unexpected{refusal::full};
    return 3;
}

} // namespace

TEST_CASE("expected carries a value or a reason") {
    CHECK(take(true).value() == 3);
    REQUIRE_FALSE(take(false));
    CHECK(take(false).error() == refusal::full);
}

TEST_CASE("expected is tl::expected, not a type of ours") {
    STATIC_REQUIRE(std::is_same_v<vmsig::expected<int, refusal>, tl::expected<int, refusal>>);
}
