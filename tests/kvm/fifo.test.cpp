// Rule: first come, first served, up to its capacity and no further.
#include <vmsig/kvm/fifo.hpp>

#include "support/catch.hpp"

TEST_CASE("a fifo keeps order over many rounds") {
    vmsig::kvm::fifo<int> line;
    CHECK(line.empty());
    int in = 0;
    int out = 0;
    for (int round = 0; round < 10; ++round) {
        while (!line.full()) line.push(in++);
        for (int i = 0; i < 100; ++i) CHECK(line.pop() == out++);
    }
    CHECK(in - out == static_cast<int>(line.capacity) - 100);
    while (!line.empty()) CHECK(line.pop() == out++);
    CHECK(in == out);
    line.push(1);
    line.clear();
    CHECK(line.empty());
}

TEST_CASE("what is over gives its place in a fifo to others, which keep their order") {
    vmsig::kvm::fifo<int> line;
    for (int i = 0; i < 100; ++i) line.push(-1);
    while (!line.empty()) CHECK(line.pop() == -1);
    for (int i = 0; !line.full(); ++i) line.push(i);
    line.drop_if([](int i) { return i % 3 != 0; });
    CHECK_FALSE(line.full());
    line.push(1000);
    const int last = static_cast<int>(line.capacity) - 1;
    for (int i = 0; i <= last; i += 3) CHECK(line.pop() == i);
    CHECK(line.pop() == 1000);
    CHECK(line.empty());
}
