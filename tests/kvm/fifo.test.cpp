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
