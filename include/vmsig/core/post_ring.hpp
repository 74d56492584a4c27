// post_ring: closures of bounded size from any thread to the loop thread. A bounded ring of cells,
// each with a turn number that says whose it is: a poster claims a cell by a compare-exchange,
// fills it and passes it on; the loop takes cells in order. Full is an answer, not a wait.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include <vmsig/base/inline_function.hpp>

namespace vmsig {

inline constexpr std::size_t post_bytes = 48;
using posted = inline_function<void(), post_bytes>;

class post_ring {
public:
    /// For at least so many closures.
    explicit post_ring(std::size_t room)
        : mask_{std::bit_ceil(room) - 1}
        , cells_{new cell[mask_ + 1]} {
        for (std::size_t i = 0; i <= mask_; ++i) cells_[i].turn.store(i, std::memory_order_relaxed);
    }

    /// Any thread. False: full, and `f` stays with the caller.
    bool push(posted& f) {
        std::size_t at = tail_.load(std::memory_order_relaxed);
        for (;;) {
            cell& c = cells_[at & mask_];
            const std::size_t turn = c.turn.load(std::memory_order_acquire);
            if (turn == at) {
                if (tail_.compare_exchange_weak(at, at + 1, std::memory_order_seq_cst)) {
                    c.work = std::move(f);
                    c.turn.store(at + 1, std::memory_order_seq_cst);
                    return true;
                }
            } else if (turn < at) {
                return false;
            } else {
                at = tail_.load(std::memory_order_relaxed);
            }
        }
    }
    /// The loop thread. False: nothing to take.
    bool pop(posted& f) {
        cell& c = cells_[head_ & mask_];
        if (c.turn.load(std::memory_order_seq_cst) != head_ + 1) return false;
        f = std::move(c.work);
        c.turn.store(head_ + mask_ + 1, std::memory_order_release);
        ++head_;
        return true;
    }
    /// The loop thread; to be asked again after declaring sleep.
    bool empty() const {
        return cells_[head_ & mask_].turn.load(std::memory_order_seq_cst) != head_ + 1;
    }

private:
    struct cell {
        std::atomic<std::size_t> turn{0};
        posted work;
    };

    const std::size_t mask_;
    const std::unique_ptr<cell[]> cells_;
    std::size_t head_ = 0;
    alignas(64) std::atomic<std::size_t> tail_{0};
};

} // namespace vmsig
