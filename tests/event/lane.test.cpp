// Lanes compare by priority: the smaller goes first.
#include <vmsig/event/lane.hpp>

#include <support/catch.hpp>

using namespace vmsig;

TEST_CASE("lane: safety before high before normal before bulk") {
    CHECK(lane::safety < lane::high);
    CHECK(lane::high < lane::normal);
    CHECK(lane::normal < lane::bulk);
    CHECK(static_cast<unsigned>(lane::bulk) == lane_count - 1);
}
