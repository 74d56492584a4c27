// Rule: plans, parties and rulings are plain values: they are equal exactly if every part is, and
// an end of nothing says so.
#include <vmsig/lease/answers.hpp>

#include <support/catch.hpp>
#include <support/equality.hpp>

#include "fixtures.hpp"

namespace {

using namespace vmsig;
using namespace vmsig::test;

TEST_CASE("two plans are one plan only with the same step, reason and deadline") {
    check_every_part_counts(
        plan{step::ask, refusal::none, {5}}, [](plan& p) { p.what = step::wait; },
        [](plan& p) { p.why = refusal::held; }, [](plan& p) { p.deadline = {6}; });
}

TEST_CASE("an end tells whether there was a lease") {
    CHECK_FALSE(ended{});
    CHECK(ended{{alice, 1}, {3}, {5}, lease_end::released});
}

} // namespace
