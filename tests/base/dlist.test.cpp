// Rule: the list keeps the order of its pushes whatever is removed, and forgets what it removed.
#include <vmsig/base/dlist.hpp>

#include <algorithm>
#include <array>
#include <deque>
#include <random>
#include <vector>

#include <support/catch.hpp>

using namespace vmsig;

namespace {

struct nodes {
    std::array<dlink, 32> links{};
    dlink& operator()(std::uint16_t n) { return links.at(n); }
};

std::vector<std::uint16_t> forwards(const dlist& list, nodes& of) {
    std::vector<std::uint16_t> seen;
    for (auto n = list.head; n != no_node; n = of(n).next) seen.push_back(n);
    return seen;
}
std::vector<std::uint16_t> backwards(const dlist& list, nodes& of) {
    std::vector<std::uint16_t> seen;
    for (auto n = list.tail; n != no_node; n = of(n).previous) seen.push_back(n);
    return seen;
}

} // namespace

TEST_CASE("first in is first out") {
    nodes of;
    dlist list;
    CHECK(list.empty());
    for (const std::uint16_t n : std::vector<std::uint16_t>{5, 3, 9}) list.push_back(of, n);
    list.push_front(of, 1);
    CHECK_FALSE(list.empty());
    for (const std::uint16_t n : std::vector<std::uint16_t>{1, 5, 3, 9})
        CHECK(list.pop_front(of) == n);
    CHECK(list.empty());
    CHECK(list.tail == no_node);
}

TEST_CASE("a removed node is free for another list") {
    nodes of;
    dlist first;
    dlist second;
    for (const std::uint16_t n : std::vector<std::uint16_t>{0, 1, 2}) first.push_back(of, n);
    first.remove(of, 1);
    CHECK(of(1).previous == no_node);
    CHECK(of(1).next == no_node);
    second.push_back(of, 1);
    CHECK(forwards(first, of) == std::vector<std::uint16_t>{0, 2});
    CHECK(forwards(second, of) == std::vector<std::uint16_t>{1});
}

TEST_CASE("random operations agree with a deque, in both directions") {
    std::mt19937 random{1};
    nodes of;
    dlist list;
    std::deque<std::uint16_t> by_the_book;
    int wrong = 0;
    for (int step = 0; step < 20'000; ++step) {
        const auto n = static_cast<std::uint16_t>(random() % of.links.size());
        const auto at = std::find(by_the_book.begin(), by_the_book.end(), n);
        if (at != by_the_book.end()) {
            list.remove(of, n);
            by_the_book.erase(at);
        } else if (random() % 2 == 0) {
            list.push_back(of, n);
            by_the_book.push_back(n);
        } else {
            list.push_front(of, n);
            by_the_book.push_front(n);
        }
        const std::vector<std::uint16_t> there(by_the_book.begin(), by_the_book.end());
        const std::vector<std::uint16_t> back(by_the_book.rbegin(), by_the_book.rend());
        wrong += forwards(list, of) != there || backwards(list, of) != back ? 1 : 0;
    }
    CHECK(wrong == 0);
}
