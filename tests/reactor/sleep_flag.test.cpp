// Rule: of all who post while the loop sleeps, exactly one rings, and no push goes unseen.
#include <vmsig/reactor/sleep_flag.hpp>

#include <atomic>
#include <cstdint>
#include <thread>

#include <support/catch.hpp>

using namespace vmsig;

namespace {

/// Spins, so that the threads meet closely, but not for long: there may be one CPU only.
void await(const std::atomic<std::uint32_t>& number, std::uint32_t value) {
    for (int spins = 0; number.load(std::memory_order_acquire) != value; ++spins)
        if (spins > 200) std::this_thread::yield();
}

} // namespace

TEST_CASE("nobody rings for one who is awake") {
    sleep_flag flag;
    CHECK_FALSE(flag.claim());
    flag.declare();
    flag.withdraw();
    CHECK_FALSE(flag.claim());
}

TEST_CASE("one poster rings per sleep") {
    sleep_flag flag;
    for (int sleep = 0; sleep < 3; ++sleep) {
        flag.declare();
        CHECK(flag.declared());
        CHECK(flag.claim());
        CHECK_FALSE(flag.declared());
        CHECK_FALSE(flag.claim());
        flag.withdraw();
    }
}

TEST_CASE("one poster with an ordered push rings per sleep, too") {
    sleep_flag flag;
    CHECK_FALSE(flag.claim_ordered());
    flag.declare();
    CHECK(flag.claim_ordered());
    CHECK_FALSE(flag.claim_ordered());
    flag.declare();
    flag.withdraw();
    CHECK_FALSE(flag.claim_ordered());
}

namespace {

/// Two threads meet at the critical moment again and again, each a little earlier or later than
/// the last time. How often a push was neither seen by the last look nor claimed.
template <class Push, class Claim, class Look>
std::uint32_t lost_of(std::uint32_t rounds, Push push, Claim claim, Look look) {
    struct alignas(64) place {
        std::atomic<std::uint32_t> number{0};
    };
    alignas(64) sleep_flag flag;
    place pushed;
    place at_round;
    place finished;
    bool claimed = false;

    std::thread poster{[&] {
        for (std::uint32_t round = 1; round <= rounds; ++round) {
            await(at_round.number, round);
            push(pushed.number, round);
            claimed = claim(flag);
            finished.number.store(round, std::memory_order_release);
        }
    }};
    std::uint32_t lost = 0;
    std::uint32_t missed = 0;
    for (std::uint32_t round = 1; round <= rounds; ++round) {
        at_round.number.store(round, std::memory_order_release);
        for (volatile std::uint32_t delay = round % 128; delay > 0;) delay = delay - 1;
        flag.declare();
        const bool seen = look(pushed.number) == round;
        await(finished.number, round);
        if (!seen) ++missed;
        if (!seen && !claimed) ++lost;
        flag.withdraw();
    }
    poster.join();
    CHECK(missed > 0);
    return lost;
}

} // namespace

TEST_CASE("a push that the last look missed is always claimed") {
    // The queue is a number with the weakest order that the flag allows.
    using number = std::atomic<std::uint32_t>;
    CHECK(lost_of(
              100'000,
              [](number& n, std::uint32_t round) { n.store(round, std::memory_order_release); },
              [](sleep_flag& flag) { return flag.claim(); },
              [](const number& n) { return n.load(std::memory_order_acquire); }) == 0);
}

TEST_CASE("an ordered push that the last look missed is always claimed") {
    using number = std::atomic<std::uint32_t>;
    CHECK(lost_of(
              100'000, [](number& n, std::uint32_t round) { n.exchange(round); },
              [](sleep_flag& flag) { return flag.claim_ordered(); },
              [](const number& n) { return n.load(); }) == 0);
}
