// Rule: waiters are served challengers first, then by rank, then in the order in which they came.
#include <vmsig/lease/wait_list.hpp>

#include <support/catch.hpp>

namespace {

using namespace vmsig;

waiter make(std::uint64_t arrival, std::uint32_t rank, instant until = {}) {
    waiter w;
    w.id = wait_id::make(0, arrival);
    w.request.who = {origin_id::make(static_cast<std::uint32_t>(arrival), 1), rank};
    w.request.wait = true;
    w.request.wait_deadline = until;
    return w;
}

template <std::uint32_t N>
std::uint64_t take_first(wait_list<N>& list) {
    return list.take(list.first()).id.generation();
}

TEST_CASE("the highest rank is first, the earliest among equals, whatever was taken out before") {
    wait_list<4> list;
    list.add(make(1, 5));
    list.add(make(2, 7));
    list.add(make(3, 5));
    list.add(make(4, 7));
    CHECK(list.full());
    CHECK(take_first(list) == 2);
    list.add(make(5, 7));
    CHECK(take_first(list) == 4);
    CHECK(take_first(list) == 5);
    CHECK(take_first(list) == 1);
    CHECK(take_first(list) == 3);
    CHECK(list.first() == nullptr);
    CHECK_FALSE(list.take(list.first()));
}

TEST_CASE("who asked the owner goes before all others until the owner is gone") {
    wait_list<4> list;
    list.add(make(1, 9));
    list.add(make(2, 1)).ask_deadline = {40};
    list.add(make(3, 2)).ask_deadline = {30};
    CHECK(list.ask_deadline() == instant{30});
    CHECK(list.first()->id.generation() == 3);
    list.forget_asks();
    CHECK(list.ask_deadline() == instant::never());
    CHECK(list.first()->id.generation() == 1);
}

TEST_CASE("deadlines are the earliest of the list, reached at their instant") {
    wait_list<4> list;
    CHECK(list.wait_deadline() == instant::never());
    list.add(make(1, 0));
    list.add(make(2, 0, {20}));
    list.add(make(3, 0, {10}));
    CHECK(list.wait_deadline() == instant{10});
    CHECK(list.first_expired({9}) == nullptr);
    REQUIRE(list.first_expired({10}));
    CHECK(list.first_expired({10})->id.generation() == 3);
    CHECK(list.find(origin_id::make(2, 1))->id.generation() == 2);
    CHECK(list.find(origin_id::make(7, 1)) == nullptr);
}

} // namespace
