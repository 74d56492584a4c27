// The aarch64 page-table walk: stage 1 of the EL1&0 regime with the 4 KiB granule, as an MMU would
// do it that has neither FEAT_LPA2 nor FEAT_S1PIE. As much on guard as the x86-64 walk: at most
// four loads, each entry copied once, every address checked.
//
// Source: Arm ARM, DDI 0487 (I.a), D8.2 translation process, D8.3 descriptor formats, D8.4 memory
// access control, D8.5 hardware updates; TCR_EL1, TTBR0_EL1, TTBR1_EL1. Levels are counted here as
// on x86-64, so that an error reads the same: the Arm ARM's level 0 is 4, its level 3 is 1.
//
// What follows from there and is easily taken for a mistake: bits 49:48 of an entry and the low
// bits of a block's address are RES0 and ignored; a page that hardware would mark dirty at the
// first write (DBM) is read-only until then.
#pragma once

#include <cstdint>

#include <vmsig/base/bits.hpp>
#include <vmsig/guest/address.hpp>
#include <vmsig/guest/error.hpp>
#include <vmsig/guest/page.hpp>
#include <vmsig/guest/region_map.hpp>

namespace vmsig {

/// Bits of a translation table descriptor (Arm ARM D8.3.1, D8.3.2, D8.4.1).
namespace aarch64_entry {
inline constexpr std::uint64_t valid = bit(0);
inline constexpr std::uint64_t table = bit(1);              ///< a page in level 1; clear: a block
inline constexpr std::uint64_t user = bit(6);               ///< AP[1]: EL0 may access
inline constexpr std::uint64_t read_only = bit(7);          ///< AP[2]
inline constexpr std::uint64_t accessed = bit(10);          ///< AF
inline constexpr std::uint64_t kernel_no_execute = bit(53); ///< PXN
inline constexpr std::uint64_t user_no_execute = bit(54);   ///< UXN
inline constexpr std::uint64_t address = 0x0000'ffff'ffff'f000;
// Of tables: what they take from all pages below them.
inline constexpr std::uint64_t table_kernel_no_execute = bit(59);
inline constexpr std::uint64_t table_user_no_execute = bit(60);
inline constexpr std::uint64_t table_no_user = bit(61);
inline constexpr std::uint64_t table_read_only = bit(62);
} // namespace aarch64_entry

/// TCR_EL1, as read from the vCPU.
struct aarch64_control {
    /// T0SZ = T1SZ = 16: 48-bit addresses in both halves; TG0 and TG1: 4 KiB; HA.
    static constexpr std::uint64_t default_tcr = 16 | 16 << 16 | 2U << 30 | bit(39);

    std::uint64_t tcr = default_tcr;

