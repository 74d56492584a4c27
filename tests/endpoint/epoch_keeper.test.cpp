// The epoch rises once per destructive transition that was not commanded and once per command, and
// never wraps: at its limit the endpoint is exhausted (I2, I21; fault 53).
#include <vmsig/endpoint/epoch_keeper.hpp>

#include <random>

#include <support/catch.hpp>

using namespace vmsig;

namespace {
constexpr std::uint64_t far = ~std::uint64_t{0};
}

TEST_CASE("epoch_keeper: begins with epoch 1") {
    const epoch_keeper keeper;
    CHECK(keeper.current() == epoch_number{1});
    CHECK(keeper.is_current(epoch_number{1}));
    CHECK_FALSE(keeper.is_current(epoch_number{}));
    CHECK_FALSE(keeper.exhausted());
}

TEST_CASE("epoch_keeper: exactly the destructive transitions raise it") {
    for (int n = 0; n <= static_cast<int>(transition::memory_replaced); ++n) {
        const auto t = static_cast<transition>(n);
        epoch_keeper keeper;
        CHECK(keeper.observe(t, far) == (destructive(t) ? epoch_step::raised : epoch_step::kept));
        CHECK(keeper.current().value == (destructive(t) ? 2u : 1u));
    }
    CHECK_FALSE(destructive(transition::resumed));
    CHECK(destructive(transition::restored));
}

TEST_CASE("epoch_keeper: a commanded reset raises once, though the adapter tells it three times") {
    epoch_keeper keeper;
    CHECK(keeper.begin_commanded(far).value() == epoch_number{2});
    for (int i = 0; i < 3; ++i) CHECK(keeper.observe(transition::reset, far) == epoch_step::kept);
    CHECK_FALSE(keeper.end_commanded(true));
    CHECK(keeper.current() == epoch_number{2});
    CHECK(keeper.observe(transition::reset, far) == epoch_step::raised);
    CHECK(keeper.current() == epoch_number{3});
}

TEST_CASE("epoch_keeper: overlapping commands absorb until the last completes") {
    epoch_keeper keeper;
    REQUIRE(keeper.begin_commanded(far));
    REQUIRE(keeper.begin_commanded(far));
    CHECK_FALSE(keeper.end_commanded(true));
    CHECK(keeper.commanded());
    CHECK(keeper.observe(transition::reset, far) == epoch_step::kept);
    CHECK_FALSE(keeper.end_commanded(true));
    CHECK_FALSE(keeper.commanded());
    CHECK(keeper.current() == epoch_number{3});
}

TEST_CASE("epoch_keeper: what was absorbed for a command that was not done is still to be raised") {
    epoch_keeper keeper;
    REQUIRE(keeper.begin_commanded(far));
    CHECK(keeper.observe(transition::paused, far) == epoch_step::kept);
    CHECK_FALSE(keeper.end_commanded(false)); // nothing was absorbed
    REQUIRE(keeper.begin_commanded(far));
    CHECK(keeper.observe(transition::reset, far) == epoch_step::kept);
    CHECK(keeper.end_commanded(false));
    REQUIRE(keeper.begin_commanded(far)); // once
    CHECK_FALSE(keeper.end_commanded(false));

    REQUIRE(keeper.begin_commanded(far));
    CHECK(keeper.observe(transition::reset, far) == epoch_step::kept);
    REQUIRE(keeper.begin_commanded(far)); // an epoch later
    CHECK_FALSE(keeper.end_commanded(false));
    CHECK_FALSE(keeper.end_commanded(false));

    REQUIRE(keeper.begin_commanded(far));
    REQUIRE(keeper.begin_commanded(far));
    CHECK(keeper.observe(transition::reset, far) == epoch_step::kept);
    CHECK_FALSE(keeper.end_commanded(false)); // it may be the other's
    CHECK(keeper.end_commanded(true));        // and may have been this one's alone

    REQUIRE(keeper.begin_commanded(far));
    CHECK(keeper.observe(transition::reset, far) == epoch_step::kept);
    REQUIRE(keeper.raise(far)); // by something else
    CHECK_FALSE(keeper.end_commanded(false));
}

TEST_CASE("epoch_keeper: a guest that resets at the limit exhausts the endpoint") {
    epoch_keeper keeper;
    while (keeper.current().value < 7)
        REQUIRE(keeper.observe(transition::reset, 7) == epoch_step::raised);
    CHECK(keeper.is_current(epoch_number{7}));
    CHECK(keeper.observe(transition::paused, 7) == epoch_step::kept);
    CHECK_FALSE(keeper.exhausted());
    for (int i = 0; i < 2; ++i) {
        CHECK(keeper.observe(transition::reset, 7) == epoch_step::exhausted);
        CHECK(keeper.exhausted());
        CHECK(keeper.current() == epoch_number{7});
        CHECK_FALSE(keeper.is_current(epoch_number{7}));
    }
    CHECK(keeper.raise(far).error() == epoch_error::exhausted);
    CHECK_FALSE(keeper.begin_commanded(far));
}

TEST_CASE("epoch_keeper: a command at the limit is refused and changes nothing") {
    epoch_keeper keeper;
    while (keeper.current().value < 7) REQUIRE(keeper.raise(7));
    CHECK(keeper.begin_commanded(7).error() == epoch_error::exhausted);
    CHECK_FALSE(keeper.commanded());
    CHECK_FALSE(keeper.exhausted());
    CHECK(keeper.is_current(epoch_number{7}));
}

TEST_CASE("epoch_keeper: no epoch is ever current twice") {
    std::mt19937_64 dice{21};
    for (int round = 0; round < 200; ++round) {
        epoch_keeper keeper;
        unsigned under_way = 0;
        epoch_number last = keeper.current();
        for (int step = 0; step < 60; ++step) {
            const bool was_exhausted = keeper.exhausted();
            const bool was_commanded = keeper.commanded();
            bool may_rise = true;
            switch (dice() % 4) {
            case 0: under_way += keeper.begin_commanded(7).has_value(); break;
            case 1:
                may_rise = false;
                if (under_way > 0) (void)keeper.end_commanded(dice() % 2), --under_way;
                break;
            default:
                may_rise = !was_commanded;
                (void)keeper.observe(static_cast<transition>(dice() % 10), 7);
            }
            const epoch_number now = keeper.current();
            REQUIRE(now >= last);
            REQUIRE(now.value <= last.value + (may_rise && !was_exhausted ? 1 : 0));
            REQUIRE((now.value <= 7 && (!was_exhausted || keeper.exhausted())));
            REQUIRE(keeper.commanded() == (under_way > 0));
            last = now;
        }
    }
}
