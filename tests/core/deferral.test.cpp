// Rule: one queue in order for events and receipts; receipts always have their place, ordinary
// events a number of places, safety events some more.
#include <vmsig/core/deferral.hpp>

#include <vector>

#include <support/alloc_guard.hpp>
#include <support/catch.hpp>

using namespace vmsig;
using vmsig::detail::deferral;
using vmsig::detail::deferred_event;

namespace {

/// Puts an event with that timestamp; false: no room.
bool put(deferral& d, std::int64_t number, bool safety = false) {
    deferred_event* e = d.push_event(safety);
    if (e) e->event.timestamp = {number};
    return e != nullptr;
}
/// Takes the front: events as their number, receipts as their node, negated.
std::int64_t take(deferral& d) {
    const std::uint32_t item = d.front();
    d.pop();
    if (d.is_receipt(item)) return -static_cast<std::int64_t>(item);
    const std::int64_t number = d.event_of(item).event.timestamp.ns;
    d.free_event(item);
    return number;
}

} // namespace

TEST_CASE("events and receipts come out in the order in which they went in") {
    deferral d{8, 4, 2};
    CHECK(d.empty());
    CHECK(put(d, 1));
    d.push_receipt(5);
    CHECK(put(d, 2));
    d.push_receipt(3);
    for (const std::int64_t expected : {1, -5, 2, -3}) CHECK(take(d) == expected);
    CHECK(d.empty());
}

TEST_CASE("ordinary events stop where the room for safety begins") {
    deferral d{8, 3, 2};
    CHECK(d.room() == 3);
    for (int i = 0; i < 3; ++i) CHECK(put(d, i));
    CHECK(d.room() == 0);
    CHECK_FALSE(put(d, 9));
    CHECK(put(d, 3, true));
    CHECK(put(d, 4, true));
    CHECK_FALSE(put(d, 5, true));
    for (int i = 0; i < 5; ++i) CHECK(take(d) == i);
    CHECK(d.room() == 3);
}

TEST_CASE("safety events use the ordinary places too") {
    deferral d{8, 3, 2};
    for (int i = 0; i < 5; ++i) CHECK(put(d, i, true));
    CHECK(d.room() == 0);
    CHECK_FALSE(put(d, 5));
}

TEST_CASE("every command's receipt fits beside every event, again and again") {
    deferral d{16, 4, 4};
    for (int round = 0; round < 100; ++round) {
        for (int i = 0; i < 8; ++i) REQUIRE(put(d, i, true));
        for (std::uint32_t n = 0; n < 16; ++n) d.push_receipt(n);
        for (int i = 0; i < 8; ++i) REQUIRE(take(d) == i);
        for (std::int64_t n = 0; n < 16; ++n) REQUIRE(take(d) == -n);
    }
    CHECK(d.empty());
}

TEST_CASE("what waits can be visited, youngest first too, and what is delivered is left alone") {
    deferral d{8, 8, 2};
    for (int i = 0; i < 4; ++i) put(d, i);
    d.push_receipt(1);
    put(d, 4);
    d.pop();
    int seen = 0;
    d.for_each_event([&](deferred_event& e) {
        CHECK(e.event.timestamp.ns != 0);
        ++seen;
    });
    CHECK(seen == 4);
    std::vector<std::int64_t> order;
    d.newest_first([&](deferred_event& e) {
        order.push_back(e.event.timestamp.ns);
        return e.event.timestamp.ns != 2;
    });
    CHECK(order == std::vector<std::int64_t>{4, 3, 2});
}

TEST_CASE("nothing is allocated after construction") {
    deferral d{64, 16, 16};
    const auto allocated = vmsig::test::allocations_in([&] {
        for (int round = 0; round < 10; ++round) {
            while (put(d, 1, true)) {}
            while (!d.empty()) take(d);
        }
    });
    CHECK(allocated == 0);
}
