// The paging mode follows from CR0, EFER and CR4 (Intel SDM vol. 3A 4.1.1).
#include <vmsig/kvm/registers.hpp>

#include "support/catch.hpp"

using vmsig::paging_mode;
using vmsig::kvm::registers;

TEST_CASE("only 64-bit mode with paging has a mode, and LA57 has five levels") {
    constexpr std::uint64_t pg = 0x8000'0001, lma = 0x500, pae = 0x20, la57 = 0x1020;
    CHECK(registers{}.paging() == paging_mode::none);
    CHECK(registers{.cr0 = pg, .cr4 = pae}.paging() == paging_mode::none);
    CHECK(registers{.cr0 = 1, .cr4 = pae, .efer = lma}.paging() == paging_mode::none);
    CHECK(registers{.cr0 = pg, .cr4 = pae, .efer = lma}.paging() == paging_mode::x86_64_4_level);
    CHECK(registers{.cr0 = pg, .cr4 = la57, .efer = lma}.paging() == paging_mode::x86_64_5_level);
}

TEST_CASE("the root is CR3 without its flags") {
    CHECK(registers{.cr3 = 0x8000'0000'0012'3fff}.root() == 0x12'3000);
}