    /// Bits that are translated: 25 to 48, else unsupported.
    constexpr unsigned address_bits(bool upper) const {
        return 64 - static_cast<unsigned>(tcr >> (upper ? 16 : 0) & 63);
    }
    constexpr bool granule_4k(bool upper) const {
        return upper ? (tcr >> 30 & 3) == 2 : (tcr >> 14 & 3) == 0;
    }
    /// EPDn: no table walk in this half.
    constexpr bool disabled(bool upper) const { return (tcr & bit(upper ? 23 : 7)) != 0; }
    /// TBIn: bits 63 to 56 are a tag.
    constexpr bool ignores_top_byte(bool upper) const { return (tcr & bit(upper ? 38 : 37)) != 0; }
    /// HPDn: tables take nothing from the pages below them.
    constexpr bool flat_permissions(bool upper) const { return (tcr & bit(upper ? 42 : 41)) != 0; }
    /// HA: the first access to an old page sets its access flag; else it faults.
    constexpr bool marks_accessed() const { return (tcr & bit(39)) != 0; }
    constexpr bool extended_addresses() const { return (tcr & bit(59)) != 0; } ///< DS
    constexpr bool supported(bool upper) const {
        const unsigned bits = address_bits(upper);
        return bits >= 25 && bits <= 48 && granule_4k(upper) && !extended_addresses();
    }
};

namespace detail {

/// Whether all bits above the translated ones equal bit 55, which picks the half.
constexpr bool is_aarch64_address(std::uint64_t va, unsigned bits, bool tagged) {
    const auto whole = static_cast<std::int64_t>(tagged ? va << 8 : va) >> (tagged ? 8 : 0);
    const bool upper = (va & bit(55)) != 0;
    return whole >> bits == (upper ? -1 : 0);
}

/// `denied` is what the tables above took away, as bits 59 to 62 of them.
constexpr guest_page aarch64_page(std::uint64_t entry, std::uint64_t denied, unsigned level,
                                  std::uint64_t va) {
    using namespace aarch64_entry;
    const std::uint64_t size = bit(12 + 9 * (level - 1));
    guest_page page;
    page.gpa = (entry & address & ~(size - 1)) | (va & (size - 1));
    page.size = size;
    page.writable = !(entry & read_only) && !(denied & table_read_only);
    page.user = (entry & user) && !(denied & table_no_user);
    page.executable = page.user
                          ? !(entry & user_no_execute) && !(denied & table_user_no_execute)
                          : !(entry & kernel_no_execute) && !(denied & table_kernel_no_execute);
    return page;
}

} // namespace detail

/// Translates one address: at most four reads. `executable` and page_access::execute mean the
/// exception level that a page belongs to: EL0 where it may access the page, else EL1; what EL0 may
/// only execute counts as EL1's. The error carries the level that refused.
template <gpa_reader Reader>
constexpr expected<guest_page, guest_error>
walk_aarch64(Reader& reader, const region_map& ram, aarch64_control control, table_roots roots,
             std::uint64_t va, mask<page_access> need = {}) {
    using namespace aarch64_entry;
    const bool upper = (va & bit(55)) != 0;
    if (!control.supported(upper)) return guest_failure(guest_fault::unsupported_paging);
    const unsigned bits = control.address_bits(upper);
    if (!detail::is_aarch64_address(va, bits, control.ignores_top_byte(upper)))
        return guest_failure(guest_fault::not_canonical);

    unsigned level = (bits - 12 + 8) / 9;
    if (control.disabled(upper)) return guest_failure(guest_fault::not_present, level);
    // The first table may be short, and then begins at a multiple of its size.
    unsigned shift = 12 + 9 * (level - 1);
    std::uint64_t indices = bit(bits - shift);
    std::uint64_t table_at =
        (upper ? roots.upper : roots.lower) & (bit(48) - 1) & ~(indices * 8 - 1);
    std::uint64_t denied = 0;
    for (;; --level, shift -= 9, indices = 512) {
        const std::uint64_t at = table_at + (va >> shift & (indices - 1)) * 8;
        std::uint64_t entry = 0;
        if (!ram.contains(at, sizeof entry)) return guest_failure(guest_fault::outside_ram, level);
        if (!reader.read_u64(at, entry)) return guest_failure(guest_fault::unreadable, level);
        if (!(entry & valid)) return guest_failure(guest_fault::not_present, level);
        const bool is_block = !(entry & table);
        if (is_block && (level == 4 || level == 1))
            return guest_failure(guest_fault::reserved_bits, level);
        if (!is_block && level != 1) {
            if (!control.flat_permissions(upper)) denied |= entry;
            table_at = entry & address;
            continue;
        }
        if (!(entry & accessed) && !control.marks_accessed())
            return guest_failure(guest_fault::not_present, level);
        const guest_page page = detail::aarch64_page(entry, denied, level, va);
        if (!page.permits(need)) return guest_failure(guest_fault::not_permitted, level);
        if (!ram.contains(page.gpa, 1)) return guest_failure(guest_fault::outside_ram);
        return page;
    }
}

} // namespace vmsig
