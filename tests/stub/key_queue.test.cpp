// Rule: what a keyboard has sent is read in order, and what finds no room is refused whole.
#include <vmsig/stub/key_queue.hpp>

#include <support/catch.hpp>

using namespace vmsig;

TEST_CASE("bytes come out in the order in which they went in, round the ring") {
    stub::key_queue q;
    for (int round = 0; round < 2000; ++round) {
        CHECK(q.push(scancode_bytes_of(KEY_UP, true)));
        CHECK(q.push(scancode_bytes_of(KEY_A, false)));
        CHECK(q.pop() == 0xe0);
        CHECK(q.pop() == 0x48);
        CHECK(q.pop() == 0x9e);
        CHECK(q.empty());
    }
}

TEST_CASE("a key of two bytes does not go into room for one") {
    stub::key_queue q;
    while (q.room() > 1) REQUIRE(q.push(scancode_bytes_of(KEY_A, true)));
    CHECK_FALSE(q.push(scancode_bytes_of(KEY_UP, true)));
    CHECK(q.room() == 1);
    CHECK(q.push(scancode_bytes_of(KEY_A, true)));
    CHECK_FALSE(q.push(scancode_bytes_of(KEY_A, true)));
    q.clear();
    CHECK(q.room() == stub::key_queue::capacity_bytes);
}
