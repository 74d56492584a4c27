// byte_ring: a bounded first-in first-out queue of bytes, in place.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace vmsig::kvm {

template <std::size_t Capacity>
class byte_ring {
    static_assert((Capacity & (Capacity - 1)) == 0, "a power of two: the counters may wrap");

public:
    std::size_t size() const { return written_ - read_; }
    std::size_t room() const { return Capacity - size(); }
    bool empty() const { return written_ == read_; }
    void clear() { read_ = written_; }
    /// False when full.
    bool push(std::uint8_t byte) {
        if (room() == 0) return false;
        bytes_[written_++ % Capacity] = byte;
        return true;
    }
    /// Only when not empty.
    std::uint8_t pop() { return bytes_[read_++ % Capacity]; }

private:
    std::array<std::uint8_t, Capacity> bytes_{};
    std::size_t read_ = 0;
    std::size_t written_ = 0;
};

} // namespace vmsig::kvm
