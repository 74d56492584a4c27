// post_queue: work from any thread for the loop thread, first in, first out. A list through the
// nodes themselves: a poster puts its node in front by one compare-exchange, the loop takes all
// that is there by one exchange and turns it round. So nobody is ever half-way in, and a poster
// that the scheduler stops keeps nobody waiting.
//
// A node is the caller's (`post_node`), or one of a fixed number of cells that hold a closure. The
// cells that are free are a list too, whose head carries a count: a poster that was stopped between
// its look and its exchange sees that the head was taken meanwhile, though it is there again.
//
// Why no post is slept through: a push is sequentially consistent, as is the loop's last look
// (`empty`); a poster that then finds the loop awake (`sleep_flag::claim_ordered`) knows that it
// has this look still to come.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include <vmsig/base/assert.hpp>
#include <vmsig/base/inline_function.hpp>

namespace vmsig {

inline constexpr std::size_t post_bytes = 48;
using posted = inline_function<void(), post_bytes>;

/// What is posted without being copied. From its post until it is run it belongs to the queue, and
/// must neither be destroyed nor posted again; it may do both to itself when it is run.
class post_node {
public:
    explicit post_node(void (*run)(post_node&)) noexcept
        : run_{run} {}
    post_node(const post_node&) = delete;
    post_node& operator=(const post_node&) = delete;
    ~post_node() { VMSIG_ASSERT(next_.load(std::memory_order_relaxed) == this); }

private:
    friend class post_queue;
    void (*run_)(post_node&);
    std::atomic<post_node*> next_{this}; ///< itself: in no list. Atomic for the free cells' sake
};

/// A closure that stays where it is, and is posted as often as one likes:
/// `standing_post tick{[&] { ... }}; bus.post(tick);`
template <class F>
class standing_post : public post_node {
public:
    explicit standing_post(F f)
        : post_node{[](post_node& me) { static_cast<standing_post&>(me).f_(); }}
        , f_{std::move(f)} {}

private:
    F f_;
};

class post_queue {
    struct cell : post_node {
        cell()
            : post_node{nullptr} {}
        void (*drop)(cell&) = nullptr;
        alignas(std::max_align_t) std::byte place[post_bytes];
    };

public:
    /// One node that was taken. Its closure, run or not, is destroyed with this.
    class taken {
    public:
        taken(taken&& other) noexcept
            : queue_{other.queue_}
            , node_{std::exchange(other.node_, nullptr)}
            , cell_{std::exchange(other.cell_, nullptr)} {}
        taken& operator=(taken&&) = delete;
        ~taken() {
            if (cell_ == nullptr) return;
            cell_->drop(*cell_);
            queue_.free(*cell_);
        }
        explicit operator bool() const { return node_ != nullptr; }
        /// Once. Nothing of the node is touched after it has begun.
        void run() { node_->run_(*node_); }

    private:
        friend class post_queue;
        taken(post_queue& queue, post_node* node)
            : queue_{queue}
            , node_{node}
            , cell_{queue.cell_of(node)} {}
        post_queue& queue_;
        post_node* node_;
        cell* cell_;
    };

    /// With room for so many closures; nodes of callers need none.
    explicit post_queue(std::uint16_t room)
        : room_{room}
        , cells_{new cell[room]} {
        for (std::uint16_t i = room; i > 0; --i) free(cells_[i - 1u]);
    }
    post_queue(const post_queue&) = delete;
    post_queue& operator=(const post_queue&) = delete;
    /// What was not run is not run; closures are destroyed.
    ~post_queue() {
        while (const taken left = take()) {}
        for (std::uint16_t i = 0; i < room_; ++i) idle(cells_[i]);
    }

