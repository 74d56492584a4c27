// Sources are 64 bits of a mask; the bus's own leave the host's alone.
#include <vmsig/event/source.hpp>

#include <support/catch.hpp>

using namespace vmsig;

TEST_CASE("source: the bus's own are below the host's") {
    CHECK(static_cast<unsigned>(source::screen) < first_host_source);
    CHECK(max_sources == 64);
}

TEST_CASE("source: every one of the 64 can be in a mask, alone") {
    for (unsigned n = 0; n < max_sources; ++n) {
        const sources only{static_cast<source>(n)};
        CHECK(std::popcount(only.bits) == 1);
        CHECK(only.has(static_cast<source>(n)));
        CHECK(sources::all().contains(only));
    }
    CHECK((source::lifecycle | source::input).has(source::input));
}
