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

TEST_CASE("a push that the last look missed is always claimed") {
    // Two threads meet at the critical moment again and again, each a little earlier or later than
    // the last time. The queue is a number with the weakest order that the flag allows.
    constexpr std::uint32_t rounds = 100'000;
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
            pushed.number.store(round, std::memory_order_release);
            claimed = flag.claim();
            finished.number.store(round, std::memory_order_release);
        }
    }};
    std::uint32_t lost = 0;
    std::uint32_t missed = 0;
    for (std::uint32_t round = 1; round <= rounds; ++round) {
        at_round.number.store(round, std::memory_order_release);
        for (volatile std::uint32_t delay = round % 128; delay > 0;) delay = delay - 1;
        flag.declare();
        const bool seen = pushed.number.load(std::memory_order_acquire) == round;
        await(finished.number, round);
        if (!seen) ++missed;
        if (!seen && !claimed) ++lost;
        flag.withdraw();
    }
    poster.join();
    CHECK(lost == 0);
    CHECK(missed > 0);
}