    /// Any thread.
    void push(post_node& n) noexcept {
        VMSIG_ASSERT(n.next_.load(std::memory_order_relaxed) == &n);
        post_node* head = pushed_.load(std::memory_order_relaxed);
        do {
            n.next_.store(head, std::memory_order_relaxed);
        } while (!pushed_.compare_exchange_weak(head, &n, std::memory_order_seq_cst,
                                                std::memory_order_relaxed));
    }
    /// Any thread. False: no cell is free, and `f` is as it was.
    template <class F>
    bool push_closure(F&& f) {
        using target = std::remove_cvref_t<F>;
        static_assert(posted::fits<target>, "the closure is too large for its fixed place");
        if constexpr (!std::is_nothrow_constructible_v<target, F>) {
            return push_closure(target(std::forward<F>(f)));
        } else {
            cell* c = take_free();
            if (c == nullptr) return false;
            ::new (static_cast<void*>(c->place)) target(std::forward<F>(f));
            c->run_ = [](post_node& n) { held<target>(static_cast<cell&>(n))(); };
            c->drop = [](cell& full) { held<target>(full).~target(); };
            push(*c);
            return true;
        }
    }

    /// The loop thread.
    taken take() {
        if (taken_ == nullptr && pushed_.load(std::memory_order_relaxed) != nullptr) turn_round();
        post_node* const n = taken_;
        if (n != nullptr) {
            taken_ = n->next_.load(std::memory_order_relaxed);
            idle(*n);
        }
        return {*this, n};
    }
    /// The loop thread; to be asked again after declaring sleep.
    bool empty() const {
        return taken_ == nullptr && pushed_.load(std::memory_order_seq_cst) == nullptr;
    }

private:
    template <class Target>
    static Target& held(cell& c) {
        return *std::launder(reinterpret_cast<Target*>(c.place));
    }
    static void idle(post_node& n) { n.next_.store(&n, std::memory_order_relaxed); }

    cell* cell_of(post_node* n) const {
        const auto first = reinterpret_cast<std::uintptr_t>(cells_.get());
        const auto at = reinterpret_cast<std::uintptr_t>(n);
        return at - first < room_ * sizeof(cell) ? static_cast<cell*>(n) : nullptr;
    }

    /// The youngest is in front; the oldest is to run first.
    void turn_round() {
        post_node* from = pushed_.exchange(nullptr, std::memory_order_acquire);
        while (from != nullptr) {
            post_node* const older = from->next_.load(std::memory_order_relaxed);
            from->next_.store(taken_, std::memory_order_relaxed);
            taken_ = std::exchange(from, older);
        }
    }

    /// A free list's head: place + 1 of the first cell in the low bits, above them how often it was
    /// changed.
    static constexpr std::uint64_t place_mask = 0xffff;
    cell* take_free() {
        std::uint64_t head = free_.load(std::memory_order_acquire);
        for (;;) {
            const std::uint64_t place = head & place_mask;
            if (place == 0) return nullptr;
            cell& c = cells_[place - 1];
            const cell* next = cell_of(c.next_.load(std::memory_order_relaxed));
            if (free_.compare_exchange_weak(head, changed(head, next), std::memory_order_acquire)) {
                idle(c);
                return &c;
            }
        }
    }
    void free(cell& c) {
        std::uint64_t head = free_.load(std::memory_order_relaxed);
        do {
            const std::uint64_t place = head & place_mask;
            c.next_.store(place == 0 ? nullptr : &cells_[place - 1], std::memory_order_relaxed);
        } while (!free_.compare_exchange_weak(head, changed(head, &c), std::memory_order_release,
                                              std::memory_order_relaxed));
    }
    std::uint64_t changed(std::uint64_t head, const cell* first) const {
        const std::uint64_t count = (head & ~place_mask) + place_mask + 1;
        const auto place = first ? static_cast<std::uint64_t>(first - cells_.get()) + 1 : 0;
        return count | place;
    }

    const std::uint16_t room_;
    const std::unique_ptr<cell[]> cells_;
    post_node* taken_ = nullptr; ///< the loop's, oldest first
    alignas(64) std::atomic<post_node*> pushed_{nullptr};
    alignas(64) std::atomic<std::uint64_t> free_{0};
};

} // namespace vmsig
