// memctx_locator: where a guest's memory is and how its addresses translate, all of one epoch.
// Plain data: it holds no descriptor and gives no right.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include <vmsig/base/counter.hpp>
#include <vmsig/base/ids.hpp>
#include <vmsig/base/time.hpp>

namespace vmsig {

inline constexpr std::uint32_t max_ram_regions = 16;
inline constexpr std::uint32_t max_vcpu_roots = 64;
inline constexpr std::uint32_t max_ram_fds = 4;

/// How a virtual address becomes a physical one.
enum class paging_mode : std::uint8_t {
    none,           ///< no translation known: physical addresses only
    x86_64_4_level, ///< Intel SDM vol. 3A 4.5, CR4.LA57 = 0: 48-bit addresses
    x86_64_5_level, ///< CR4.LA57 = 1: 57-bit addresses
    aarch64_4k,     ///< Arm ARM D8: 4 KiB granule, TTBR0 and TTBR1
};

/// What stops the receiver of the descriptor from writing through it (weakest first).
enum class export_level : std::uint8_t {
    refused, ///< not exported
    weak,    ///< nothing: the host allowed it explicitly
    guarded, ///< inode mode and the receiver's uid forbid reopening for writing
    sealed,  ///< F_SEAL_FUTURE_WRITE with SHRINK, GROW and SEAL: nobody can, root included
};

/// A run of guest physical memory backed by a run of one descriptor. Bytes.
struct ram_region {
    std::uint64_t start = 0; ///< guest physical address
    std::uint64_t length = 0;
    std::uint64_t offset = 0; ///< in the descriptor
    std::uint32_t fd_index = 0;
    std::uint32_t reserved = 0;

    constexpr bool contains(std::uint64_t gpa) const { return gpa - start < length; }
    friend constexpr bool operator==(const ram_region&, const ram_region&) = default;
};

/// The page-table root of one vCPU (x86-64: CR3; aarch64: TTBR0 and TTBR1) when it was read.
struct address_space_root {
    std::uint64_t root = 0;
    std::uint64_t second_root = 0; ///< aarch64 TTBR1, else 0
    std::uint64_t control = 0;     ///< aarch64 TCR_EL1; 0: 48-bit addresses in both halves
    instant taken;
    std::uint32_t vcpu = 0;
    std::uint32_t reserved = 0;
    friend constexpr bool operator==(const address_space_root&,
                                     const address_space_root&) = default;
};

struct memctx_locator {
    endpoint_id endpoint;
    epoch_number epoch;
    version_number version;
    paging_mode paging = paging_mode::none;
    export_level level = export_level::refused; ///< filled in by the core
    std::uint16_t region_count = 0;
    std::uint16_t root_count = 0;
    std::uint16_t fd_count = 0;
    std::uint32_t page_size = 4096;                         ///< bytes, of the smallest page
    std::array<ram_region, max_ram_regions> region_table{}; ///< by rising start, disjoint
    std::array<address_space_root, max_vcpu_roots> root_table{};

    constexpr std::span<const ram_region> regions() const {
        return {region_table.data(), region_count};
    }
    constexpr std::span<const address_space_root> roots() const {
        return {root_table.data(), root_count};
    }
    /// What goes with a root, or with one of two, that somebody named alone; 0 if it is not known.
    constexpr std::uint64_t control_of(std::uint64_t root) const {
        for (const address_space_root& r : roots())
            if (r.root == root || r.second_root == root) return r.control;
        return 0;
    }
    /// False when the table is full; nothing changes then.
    [[nodiscard]] constexpr bool add(const ram_region& region) {
        if (region_count == max_ram_regions) return false;
        region_table[region_count++] = region;
        return true;
    }
    [[nodiscard]] constexpr bool add(const address_space_root& root) {
        if (root_count == max_vcpu_roots) return false;
        root_table[root_count++] = root;
        return true;
    }
};

} // namespace vmsig
