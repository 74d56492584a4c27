// fifo: what an adapter cannot do yet, first come first served, of a fixed size. It holds what the
// bus has handed over, so its limit is one control's limit of pending commands.
#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include <vmsig/adapter/handle.hpp>
#include <vmsig/base/assert.hpp>

namespace vmsig::kvm {

template <class T>
class fifo {
public:
    static constexpr std::size_t capacity = 256;

    bool empty() const { return read_ == written_; }
    bool full() const { return written_ - read_ == capacity; }
    /// Only when not full.
    void push(const T& one) {
        VMSIG_ASSERT(!full());
        places_[written_++ % capacity].emplace(one);
    }
    /// Only when not empty.
    T pop() {
        VMSIG_ASSERT(!empty());
        return *places_[read_++ % capacity];
    }
    void clear() { read_ = written_; }
    /// Those for which `over(one)` holds; the others keep their order.
    template <class F>
    void drop_if(F&& over) {
        std::size_t kept = read_;
        for (std::size_t i = read_; i != written_; ++i) {
            const std::optional<T>& one = places_[i % capacity];
            if (!over(*one)) places_[kept++ % capacity] = one;
        }
        written_ = kept;
    }

private:
    std::array<std::optional<T>, capacity> places_;
    std::size_t read_ = 0;
    std::size_t written_ = 0;
};

/// For one more: what the bus has ended meanwhile gives way.
inline bool has_place(fifo<fenced_command>& line) {
    if (line.full()) line.drop_if([](const fenced_command& one) { return !one.pending(); });
    return !line.full();
}

} // namespace vmsig::kvm
