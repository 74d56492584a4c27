// Rule: commands that wait are served first come, first served, in a fixed number of places, and
// each is performed or abandoned once.
#include <vmsig/stub/backlog.hpp>

#include <support/catch.hpp>

using namespace vmsig;

namespace {

struct counting : stub::performer {
    completion perform(const taken_command&) override { return ++performed, completion{}; }
    void abandon(const taken_command&) override { ++abandoned; }
    int performed = 0;
    int abandoned = 0;
};

const anchor nowhere;

stub::errand errand_of(counting& by, std::uint32_t n) {
    return {&by, {}, fenced_command{nowhere, {}, correlation_id::make(n, 1)}};
}

} // namespace

TEST_CASE("first come, first served, as many as there are places") {
    counting a;
    counting b;
    stub::backlog log;
    CHECK_FALSE(log.pop());
    const command c;
    for (std::uint32_t n = 0; n < stub::backlog::capacity; ++n) {
        stub::errand e = errand_of(n % 2 == 0 ? a : b, n);
        e.taken.emplace(taken_command{c, {}, {}});
        REQUIRE(log.push(e));
    }
    CHECK_FALSE(log.push(errand_of(a, 1)));
    CHECK(log.size() == stub::backlog::capacity);
    for (std::uint32_t n = 0; n < stub::backlog::capacity; ++n) {
        CHECK(log.holds_any(b));
        const auto e = log.pop();
        REQUIRE(e);
        CHECK(e->command.id().slot() == n);
    }
    CHECK_FALSE(log.holds_any(a));
}

TEST_CASE("what was taken and not performed is open, until it is performed or abandoned") {
    const command c;
    counting by;
    stub::backlog log;
    for (std::uint32_t n = 0; n < 3; ++n) {
        stub::errand e = errand_of(by, n);
        if (n != 0) e.taken.emplace(taken_command{c, {}, {}});
        REQUIRE(log.push(e));
    }
    int open = 0;
    log.for_each_open([&open](stub::errand& e) {
        if (open++ == 0)
            e.perform();
        else
            e.fail(failure::unavailable);
    });
    CHECK(open == 2);
    CHECK(by.performed == 1);
    CHECK(by.abandoned == 1);
    log.for_each_open([](stub::errand&) { FAIL("nothing is open"); });
    (void)log.pop();
    CHECK(log.pop()->result->outcome == outcome::done);
    CHECK(log.pop()->result->failure == failure::unavailable);
}

TEST_CASE("a command of a bus that is gone cannot be taken") {
    counting by;
    stub::errand e = errand_of(by, 0);
    CHECK_FALSE(e.take());
    CHECK_FALSE(e.open());
}
