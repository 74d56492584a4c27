// block_pool: a fixed number of equal blocks for payloads that do not fit inline, counted by
// reference. All memory is taken at construction; pages that are never used are never touched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include <vmsig/base/assert.hpp>
#include <vmsig/base/ids.hpp>

namespace vmsig {

template <class Id>
class block_pool {
public:
    block_pool(std::uint16_t blocks, std::uint32_t block_bytes)
        : block_bytes_{block_bytes}
        , blocks_{blocks}
        , state_{std::make_unique<state[]>(blocks)}
        , bytes_{new std::byte[std::size_t{blocks} * block_bytes]} {}

    std::uint32_t block_bytes() const { return block_bytes_; }
    std::uint16_t in_use() const { return in_use_; }
    std::uint16_t unused() const { return static_cast<std::uint16_t>(blocks_ - in_use_); }

    /// No block from this one on was ever allocated.
    std::uint16_t ever_used() const { return touched_; }

    /// A block with one reference, or none when all are in use or `size` is too large. O(1).
    Id allocate(std::uint32_t size) {
        if (size > block_bytes_) return {};
        std::uint16_t n = 0;
        if (free_ != 0) {
            n = static_cast<std::uint16_t>(free_ - 1);
            free_ = state_[n].next_free;
        } else if (touched_ < blocks_) {
            n = touched_++;
        } else {
            return {};
        }
        state& s = state_[n];
        s.references = 1;
        s.size = size;
        ++in_use_;
        return Id::make(n, ++s.generation);
    }
    bool live(Id id) const {
        return id && id.slot() < touched_ && state_[id.slot()].references != 0 &&
               state_[id.slot()].generation == id.generation();
    }
    /// What lives in that place, if anything.
    Id in_slot(std::uint16_t n) const {
        return n < touched_ && state_[n].references ? Id::make(n, state_[n].generation) : Id{};
    }
    /// The bytes of a live block, else nothing.
    std::span<std::byte> bytes(Id id) const {
        if (!live(id)) return {};
        return {bytes_.get() + std::size_t{id.slot()} * block_bytes_, state_[id.slot()].size};
    }
    /// Of a live block: only its first `size` bytes count from now on.
    void shrink(Id id, std::uint32_t size) {
        VMSIG_ASSERT(live(id) && size <= state_[id.slot()].size);
        state_[id.slot()].size = size;
    }
    void retain(Id id) {
        if (live(id)) ++state_[id.slot()].references;
    }
    /// Drops one reference; an id that is not live changes nothing.
    void release(Id id) {
        if (!live(id)) return;
        state& s = state_[id.slot()];
        if (--s.references != 0) return;
        s.next_free = free_;
        free_ = static_cast<std::uint16_t>(id.slot() + 1);
        --in_use_;
    }

private:
    struct state {
        std::uint64_t generation = 0;
        std::uint32_t references = 0;
        std::uint32_t size = 0;
        std::uint16_t next_free = 0; ///< block + 1
    };

    std::uint32_t block_bytes_;
    std::uint16_t blocks_;
    std::uint16_t touched_ = 0;
    std::uint16_t free_ = 0; ///< block + 1
    std::uint16_t in_use_ = 0;
    std::unique_ptr<state[]> state_;
    std::unique_ptr<std::byte[]> bytes_;
};

} // namespace vmsig
