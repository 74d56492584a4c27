// Rule: the highest lane with credit goes first, a lower one still progresses; inside a lane the
// controls are served in turn; inside a control first in, first out.
#include <vmsig/queue/fair_queue.hpp>

#include <deque>
#include <map>
#include <random>
#include <vector>

#include <support/catch.hpp>

using namespace vmsig;

namespace {

struct bench {
    std::vector<dlink> nodes = std::vector<dlink>(1000);
    fair_queue queue;
    auto links() {
        return [this](std::uint16_t n) -> dlink& { return nodes[n]; };
    }
    void put(unsigned control, lane l, std::uint16_t n) { queue.push_back(links(), control, l, n); }
    std::vector<std::uint16_t> drain() {
        std::vector<std::uint16_t> out;
        while (!queue.empty()) out.push_back(queue.pop(links()));
        return out;
    }
};
using numbers = std::vector<std::uint16_t>;

} // namespace

TEST_CASE("an empty queue gives no node") {
    bench b;
    CHECK(b.queue.empty());
    CHECK(b.queue.pop(b.links()) == no_node);
}

TEST_CASE("one control is first in, first out") {
    bench b;
    for (std::uint16_t n = 0; n < 10; ++n) b.put(3, lane::normal, n);
    CHECK(b.drain() == numbers{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
}

TEST_CASE("the controls of a lane are served in turn, also the first and the last") {
    bench b;
    for (std::uint16_t n = 0; n < 3; ++n) {
        b.put(0, lane::normal, n);
        b.put(31, lane::normal, static_cast<std::uint16_t>(10 + n));
        b.put(63, lane::normal, static_cast<std::uint16_t>(20 + n));
    }
    CHECK(b.drain() == numbers{0, 10, 20, 1, 11, 21, 2, 12, 22});
}

TEST_CASE("who comes back is not served before the others had their turn") {
    bench b;
    b.put(1, lane::normal, 1);
    b.put(2, lane::normal, 2);
    CHECK(b.queue.pop(b.links()) == 1);
    b.put(1, lane::normal, 3);
    b.put(0, lane::normal, 4);
    CHECK(b.drain() == numbers{2, 4, 3});
}

TEST_CASE("a higher lane overtakes") {
    bench b;
    b.put(0, lane::bulk, 1);
    b.put(0, lane::normal, 2);
    b.put(0, lane::high, 3);
    b.put(0, lane::safety, 4);
    CHECK(b.drain() == numbers{4, 3, 2, 1});
}

TEST_CASE("a bulk command is overtaken by at most 64 + 16 + 4, a safety one by 16 + 4 + 1") {
    bench b;
    std::uint16_t next = 1;
    const std::array lanes{lane::safety, lane::high, lane::normal};
    for (const lane l : lanes)
        for (int i = 0; i < 200; ++i) b.put(0, l, next++);
    b.put(1, lane::bulk, 0);
    unsigned before = 0;
    while (b.queue.pop(b.links()) != 0) ++before;
    CHECK(before <= 64 + 16 + 4);

    bench c;
    next = 1;
    for (const lane l : {lane::high, lane::normal, lane::bulk})
        for (int i = 0; i < 200; ++i) c.put(0, l, next++);
    for (int served = 0; served < 100; ++served) {
        (void)c.queue.pop(c.links());
        bench d = c; // a safety command that comes in at any point of the round
        d.put(1, lane::safety, 0);
        unsigned waited = 0;
        while (d.queue.pop(d.links()) != 0) ++waited;
        CHECK(waited <= 16 + 4 + 1);
    }
}

TEST_CASE("what goes to the front is next of its control, what is removed never comes") {
    bench b;
    for (std::uint16_t n = 0; n < 4; ++n) b.put(5, lane::normal, n);
    b.queue.push_front(b.links(), 5, lane::normal, 9);
    b.queue.remove(b.links(), 5, lane::normal, 0);
    b.queue.remove(b.links(), 5, lane::normal, 3);
    CHECK(b.drain() == numbers{9, 1, 2});
    b.put(5, lane::normal, 1);
    b.queue.remove(b.links(), 5, lane::normal, 1);
    CHECK(b.queue.empty());
}

TEST_CASE("in a backlogged lane each control gets one turn between two of any other") {
    bench b;
    std::mt19937 random{7};
    std::map<unsigned, std::deque<std::uint16_t>> model;
    std::map<std::uint16_t, unsigned> owner;
    std::uint16_t next = 0;
    for (unsigned control = 0; control < 8; ++control)
        for (int i = 0; i < 100; ++i) {
            owner[next] = control * 8;
            model[control * 8].push_back(next);
            b.put(control * 8, lane::normal, next++);
        }
    std::map<unsigned, int> since; // services of others since a control's own
    for (int i = 0; i < 800; ++i) {
        const std::uint16_t n = b.queue.pop(b.links());
        const unsigned control = owner[n];
        REQUIRE(model[control].front() == n);
        model[control].pop_front();
        for (auto& [other, count] : since) {
            if (!model[other].empty()) ++count;
            CHECK(count <= 8);
        }
        since[control] = 0;
    }
    CHECK(b.queue.empty());
}
