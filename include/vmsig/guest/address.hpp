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
    write,       ///< R/W is set at every level; aarch64: AP[2] is clear
    execute,     ///< NX is clear at every level; aarch64: UXN of a user's page, else PXN
    user,        ///< U/S is set at every level; aarch64: AP[1] is set
    kernel_only, ///< U/S is clear at some level
};

struct virtual_address {
    std::uint64_t value = 0;
    friend constexpr bool operator==(virtual_address, virtual_address) = default;
};

struct guest_address {
    std::uint64_t value = 0;
    /// As read from the vCPU: CR3 or TTBR0_EL1; PCID, ASID and other bits are masked off.
    std::uint64_t root = 0;
    std::uint64_t second_root = 0; ///< TTBR1_EL1: aarch64's upper half
    std::uint64_t control = 0;     ///< TCR_EL1: aarch64; 0: 48-bit addresses
    bool is_virtual = false;
    mask<page_access> need; ///< of every page of a virtual range

    constexpr guest_address() = default;
    constexpr guest_address(std::uint64_t gpa)
        : value{gpa} {}
    /// Under this root, whichever half of the address space `va` is in.
    constexpr guest_address(virtual_address va, std::uint64_t either_root,
                            mask<page_access> access = {})
        : value{va.value}
        , root{either_root}
        , second_root{either_root}
        , is_virtual{true}
        , need{access} {}
    constexpr guest_address(virtual_address va, const address_space_root& vcpu,
                            mask<page_access> access = {})
        : value{va.value}
        , root{vcpu.root}
        , second_root{vcpu.second_root}
        , control{vcpu.control}
        , is_virtual{true}
        , need{access} {}

    /// As a command names it: virtual under `root`, or physical where that is 0. `tcr`: what goes
    /// with that root, as `memctx_locator::control_of` says.
    static constexpr guest_address of(std::uint64_t address, std::uint64_t root,
                                      std::uint64_t tcr = 0) {
        if (root == 0) return {address};
        guest_address a{virtual_address{address}, root};
        a.control = tcr;
        return a;
    }
};

} // namespace vmsig
