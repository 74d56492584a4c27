// Rule: one run per interval, a burst of one, and no catching up with time that went unused.
#include <vmsig/timing/pacer.hpp>

#include <support/catch.hpp>

using namespace vmsig;

namespace {

/// How often a caller that asks at every step gets its way.
int runs(pace& p, instant from, duration step, int steps) {
    int ran = 0;
    for (instant now = from; steps-- > 0; now = now + step) {
        if (!p.may_run(now)) continue;
        p.ran(now);
        ++ran;
    }
    return ran;
}

constexpr instant start{1'000'000'000};

} // namespace

TEST_CASE("without an interval everything may run") {
    pace p;
    CHECK(runs(p, start, duration{0}, 100) == 100);
}

TEST_CASE("the first run is at once, the next an interval later") {
    pace p{.interval = milliseconds(10)};
    CHECK(p.may_run(instant{1}));
    p.ran(start);
    CHECK_FALSE(p.may_run(start));
    CHECK_FALSE(p.may_run(start + duration{9'999'999}));
    CHECK(p.next() == start + milliseconds(10));
    CHECK(p.may_run(p.next()));
}

TEST_CASE("a second has as many runs as it has intervals") {
    pace p{.interval = milliseconds(10)};
    CHECK(runs(p, start, milliseconds(1), 1000) == 100);
}

TEST_CASE("an hour unused buys one run") {
    pace p{.interval = milliseconds(10)};
    p.ran(start);
    CHECK(runs(p, start + seconds(3600), duration{0}, 100) == 1);
}

TEST_CASE("a clock that stood still and jumps an hour buys one run") {
    pace p{.interval = milliseconds(10)};
    CHECK(runs(p, start, duration{0}, 100) == 1);
    const instant resumed = start + seconds(3600);
    CHECK(runs(p, resumed, milliseconds(1), 10) == 1);
    CHECK(runs(p, resumed + milliseconds(10), milliseconds(1), 10) == 1);
}

TEST_CASE("a late run delays the next one") {
    pace p{.interval = milliseconds(10)};
    p.ran(start);
    p.ran(start + milliseconds(17));
    CHECK(p.next() == start + milliseconds(27));
}

TEST_CASE("a changed interval counts from the last run") {
    pace p{.interval = milliseconds(100)};
    p.ran(start);
    p.interval = milliseconds(10);
    CHECK(p.next() == start + milliseconds(10));
    p.interval = seconds(1);
    CHECK(p.next() == start + seconds(1));
    p.interval = {};
    CHECK(p.may_run(start));
}

TEST_CASE("switched on after runs without pace, it paces the next") {
    pace p;
    p.ran(start);
    p.interval = milliseconds(10);
    CHECK_FALSE(p.may_run(start + milliseconds(9)));
    CHECK(p.may_run(start + milliseconds(10)));
}

TEST_CASE("an interval beyond the end of time is for ever") {
    pace p{.interval = duration{instant::never().ns}};
    p.ran(start);
    CHECK(p.next() == instant::never());
    CHECK_FALSE(p.may_run(start + seconds(3600)));
}
