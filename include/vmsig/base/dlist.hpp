// dlist: an intrusive doubly linked list over nodes of one array, links held as 16-bit indexes.
// Not a container: nodes live elsewhere and are in at most one list of the same link at a time.
#pragma once

#include <cstdint>

namespace vmsig {

inline constexpr std::uint16_t no_node = 0xffff;

struct dlink {
    std::uint16_t previous = no_node;
    std::uint16_t next = no_node;
};

/// A queue of node numbers; `links` of every call maps a number to its dlink.
struct dlist {
    std::uint16_t head = no_node;
    std::uint16_t tail = no_node;

    constexpr bool empty() const { return head == no_node; }

    template <class Links>
    constexpr void push_back(Links&& links, std::uint16_t n) {
        links(n) = {tail, no_node};
        (tail == no_node ? head : links(tail).next) = n;
        tail = n;
    }
    template <class Links>
    constexpr void push_front(Links&& links, std::uint16_t n) {
        links(n) = {no_node, head};
        (head == no_node ? tail : links(head).previous) = n;
        head = n;
    }
    template <class Links>
    constexpr void remove(Links&& links, std::uint16_t n) {
        const std::uint16_t previous = links(n).previous;
        const std::uint16_t next = links(n).next;
        (previous == no_node ? head : links(previous).next) = next;
        (next == no_node ? tail : links(next).previous) = previous;
        links(n) = {};
    }
    /// Only when not empty.
    template <class Links>
    constexpr std::uint16_t pop_front(Links&& links) {
        const std::uint16_t n = head;
        head = links(n).next;
        (head == no_node ? tail : links(head).previous) = no_node;
        links(n) = {};
        return n;
    }
};

} // namespace vmsig
