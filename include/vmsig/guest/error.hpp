// guest_error: why a range of guest memory could not be read, translated or written. One type for
// the whole module, so that a sensor or a memory writer hands it on without a translation of its
// own. Not for opening a view or exporting a descriptor: those have errors of their own.
#pragma once

#include <cstdint>

#include <vmsig/base/expected.hpp>
#include <vmsig/base/os_error.hpp>

namespace vmsig {

enum class guest_fault : std::uint8_t {
    outside_ram,        ///< some byte, or a page table, lies in no RAM region
    unsupported_paging, ///< a virtual address, and no translation is known for this guest
    not_canonical,      ///< the virtual range is not canonical, or wraps at 2^64
    not_present,        ///< a table entry is not present
    reserved_bits,      ///< a present entry sets a bit that must be zero
    not_permitted,      ///< the page lacks an access that the caller named
    truncated,          ///< the descriptor holds less than its region says
    unreadable,         ///< the system refused the read: `code`
    bad_length,         ///< 0, beyond the limit, or not 1, 2, 4 or 8 for an atomic store
    misaligned,         ///< an atomic store needs natural alignment
    mismatch,           ///< memory did not hold the expected bytes
};

struct guest_error {
    guest_fault fault{};
    std::uint8_t level = 0; ///< paging level of the entry: 5 (PML5) to 1 (page table); 0: none
    int code = 0;           ///< errno of `unreadable`, else 0

    /// Only for `unreadable`: the one system call here is pread.
    constexpr os_error cause() const { return {code, "pread"}; }
    friend constexpr bool operator==(const guest_error&, const guest_error&) = default;
};

constexpr unexpected<guest_error> guest_failure(guest_fault fault, unsigned level = 0) {
    return unexpected<guest_error>{guest_error{fault, static_cast<std::uint8_t>(level), 0}};
}

} // namespace vmsig
