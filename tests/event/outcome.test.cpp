// When several outcomes apply, endpoint_gone > adapter_fault > revoked > lease_lost > stale_epoch >
// cancelled > expired.
#include <vmsig/event/outcome.hpp>

#include <array>

#include <support/catch.hpp>

using namespace vmsig;

namespace {
constexpr std::array weakest_first{
    outcome::expired, outcome::cancelled,     outcome::stale_epoch,  outcome::lease_lost,
    outcome::revoked, outcome::adapter_fault, outcome::endpoint_gone};
}

TEST_CASE("outcome: the stronger of any two that apply") {
    for (unsigned i = 0; i < weakest_first.size(); ++i)
        for (unsigned j = 0; j < weakest_first.size(); ++j) {
            const outcome expected = weakest_first[i > j ? i : j];
            CHECK(stronger(weakest_first[i], weakest_first[j]) == expected);
        }
}

TEST_CASE("outcome: anything is stronger than none") {
    for (const outcome o : weakest_first) CHECK(stronger(outcome::none, o) == o);
    CHECK(stronger(outcome::none, outcome::none) == outcome::none);
}

TEST_CASE("outcome: none is the default of every answer") {
    CHECK(refusal{} == refusal::none);
    CHECK(outcome{} == outcome::none);
    CHECK(failure{} == failure::none);
}
