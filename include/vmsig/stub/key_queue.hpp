// key_queue: the bytes that a keyboard has sent and the guest has not read. A ring of fixed size;
// what does not fit is refused whole.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <vmsig/guest/scancodes.hpp>

namespace vmsig::stub {

class key_queue {
public:
    static constexpr std::size_t capacity_bytes = 1024;

    std::size_t room() const { return capacity_bytes - size_; }
    bool empty() const { return size_ == 0; }
    bool push(const scancode_bytes& bytes) {
        if (bytes.size > room()) return false;
        for (const std::uint8_t b : bytes) ring_[(first_ + size_++) % capacity_bytes] = b;
        return true;
    }
    /// Only when not empty.
    std::uint8_t pop() {
        const std::uint8_t b = ring_[first_];
        first_ = (first_ + 1) % capacity_bytes;
        --size_;
        return b;
    }
    void clear() { size_ = 0; }

private:
    std::array<std::uint8_t, capacity_bytes> ring_{};
    std::size_t first_ = 0;
    std::size_t size_ = 0;
};

} // namespace vmsig::stub
