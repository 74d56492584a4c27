// datagram_ring: whole datagrams from one thread to one other, first in, first out, in a fixed
// number of bytes. Not who wakes whom (doorbell.hpp).
//
// A datagram lies in one piece, behind a header; where the end of the ring is too near for the
// largest, the writer skips to the start. Positions rise for ever. Both are published by an
// exchange and looked at by a load, all sequentially consistent: what a doorbell needs.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

#include <vmsig/base/assert.hpp>
#include <vmsig/transport/wire.hpp>

namespace vmsig {

class datagram_ring {
public:
    static constexpr std::size_t capacity = 64 * 1024; ///< kept short, for priority ends here
    static constexpr std::size_t largest = wire::max_datagram_bytes;

    struct datagram {
        std::span<const std::byte> bytes; ///< never empty, but for "there is none"
        std::uint32_t mark = 0;           ///< the writer's word
    };

    // The writer.

    /// A place for one datagram of any size; empty: there is no room now.
    std::span<std::byte> reserve() {
        if (!fits()) head_seen_ = head_.load(std::memory_order_seq_cst);
        if (!fits()) return {};
        return {at(written_ + skipped()) + header_bytes, largest};
    }
    /// The first bytes of what was reserved last.
    void publish(std::size_t bytes, std::uint32_t mark = 0) {
        VMSIG_ASSERT(bytes != 0 && bytes <= largest && fits());
        if (const std::size_t skip = skipped(); skip != 0) {
            put_header({to_the_start, 0});
            written_ += skip;
        }
        put_header({static_cast<std::uint32_t>(bytes), mark});
        written_ += header_bytes + rounded(bytes);
        tail_.exchange(written_, std::memory_order_seq_cst);
    }

    // The reader.

    bool empty() const { return read_ == tail_.load(std::memory_order_seq_cst); }
    /// The oldest; valid until `pop`.
    datagram front() {
        if (read_ == tail_seen_) tail_seen_ = tail_.load(std::memory_order_seq_cst);
        if (read_ == tail_seen_) return {};
        header h = header_at(read_);
        if (h.bytes == to_the_start) {
            read_ += capacity - offset(read_);
            h = header_at(read_);
        }
        return {{at(read_) + header_bytes, h.bytes}, h.mark};
    }
    /// After `front` gave one.
    void pop() {
        read_ += header_bytes + rounded(header_at(read_).bytes);
        head_.exchange(read_, std::memory_order_seq_cst);
    }

private:
    struct header {
        std::uint32_t bytes = 0;
        std::uint32_t mark = 0;
    };
    static constexpr std::size_t header_bytes = sizeof(header);
    static constexpr std::uint32_t to_the_start = ~std::uint32_t{0};
    static_assert((capacity & (capacity - 1)) == 0 && capacity >= 2 * (largest + header_bytes));

    static std::size_t offset(std::uint64_t position) { return position & (capacity - 1); }
    static std::size_t rounded(std::size_t bytes) {
        return (bytes + header_bytes - 1) / header_bytes * header_bytes;
    }
    std::byte* at(std::uint64_t position) const { return bytes_.get() + offset(position); }
    header header_at(std::uint64_t position) const {
        header h;
        std::memcpy(&h, at(position), sizeof h);
        return h;
    }
    void put_header(header h) { std::memcpy(at(written_), &h, sizeof h); }
    /// How much of the end is too short.
    std::size_t skipped() const {
        const std::size_t left = capacity - offset(written_);
        return left < header_bytes + largest ? left : 0;
    }
    bool fits() const {
        return capacity - (written_ - head_seen_) >= skipped() + header_bytes + largest;
    }

    const std::unique_ptr<std::byte[]> bytes_{new std::byte[capacity]};
    alignas(64) std::atomic<std::uint64_t> tail_{0};
    std::uint64_t written_ = 0, head_seen_ = 0; ///< the writer's
    alignas(64) std::atomic<std::uint64_t> head_{0};
    std::uint64_t read_ = 0, tail_seen_ = 0; ///< the reader's
};

} // namespace vmsig
