// ram_image: guest RAM in a vector, with whatever regions a test wants, as the walk's reader.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include <vmsig/guest/region_map.hpp>

namespace vmsig::test {

inline constexpr std::uint64_t kib = 1024;
inline constexpr std::uint64_t mib = 1024 * kib;
inline constexpr std::uint64_t gib = 1024 * mib;

/// Regions are laid out one after the other in one descriptor, index 0.
class ram_image {
public:
    struct extent {
        std::uint64_t start;
        std::uint64_t length;
    };
    explicit ram_image(std::vector<extent> extents) {
        std::uint64_t offset = 0;
        for (const extent e : extents) {
            regions_.push_back({.start = e.start, .length = e.length, .offset = offset});
            offset += e.length;
        }
        words_.resize(offset / 8);
    }

    region_map map() const { return region_map{regions_}; }
    std::span<const ram_region> regions() const { return regions_; }
    std::span<std::byte> bytes() { return std::as_writable_bytes(std::span{words_}); }
    std::span<std::uint64_t> words() { return words_; }

    std::uint64_t& word(std::uint64_t gpa) { return words_[map().find(gpa, 8).offset() / 8]; }
    bool read_u64(std::uint64_t gpa, std::uint64_t& value) {
        ++reads;
        const ram_piece piece = map().find(gpa, 8);
        if (piece.length != 8) return false;
        std::memcpy(&value, bytes().data() + piece.offset(), 8);
        return true;
    }

    unsigned reads = 0;

private:
    std::vector<ram_region> regions_;
    std::vector<std::uint64_t> words_;
};

} // namespace vmsig::test
