// Charges are conserved: what is held is what was charged and not refunded, never beyond the quota,
// and a ledger that ends with a charge left over is a bug (R12, I11).
namespace {
unsigned violations = 0;
}
#define VMSIG_ASSERT(condition) ((condition) ? void() : void(++violations))
#include <vmsig/grant/ledger.hpp>

#include <array>
#include <random>

#include <support/alloc_guard.hpp>
#include <support/catch.hpp>

using namespace vmsig;

TEST_CASE("ledger: the charge after the quota is refused and changes nothing") {
    ledger l;
    for (int i = 0; i < 256; ++i) REQUIRE(l.charge(resource::pending));
    CHECK_FALSE(l.charge(resource::pending));
    CHECK(l.held(resource::pending) == 256);
    CHECK(l.charge(resource::timer));
    l.refund(resource::pending);
    CHECK(l.charge(resource::pending));
    for (int i = 0; i < 256; ++i) l.refund(resource::pending);
    l.refund(resource::timer);
    CHECK(l.empty());
}

TEST_CASE("ledger: a quota of 0 admits nothing") {
    quotas none;
    none[resource::waiter] = 0;
    ledger l{none};
    CHECK_FALSE(l.charge(resource::waiter));
    CHECK(l.empty());
}

TEST_CASE("ledger: a lowered quota keeps what is held and admits nothing more") {
    ledger l;
    REQUIRE(l.charge(resource::pinned));
    REQUIRE(l.charge(resource::pinned));
    quotas lower;
    lower[resource::pinned] = 1;
    l.set_quotas(lower);
    CHECK(l.held(resource::pinned) == 2);
    CHECK_FALSE(l.charge(resource::pinned));
    l.refund(resource::pinned);
    CHECK_FALSE(l.charge(resource::pinned));
    l.refund(resource::pinned);
    CHECK(l.charge(resource::pinned));
    l.refund(resource::pinned);
}

TEST_CASE("ledger: a charge left over, and a refund too many, are told") {
    violations = 0;
    {
        ledger leaking;
        REQUIRE(leaking.charge(resource::timer));
    }
    CHECK(violations == 1);
    violations = 0;
    {
        ledger l;
        REQUIRE(l.charge(resource::timer));
        l.refund(resource::timer);
    }
    CHECK(violations == 0);
}

TEST_CASE("ledger: the copy of a forked child is abandoned without a refund") {
    violations = 0;
    {
        ledger copy;
        REQUIRE(copy.charge(resource::pending));
        copy.abandon();
        CHECK(copy.empty());
    }
    CHECK(violations == 0);
}

TEST_CASE("ledger: conservation under random charges and refunds") {
    std::mt19937_64 dice{11};
    quotas q;
    for (unsigned r = 0; r < resource_count; ++r) q.most[r] = r * 3;
    ledger l{q};
    std::array<std::uint32_t, resource_count> reference{};
    unsigned wrong = 0;
    const auto allocations = vmsig::test::allocations_in([&] {
        for (int step = 0; step < 20000; ++step) {
            const auto n = static_cast<unsigned>(dice() % resource_count);
            const auto r = static_cast<resource>(n);
            if (dice() % 2 == 0) {
                const bool room = reference[n] < q.most[n];
                wrong += l.charge(r) != room;
                reference[n] += room;
            } else if (reference[n] > 0) {
                l.refund(r);
                --reference[n];
            }
            wrong += l.held(r) != reference[n];
        }
    });
    CHECK(wrong == 0);
    CHECK(allocations == 0);
    for (unsigned n = 0; n < resource_count; ++n)
        while (reference[n]-- > 0) l.refund(static_cast<resource>(n));
    CHECK(l.empty());
}
