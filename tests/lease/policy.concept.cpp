// Rule: an arbitration policy is a pure `decide`, nothing more; each model that is not one fails
// for the single reason that it is named for.
#include <vmsig/lease/policy.hpp>

#include <support/catch.hpp>

namespace {

using namespace vmsig;

struct archetype {
    archetype() = delete;
    archetype(const archetype&) = delete;
    archetype& operator=(const archetype&) = delete;
    ruling decide(const lease_party&, const lease_party&, const endpoint_id&, const lease_class&,
                  const instant&) const;
};
static_assert(arbitration_policy<archetype>);
static_assert(!ends_with_epoch<archetype>, "leases survive an epoch unless the policy says so");

static_assert(arbitration_policy<rank_arbitration> && !ends_with_epoch<rank_arbitration>);
static_assert(arbitration_policy<ask_arbitration> && !ends_with_epoch<ask_arbitration>);
static_assert(arbitration_policy<first_come_arbitration>);

struct without_decide {};
static_assert(!arbitration_policy<without_decide>);

struct decides_by_changing_itself {
    ruling decide(const lease_party&, const lease_party&, endpoint_id, lease_class, instant);
};
static_assert(!arbitration_policy<decides_by_changing_itself>);

struct decides_without_time {
    ruling decide(const lease_party&, const lease_party&, endpoint_id, lease_class) const;
};
static_assert(!arbitration_policy<decides_without_time>);

struct answers_a_verdict {
    ruling_kind decide(const lease_party&, const lease_party&, endpoint_id, lease_class,
                       instant) const;
};
static_assert(!arbitration_policy<answers_a_verdict>);

struct changes_the_owner {
    ruling decide(lease_party&, const lease_party&, endpoint_id, lease_class, instant) const;
};
static_assert(!arbitration_policy<changes_the_owner>);

class keeps_decide_private {
    ruling decide(const lease_party&, const lease_party&, endpoint_id, lease_class, instant) const;
};
static_assert(!arbitration_policy<keeps_decide_private>);

struct ends_leases : rank_arbitration {
    static constexpr bool ends_with_epoch = true;
};
static_assert(arbitration_policy<ends_leases> && ends_with_epoch<ends_leases>);

struct keeps_leases : rank_arbitration {
    static constexpr bool ends_with_epoch = false;
};
static_assert(!ends_with_epoch<keeps_leases>);

TEST_CASE("the models of arbitration_policy are checked when this compiles") { SUCCEED(); }

} // namespace
