// Pauses that the bus takes nest and nobody else undoes them; the commanded pause is one, whoever
// commands it. The VM is paused while any reason is left.
namespace {
unsigned violations = 0;
}
#define VMSIG_ASSERT(condition) ((condition) ? void() : void(++violations))
#include <vmsig/endpoint/pause_ledger.hpp>

#include <array>
#include <random>

#include <support/catch.hpp>

using namespace vmsig;

TEST_CASE("pause_ledger: a write inside a snapshot pauses once and resumes once") {
    pause_ledger pauses;
    CHECK(pauses.take(pause_reason::snapshot));
    CHECK_FALSE(pauses.take(pause_reason::memory_write));
    CHECK_FALSE(pauses.take(pause_reason::memory_write));
    CHECK(pauses.held(pause_reason::memory_write) == 2);
    CHECK_FALSE(pauses.drop(pause_reason::memory_write));
    CHECK_FALSE(pauses.drop(pause_reason::snapshot));
    CHECK(pauses.drop(pause_reason::memory_write));
    CHECK_FALSE(pauses.paused());
}

TEST_CASE("pause_ledger: resume does not undo a pause that the bus took") {
    pause_ledger pauses;
    CHECK(pauses.take(pause_reason::commanded));
    CHECK_FALSE(pauses.take(pause_reason::snapshot));
    CHECK_FALSE(pauses.drop(pause_reason::commanded));
    CHECK(pauses.paused());
    CHECK(pauses.drop(pause_reason::snapshot));
}

TEST_CASE("pause_ledger: the bus does not undo a commanded pause") {
    pause_ledger pauses;
    CHECK(pauses.take(pause_reason::memory_write));
    CHECK_FALSE(pauses.take(pause_reason::commanded));
    CHECK_FALSE(pauses.drop(pause_reason::memory_write));
    CHECK(pauses.paused());
    CHECK(pauses.drop(pause_reason::commanded));
}

TEST_CASE("pause_ledger: pause and resume are idempotent") {
    pause_ledger pauses;
    CHECK_FALSE(pauses.drop(pause_reason::commanded));
    CHECK(pauses.take(pause_reason::commanded));
    CHECK_FALSE(pauses.take(pause_reason::commanded));
    CHECK(pauses.drop(pause_reason::commanded));
    CHECK_FALSE(pauses.drop(pause_reason::commanded));
    CHECK(violations == 0);
}

TEST_CASE("pause_ledger: dropping what the bus has not taken is a bug, and resumes nothing") {
    pause_ledger pauses;
    violations = 0;
    CHECK_FALSE(pauses.drop(pause_reason::snapshot));
    CHECK(violations == 1);
    violations = 0;
}

TEST_CASE("pause_ledger: pauses and resumes alternate") {
    std::mt19937_64 dice{9};
    pause_ledger pauses;
    std::array<unsigned, pause_reason_count> held{};
    bool stopped = false;
    for (int step = 0; step < 5000; ++step) {
        const auto n = static_cast<unsigned>(dice() % pause_reason_count);
        const auto r = static_cast<pause_reason>(n);
        const unsigned most = r == pause_reason::commanded ? 1 : 5;
        if (dice() % 2 == 0 && held[n] < most) {
            REQUIRE(pauses.take(r) == !stopped);
            ++held[n];
        } else if (held[n] > 0) {
            --held[n];
            REQUIRE(pauses.drop(r) == (held == decltype(held){}));
        }
        stopped = held != decltype(held){};
        REQUIRE(pauses.paused() == stopped);
    }
}
