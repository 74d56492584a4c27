// Row 5c: a queue of priorities in between, filled 256 deep and emptied: per item. The limit is a
// list per lane, linked through the nodes, and a bitmap of the lanes that have one: no turns, no
// credit, no way out but the front. The second limit promises what the library does.
#include "ratio.hpp"

#include <vmsig/base/dlist.hpp>
#include <vmsig/queue/fair_queue.hpp>

#include <array>
#include <memory>

namespace {

constexpr std::uint16_t depth = 256;
constexpr std::uint8_t controls = 8;

struct node {
    vmsig::dlink links;
    std::uint8_t lane = 0;
    std::uint8_t control = 0;
};
/// Nodes of all lanes and controls, in no order.
std::array<node, depth> some_nodes() {
    std::array<node, depth> all;
    std::uint32_t x = 2463534242u;
    for (node& n : all) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        n.lane = static_cast<std::uint8_t>(x & 3);
        n.control = static_cast<std::uint8_t>(x >> 2 & 7);
    }
    return all;
}

struct lane_lists {
    struct list {
        std::uint16_t head = vmsig::no_node;
        std::uint16_t tail = vmsig::no_node;
    };
    std::array<list, vmsig::lane_count> lanes;
    std::uint32_t waiting = 0;

    void push(std::array<node, depth>& nodes, std::uint16_t n) {
        list& l = lanes[nodes[n].lane];
        nodes[n].links.next = vmsig::no_node;
        (l.tail == vmsig::no_node ? l.head : nodes[l.tail].links.next) = n;
        l.tail = n;
        waiting |= 1u << nodes[n].lane;
    }
    std::uint16_t pop(std::array<node, depth>& nodes) {
        const auto lane = static_cast<unsigned>(std::countr_zero(waiting));
        list& l = lanes[lane];
        const std::uint16_t n = l.head;
        l.head = nodes[n].links.next;
        if (l.head == vmsig::no_node) {
            l.tail = vmsig::no_node;
            waiting &= ~(1u << lane);
        }
        return n;
    }
};

void limit(benchmark::State& state) {
    auto nodes = some_nodes();
    lane_lists queue;
    std::uint32_t sum = 0;
    for (auto _ : state) {
        for (std::uint16_t n = 0; n < depth; ++n) queue.push(nodes, n);
        for (std::uint16_t n = 0; n < depth; ++n) sum += queue.pop(nodes);
    }
    benchmark::DoNotOptimize(sum);
}

/// By hand, with what is promised: lanes by credit, controls in turn, and a way out from anywhere.
struct fair_lists {
    struct list {
        std::uint16_t head = vmsig::no_node;
        std::uint16_t tail = vmsig::no_node;
    };
    list lists[vmsig::lane_count][controls]{};
    std::uint32_t waiting[vmsig::lane_count] = {};
    std::uint32_t lanes = 0;
    std::uint32_t spent = 0;
    std::uint8_t credit[vmsig::lane_count] = {64, 16, 4, 1};
    std::uint8_t served[vmsig::lane_count] = {};

    void push(std::array<node, depth>& nodes, std::uint16_t n) {
        const unsigned lane = nodes[n].lane % vmsig::lane_count;
        const unsigned control = nodes[n].control % controls;
        list& l = lists[lane][control];
        nodes[n].links = {l.tail, vmsig::no_node};
        (l.tail == vmsig::no_node ? l.head : nodes[l.tail].links.next) = n;
        l.tail = n;
        waiting[lane] |= 1u << control;
        lanes |= 1u << lane;
    }
    std::uint16_t pop(std::array<node, depth>& nodes) {
        if ((lanes & ~spent) == 0) {
            spent = 0;
            credit[0] = 64, credit[1] = 16, credit[2] = 4, credit[3] = 1;
        }
        const auto lane = static_cast<unsigned>(std::countr_zero(lanes & ~spent));
        if (--credit[lane] == 0) spent |= 1u << lane;
        const std::uint32_t after = waiting[lane] & ~1u << served[lane];
        const auto control =
            static_cast<unsigned>(std::countr_zero(after != 0 ? after : waiting[lane]));
        served[lane] = static_cast<std::uint8_t>(control);
        list& l = lists[lane][control];
        const std::uint16_t n = l.head;
        l.head = nodes[n].links.next;
        if (l.head != vmsig::no_node) {
            nodes[l.head].links.previous = vmsig::no_node;
        } else {
            l.tail = vmsig::no_node;
            waiting[lane] &= ~(1u << control);
            if (waiting[lane] == 0) lanes &= ~(1u << lane);
        }
        return n;
    }
};

void fair_limit(benchmark::State& state) {
    auto nodes = some_nodes();
    const auto owned = std::make_unique<fair_lists>();
    fair_lists& queue = *owned;
    std::uint32_t sum = 0;
    for (auto _ : state) {
        for (std::uint16_t n = 0; n < depth; ++n) queue.push(nodes, n);
        for (std::uint16_t n = 0; n < depth; ++n) sum += queue.pop(nodes);
    }
    benchmark::DoNotOptimize(sum);
}

void ours(benchmark::State& state) {
    auto nodes = some_nodes();
    const auto links = [&nodes](std::uint16_t n) -> vmsig::dlink& { return nodes[n].links; };
    vmsig::fair_queue queue;
    const auto push = [&](std::uint16_t n) {
        queue.push_back(links, nodes[n].control, static_cast<vmsig::lane>(nodes[n].lane), n);
    };
    std::uint32_t sum = 0;
    for (auto _ : state) {
        for (std::uint16_t n = 0; n < depth; ++n) push(n);
        for (std::uint16_t n = 0; n < depth; ++n) sum += queue.pop(links);
    }
    benchmark::DoNotOptimize(sum);
}

} // namespace

int main(int argc, char** argv) {
    bench::pair("5c queue, lanes only by hand", 0, depth, limit, ours);
    bench::pair("5c queue, the same by hand", 1.10, depth, fair_limit, ours);
    return bench::run(argc, argv);
}
