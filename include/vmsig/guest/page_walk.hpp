// The page-table walk: a guest virtual address to the physical one behind it, as an MMU would find
// it: of x86-64 with NXE set, 1 GiB pages and MAXPHYADDR 52 (Intel SDM vol. 3A, 4.5); of aarch64 as
// page_walk_aarch64.hpp says.
//
// The tables are the guest's, so they are hostile and they change under our eyes. The walk has a
// fixed depth of at most five loads whatever the tables say: loops and self maps are only tables
// read twice. Each entry is copied once and judged by that copy. The address of every table and of
// the result is checked against the RAM regions before it is used. No state, no cache, no TLB: an
// answer is true of the moment it was given.
#pragma once

#include <cstdint>

#include <vmsig/base/bits.hpp>
#include <vmsig/guest/address.hpp>
#include <vmsig/guest/error.hpp>
#include <vmsig/guest/page.hpp>
#include <vmsig/guest/page_walk_aarch64.hpp>
#include <vmsig/guest/region_map.hpp>

namespace vmsig {

/// Bits of a paging-structure entry (Intel SDM vol. 3A, tables 4-14 to 4-20).
namespace page_entry {
inline constexpr std::uint64_t present = bit(0);
inline constexpr std::uint64_t writable = bit(1);
inline constexpr std::uint64_t user = bit(2);
inline constexpr std::uint64_t large = bit(7); ///< PS in levels 5 to 2; PAT in level 1
inline constexpr std::uint64_t no_execute = bit(63);
inline constexpr std::uint64_t address = 0x000f'ffff'ffff'f000;
inline constexpr std::uint64_t large_pat = bit(12);
} // namespace page_entry

/// 5 for PML5 down to 1 for a page table: the lowest virtual bit that the level's index covers.
constexpr unsigned paging_shift(unsigned level) { return 12 + 9 * (level - 1); }

/// 0 for all but x86-64.
constexpr unsigned paging_levels(paging_mode paging) {
    if (paging == paging_mode::x86_64_4_level) return 4;
    return paging == paging_mode::x86_64_5_level ? 5 : 0;
}

/// Whether all bits above the highest translated one equal it.
constexpr bool is_canonical(std::uint64_t va, unsigned levels) {
    const std::uint64_t above = va >> (paging_shift(levels + 1) - 1);
    return above == 0 || above == ~std::uint64_t{0} >> (paging_shift(levels + 1) - 1);
}

/// Of a present entry.
constexpr bool sets_reserved_bits(std::uint64_t entry, unsigned level) {
    if (level == 1 || !(entry & page_entry::large)) return false;
    const std::uint64_t below = page_entry::address & (bit(paging_shift(level)) - 1);
    return level > 3 || (entry & below & ~page_entry::large_pat) != 0;
}

/// Translates one address: at most five reads. x86-64 has one root, `roots.lower`. The error
/// carries the level that refused.
template <gpa_reader Reader>
constexpr expected<guest_page, guest_error>
walk_page(Reader& reader, const region_map& ram, paging_mode paging, table_roots roots,
          std::uint64_t va, mask<page_access> need = {}) {
    if (paging == paging_mode::aarch64_4k)
        return walk_aarch64(reader, ram,
                            roots.control != 0 ? aarch64_control{roots.control} : aarch64_control{},
                            roots, va, need);
    const unsigned levels = paging_levels(paging);
    if (levels == 0) return guest_failure(guest_fault::unsupported_paging);
    if (!is_canonical(va, levels)) return guest_failure(guest_fault::not_canonical);

    std::uint64_t entry = roots.lower;
    std::uint64_t every = ~std::uint64_t{0}; // set in every entry
    std::uint64_t any = 0;                   // set in some entry
    unsigned level = levels;
    for (;; --level) {
        const std::uint64_t index = va >> paging_shift(level) & 511;
        const std::uint64_t at = (entry & page_entry::address) + index * sizeof entry;
        if (!ram.contains(at, sizeof entry)) return guest_failure(guest_fault::outside_ram, level);
        if (!reader.read_u64(at, entry)) return guest_failure(guest_fault::unreadable, level);
        if (!(entry & page_entry::present)) return guest_failure(guest_fault::not_present, level);
        if (sets_reserved_bits(entry, level))
            return guest_failure(guest_fault::reserved_bits, level);
        every &= entry;
        any |= entry;
        if (level == 1 || (entry & page_entry::large)) break;
    }

    const std::uint64_t size = bit(paging_shift(level));
    const guest_page page{.gpa = (entry & page_entry::address & ~(size - 1)) | (va & (size - 1)),
                          .size = size,
                          .writable = (every & page_entry::writable) != 0,
                          .user = (every & page_entry::user) != 0,
                          .executable = (any & page_entry::no_execute) == 0};
    if (!page.permits(need)) return guest_failure(guest_fault::not_permitted, level);
    if (!ram.contains(page.gpa, 1)) return guest_failure(guest_fault::outside_ram);
    return page;
}

} // namespace vmsig
