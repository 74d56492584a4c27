// timer_heap: which timer is due next. Pure state told the time by its caller; it names timers by
// dense keys, calls nobody, and knows nothing of the kernel's timer.
//
// An implicit heap with four children per node (half the depth of a binary one, and siblings share
// cache lines) beside an array from key to position, so that a timer can be re-armed or cancelled.
// Equal times go by a sequence number of the arming, which keeps their order and makes simulations
// repeatable. A removal refills the hole by walking it down to a leaf and the last node up from
// there: the last node is nearly always late.
#pragma once

#include <cstdint>
#include <vector>

#include <vmsig/base/assert.hpp>
#include <vmsig/base/time.hpp>

namespace vmsig {

/// At most one armed time per key; allocates at construction only. All O(log armed) at most.
class timer_heap {
public:
    static constexpr std::uint32_t no_key = 0xffff'ffff;

    /// Keys are 0 to `keys` - 1.
    explicit timer_heap(std::uint32_t keys)
        : nodes_(keys)
        , position_(keys, unarmed) {
        VMSIG_ASSERT(keys < no_key / arity);
    }

    /// Arms or re-arms; `instant::never()` cancels.
    void arm(std::uint32_t key, instant when) {
        VMSIG_ASSERT(key < position_.size());
        if (when == instant::never()) return cancel(key);
        const node n{when, ++last_sequence_, key};
        const std::uint32_t at = position_[key];
        if (at == unarmed)
            rise(size_++, n);
        else if (n < nodes_[at])
            rise(at, n);
        else
            sink(at, n);
    }
    /// Harmless when not armed.
    void cancel(std::uint32_t key) {
        VMSIG_ASSERT(key < position_.size());
        const std::uint32_t at = position_[key];
        if (at != unarmed) take(at);
    }
    bool armed(std::uint32_t key) const {
        VMSIG_ASSERT(key < position_.size());
        return position_[key] != unarmed;
    }
    std::uint32_t size() const { return size_; }

    /// `instant::never()` if none is armed: what to give to `reactor::arm`.
    instant earliest() const { return size_ == 0 ? instant::never() : nodes_[0].when; }

    /// Disarms and names the earliest timer that is due, in arming order among equals, or `no_key`.
    std::uint32_t pop_due(instant now) {
        if (earliest() > now || size_ == 0) return no_key;
        const std::uint32_t key = nodes_[0].key;
        take(0);
        return key;
    }

private:
    struct node {
        instant when;
        std::uint64_t sequence = 0;
        std::uint32_t key = no_key;

        friend bool operator<(const node& a, const node& b) { return a.order() < b.order(); }
        __extension__ using order_type = __int128;
        order_type order() const { return order_type{when.ns} << 64 | order_type{sequence}; }
    };
    static constexpr std::uint32_t unarmed = no_key;
    static constexpr std::uint32_t arity = 4;

    void put(std::uint32_t at, const node& n) {
        nodes_[at] = n;
        position_[n.key] = at;
    }
    /// Puts `n` into the hole `at` or above it.
    void rise(std::uint32_t at, const node& n) {
        while (at > 0) {
            const std::uint32_t parent = (at - 1) / arity;
            if (!(n < nodes_[parent])) break;
            put(at, nodes_[parent]);
            at = parent;
        }
        put(at, n);
    }
    /// Puts `n` into the hole `at` or below it.
    void sink(std::uint32_t at, const node& n) {
        for (std::uint32_t child = least_child(at); child < size_; child = least_child(at)) {
            if (!(nodes_[child] < n)) break;
            put(at, nodes_[child]);
            at = child;
        }
        put(at, n);
    }
    /// Compiles to no branch, which would be a coin toss.
    std::uint32_t lesser(std::uint32_t a, std::uint32_t b) const {
        return nodes_[b] < nodes_[a] ? b : a;
    }
    /// Past the end if there is none.
    std::uint32_t least_child(std::uint32_t at) const {
        const std::uint32_t first = at * arity + 1;
        if (first + arity <= size_)
            return lesser(lesser(first, first + 1), lesser(first + 2, first + 3));
        std::uint32_t least = first;
        for (std::uint32_t c = first + 1; c < size_; ++c) least = lesser(least, c);
        return least;
    }
    void take(std::uint32_t at) {
        position_[nodes_[at].key] = unarmed;
        const node last = nodes_[--size_];
        if (at == size_) return;
        for (std::uint32_t child = least_child(at); child < size_; child = least_child(at)) {
            put(at, nodes_[child]);
            at = child;
        }
        rise(at, last);
    }

    std::vector<node> nodes_; ///< a heap in the first `size_`
    std::vector<std::uint32_t> position_;
    std::uint32_t size_ = 0;
    std::uint64_t last_sequence_ = 0;
};

} // namespace vmsig
