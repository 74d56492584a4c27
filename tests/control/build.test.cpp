// Rule: a builder fills in the command that its words say, and cuts nothing off silently.
#include <vmsig/control/build.hpp>

#include <linux/input-event-codes.h>

#include <array>

#include <support/catch.hpp>

namespace {

using namespace vmsig;

const lease held{endpoint_id::make(3, 1), serial_number{7}, lease_class::input};

TEST_CASE("a frame of six changes is whole, and one of seven is none that a bus would take") {
    constexpr auto down = input_change::key(KEY_A, true);
    const command six = frame_of(held, {down, down, down, down, down, down});
    CHECK(six.changes == inline_changes);
    CHECK(six.frame[inline_changes - 1] == down);
    const command seven = frame_of(held, {down, down, down, down, down, down, down});
    CHECK(seven.changes > inline_changes); // what admission refuses
    const command many = frame_of(held, {down, down, down, down, down, down, down, down, down});
    CHECK(many.changes > inline_changes);
}

TEST_CASE("a command goes to the endpoint of the lease, under its serial") {
    for (const command& c : std::array<command, 4>{
             press(held, KEY_A), power(held, verb::reset), store(held, {0x1000}, 1),
             write_memory(held, {0x1000}, 32, write_mode::paused)}) {
        CHECK(c.endpoint == held.endpoint);
        CHECK(c.serial == held.serial);
    }
    CHECK_FALSE(command{query_status(held.endpoint)}.serial);
    CHECK_FALSE(command{read_memory(held.endpoint, {0x1000}, 8)}.serial);
}

TEST_CASE("a time limit of nothing or less is the shortest one, not none") {
    CHECK(command{press(held, KEY_A).within(seconds(2))}.deadline == instant{} + seconds(2));
    CHECK(command{press(held, KEY_A).within(duration{0})}.deadline == instant{1});
    CHECK(command{press(held, KEY_A).within(duration{-5})}.deadline == instant{1});
    CHECK_FALSE(command{press(held, KEY_A)}.deadline);
}

TEST_CASE("each word of a builder says one thing about the command") {
    const auto before = correlation_id::make(2, 1);
    const command c = release_key(held, KEY_A)
                          .delayed(milliseconds(3))
                          .hold(milliseconds(4))
                          .on(lane::bulk)
                          .in_region(5)
                          .following(before)
                          .pinned(epoch_number{6});
    CHECK(c.not_before == instant{} + milliseconds(3));
    CHECK(c.not_before_relative);
    CHECK(c.hold == milliseconds(4));
    CHECK(c.lane == lane::bulk);
    CHECK(c.region == 5);
    CHECK(c.after == before);
    CHECK(c.epoch == epoch_number{6});
    CHECK(c.fenced_by_epoch);
    CHECK(c.frame[0] == input_change::key(KEY_A, false));
}

TEST_CASE("a compare-exchange says what is expected and what is to be there") {
    const command c = compare_store(held, {0x1000, 0x2000}, 1, 2, 4);
    CHECK(c.verb == verb::mem_write);
    CHECK(c.mode == write_mode::atomic);
    CHECK(c.compare);
    CHECK(c.memory.address == 0x1000);
    CHECK(c.memory.root == 0x2000);
    CHECK(c.memory.expected == 1);
    CHECK(c.memory.value == 2);
    CHECK(c.memory.length == 4);
    CHECK_FALSE(command{store(held, {0x1000}, 2)}.compare);
}

} // namespace
