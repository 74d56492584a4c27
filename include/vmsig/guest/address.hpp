// guest_address: where in guest memory, as a caller names it: a physical address, or a virtual one
// under the page-table root of one vCPU. Not translated, not checked, and of no epoch.
#pragma once

#include <cstdint>

#include <vmsig/base/bits.hpp>
#include <vmsig/memctx/locator.hpp>

namespace vmsig {

/// What the page tables must allow for a translation to count. Nothing named means: as a hypervisor
/// sees memory, read-only and kernel pages included. Then a write can hit a page that the guest
/// shares copy-on-write; name `write` to exclude that.
enum class page_access : std::uint8_t {
    write,       ///< R/W is set at every level
    execute,     ///< NX is clear at every level
    user,        ///< U/S is set at every level
    kernel_only, ///< U/S is clear at some level
};

struct virtual_address {
    std::uint64_t value = 0;
    friend constexpr bool operator==(virtual_address, virtual_address) = default;
};

struct guest_address {
    std::uint64_t value = 0;
    std::uint64_t root = 0; ///< CR3 as read from the vCPU; PCID and other bits are masked off
    bool is_virtual = false;
    mask<page_access> need; ///< of every page of a virtual range

    constexpr guest_address() = default;
    constexpr guest_address(std::uint64_t gpa)
        : value{gpa} {}
    constexpr guest_address(virtual_address va, std::uint64_t cr3, mask<page_access> access = {})
        : value{va.value}
        , root{cr3}
        , is_virtual{true}
        , need{access} {}
    constexpr guest_address(virtual_address va, const address_space_root& vcpu,
                            mask<page_access> access = {})
        : guest_address{va, vcpu.root, access} {}

    /// As a command names it: virtual under `root`, or physical where that is 0.
    static constexpr guest_address of(std::uint64_t address, std::uint64_t root) {
        return root == 0 ? guest_address{address} : guest_address{virtual_address{address}, root};
    }
};

} // namespace vmsig
