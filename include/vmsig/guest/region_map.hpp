// region_map: which descriptor, and where in it, backs a guest physical address. A view of a region
// list, not a copy of it: 16 regions at most, so a scan in order beats any tree.
//
// Every address that a guest can influence goes through here, and the arithmetic is closed under
// hostile input: a range is never summed into an end that could wrap, and a region may reach up to
// the last byte below 2^64. Regions begin, end and sit in their descriptor at multiples of 4 KiB
// (KVM_SET_USER_MEMORY_REGION asks for the same), therefore a page table, a table entry and a
// naturally aligned word never straddle two regions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include <vmsig/base/assert.hpp>
#include <vmsig/base/expected.hpp>
#include <vmsig/memctx/locator.hpp>

namespace vmsig {

inline constexpr std::uint64_t ram_granule_bytes = 4096;

enum class region_fault : std::uint8_t {
    too_many,       ///< more than `max_ram_regions`
    empty,          ///< a length of zero
    misaligned,     ///< start, length or offset is no multiple of 4 KiB
    wraps,          ///< past the end of physical addresses, or of file offsets
    unsorted,       ///< starts before the one before it
    overlaps,       ///< the one before it reaches into it
    bad_fd_index,   ///< names a descriptor that is not there
    beyond_backing, ///< reaches past the end of its mapping
};

/// Whether a list is fit for a region_map: by rising start, disjoint, none empty, none wrapping.
/// Two regions may show the same bytes of a descriptor: aliases are real.
constexpr expected<void, region_fault> check_regions(std::span<const ram_region> regions,
                                                     std::uint32_t fd_count) {
    constexpr std::uint64_t last_offset = std::numeric_limits<std::int64_t>::max();
    if (regions.size() > max_ram_regions) return unexpected{region_fault::too_many};
    const ram_region* before = nullptr;
    for (const ram_region& r : regions) {
        if (r.length == 0) return unexpected{region_fault::empty};
        if ((r.start | r.length | r.offset) % ram_granule_bytes != 0)
            return unexpected{region_fault::misaligned};
        if (r.start + (r.length - 1) < r.start) return unexpected{region_fault::wraps};
        if (r.offset > last_offset || r.length > last_offset - r.offset)
            return unexpected{region_fault::wraps};
        if (before && r.start < before->start) return unexpected{region_fault::unsorted};
        if (before && before->contains(r.start)) return unexpected{region_fault::overlaps};
        if (r.fd_index >= fd_count) return unexpected{region_fault::bad_fd_index};
        before = &r;
    }
    return {};
}

/// The part of a range that lies in one region.
struct ram_piece {
    const ram_region* region = nullptr; ///< null: the address is in no region
    std::uint32_t index = 0;            ///< of the region in its list
    std::uint64_t into = 0;             ///< bytes from the region's start
    std::uint64_t length = 0;           ///< bytes, at most what was asked for

    constexpr explicit operator bool() const { return region != nullptr; }
    constexpr std::uint32_t fd_index() const { return region->fd_index; }
    constexpr std::uint64_t offset() const { return region->offset + into; }
};

class region_map {
public:
    constexpr region_map() = default;
    /// Borrows `regions`, which must satisfy check_regions and outlive the map.
    constexpr explicit region_map(std::span<const ram_region> regions)
        : regions_{regions} {}

    constexpr std::span<const ram_region> regions() const { return regions_; }

    /// Where the range begins, cut at the end of that region. Nothing when `length` is 0.
    constexpr ram_piece find(std::uint64_t gpa, std::uint64_t length) const {
        if (length == 0) return {};
        std::uint32_t index = 0;
        for (const ram_region& r : regions_) {
            const std::uint64_t into = gpa - r.start;
            if (into < r.length) {
                const std::uint64_t left = r.length - into;
                return {&r, index, into, left < length ? left : length};
            }
            ++index;
        }
        return {};
    }

    /// Whether all of the range is RAM; it may cross regions that touch. Nothing is in no RAM.
    constexpr bool contains(std::uint64_t gpa, std::uint64_t length) const {
        if (length == 0 || gpa + (length - 1) < gpa) return false;
        while (length != 0) {
            const ram_piece piece = find(gpa, length);
            if (!piece) return false;
            gpa += piece.length;
            length -= piece.length;
        }
        return true;
    }

    /// Calls `f(ram_piece)` for each part in order while it says true. The range must be contained.
    template <class F>
    constexpr bool for_each_piece(std::uint64_t gpa, std::uint64_t length, F&& f) const {
        while (length != 0) {
            const ram_piece piece = find(gpa, length);
            VMSIG_ASSERT(piece);
            if (!f(piece)) return false;
            gpa += piece.length;
            length -= piece.length;
        }
        return true;
    }

private:
    std::span<const ram_region> regions_;
};

} // namespace vmsig
