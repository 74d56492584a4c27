// Rule: by default a strictly higher rank preempts; ask gives the owner its grace; first come
// keeps.
#include <vmsig/lease/policy.hpp>

#include <support/catch.hpp>
#include <support/equality.hpp>

namespace {

using namespace vmsig;

const endpoint_id machine = endpoint_id::make(0, 1);
constexpr instant now{1000};

lease_party ranked(std::uint32_t rank) { return {origin_id::make(rank, 1), rank}; }

template <class Policy>
ruling decide(const Policy& policy, std::uint32_t owner, std::uint32_t challenger) {
    return policy.decide(ranked(owner), ranked(challenger), machine, lease_class::input, now);
}

TEST_CASE("rank arbitration preempts for a strictly higher rank only") {
    const rank_arbitration policy;
    CHECK(decide(policy, 4, 5).what == ruling_kind::preempt);
    CHECK(decide(policy, 4, 4).what == ruling_kind::refuse);
    CHECK(decide(policy, 4, 3).what == ruling_kind::refuse);
    CHECK(decide(policy, 0, 0xffff'ffff).what == ruling_kind::preempt);
}

TEST_CASE("ask arbitration gives the owner the grace that the host set") {
    ask_arbitration policy{duration{50}};
    CHECK(decide(policy, 4, 5) == ruling{ruling_kind::ask, {1050}});
    CHECK(decide(policy, 4, 4).what == ruling_kind::refuse);
    policy.grace = duration{7};
    CHECK(decide(policy, 4, 5) == ruling{ruling_kind::ask, {1007}});
}

TEST_CASE("first-come arbitration never preempts") {
    CHECK(decide(first_come_arbitration{}, 0, 0xffff'ffff).what == ruling_kind::refuse);
}

TEST_CASE("two rulings are equal exactly if what they say and their deadlines are") {
    test::check_every_part_counts(
        ruling{ruling_kind::ask, {5}}, [](ruling& r) { r.what = ruling_kind::preempt; },
        [](ruling& r) { r.deadline = {6}; });
}

} // namespace
