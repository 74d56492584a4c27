// The vCPU registers that say how addresses translate. Not a full register file.
#pragma once

#include <cstdint>

#include <vmsig/memctx/locator.hpp>

namespace vmsig::kvm {

struct registers {
    std::uint64_t cr0 = 0;
    std::uint64_t cr3 = 0; ///< root in bits 12 to 51 (Intel SDM vol. 3A 4.5); the rest are flags
    std::uint64_t cr4 = 0;
    std::uint64_t efer = 0;
    std::uint64_t incarnation = 0; ///< in which they were read; 0: never

    constexpr std::uint64_t root() const { return cr3 & 0x000f'ffff'ffff'f000; }
    /// `none` outside of 64-bit mode.
    constexpr paging_mode paging() const {
        constexpr std::uint64_t cr0_pg = std::uint64_t{1} << 31, efer_lma = 1 << 10, la57 = 1 << 12;
        if ((cr0 & cr0_pg) == 0 || (efer & efer_lma) == 0) return paging_mode::none;
        return (cr4 & la57) != 0 ? paging_mode::x86_64_5_level : paging_mode::x86_64_4_level;
    }
};

} // namespace vmsig::kvm
