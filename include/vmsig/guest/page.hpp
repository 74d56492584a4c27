// guest_page: what a page walk finds, and what it asks of whoever reads the tables for it. The same
// for every architecture.
#pragma once

#include <concepts>
#include <cstdint>

#include <vmsig/base/bits.hpp>
#include <vmsig/guest/address.hpp>

namespace vmsig {

/// Copies the eight bytes at `gpa` to `value` in one read; false when it can not. It is asked only
/// for aligned addresses inside the region map.
template <class R>
concept gpa_reader = requires(R& reader, std::uint64_t gpa, std::uint64_t& value) {
    { reader.read_u64(gpa, value) } -> std::same_as<bool>;
};

/// Where a walk begins. Each half of the address space has a root of its own on aarch64 (TTBR0_EL1
/// and TTBR1_EL1), while CR3 is the one root of x86-64.
struct table_roots {
    std::uint64_t lower = 0;
    std::uint64_t upper = 0;
    std::uint64_t control = 0; ///< TCR_EL1, 0: the default of the walk

    constexpr table_roots(std::uint64_t either)
        : lower{either}
        , upper{either} {}
    constexpr table_roots(std::uint64_t low, std::uint64_t high, std::uint64_t tcr = 0)
        : lower{low}
        , upper{high}
        , control{tcr} {}
};

struct guest_page {
    std::uint64_t gpa = 0;  ///< of the byte asked for, not of the page's start
    std::uint64_t size = 0; ///< bytes: 4 KiB, 2 MiB or 1 GiB
    bool writable = false;
    bool user = false;
    bool executable = false;

    /// Bytes from `gpa` to the end of the page.
    constexpr std::uint64_t bytes_left() const { return size - (gpa & (size - 1)); }
    constexpr bool permits(mask<page_access> need) const {
        return (writable || !need.has(page_access::write)) &&
               (executable || !need.has(page_access::execute)) &&
               (user || !need.has(page_access::user)) &&
               (!user || !need.has(page_access::kernel_only));
    }
    friend constexpr bool operator==(const guest_page&, const guest_page&) = default;
};

} // namespace vmsig
