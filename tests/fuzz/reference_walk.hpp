// Page walks written a second time, to compare: as a recursion that follows the manuals step by
// step, with their names and their numbering of bits and levels. They share nothing with the
// library's walks but the types of the answers.
//
// A `Memory` answers `expected<std::uint64_t, guest_fault> entry(gpa)`: the word of a table, or
// why it cannot be had (`outside_ram`, `unreadable`); and `bool has(gpa)`: that byte is RAM.
#pragma once

#include <cstdint>

#include <vmsig/guest/page.hpp>

#include <vmsig/guest/error.hpp>

namespace vmsig::fuzz {

using walk_result = expected<guest_page, guest_error>;

/// value<high:low>
constexpr std::uint64_t field(std::uint64_t value, int high, int low) {
    return value << (63 - high) >> (63 - high + low);
}
constexpr bool is_set(std::uint64_t value, int n) { return field(value, n, n) == 1; }
/// Whether all of value<high:low> is `one`.
constexpr bool all_equal(std::uint64_t value, int high, int low, bool one) {
    for (int n = low; n <= high; ++n)
        if (is_set(value, n) != one) return false;
    return true;
}
constexpr walk_result fault(guest_fault what, int level) {
    return unexpected<guest_error>{guest_error{what, static_cast<std::uint8_t>(level), 0}};
}
template <class Memory>
walk_result landed(Memory& memory, guest_page page, int level, mask<page_access> need) {
    const bool refused = (need.has(page_access::write) && !page.writable) ||
                         (need.has(page_access::execute) && !page.executable) ||
                         (need.has(page_access::user) && !page.user) ||
                         (need.has(page_access::kernel_only) && page.user);
    if (refused) return fault(guest_fault::not_permitted, level);
    if (!memory.has(page.gpa)) return fault(guest_fault::outside_ram, 0);
    return page;
}

/// Intel SDM vol. 3A, 4.5 and tables 4-14 to 4-20.
template <class Memory>
class x86_reference {
public:
    x86_reference(Memory& memory, std::uint64_t va, mask<page_access> need)
        : memory_{memory}
        , va_{va}
        , need_{need} {}

    walk_result run(int levels, std::uint64_t cr3) {
        const int top = levels == 5 ? 56 : 47;
        if (!all_equal(va_, 63, top, is_set(va_, top))) return fault(guest_fault::not_canonical, 0);
        return level(levels, field(cr3, 51, 12),
                     {.writable = true, .user = true, .executable = true});
    }

private:
    walk_result level(int n, std::uint64_t frame, guest_page so_far) {
        const int low = n * 9 + 3;
        const auto e = memory_.entry(frame * 4096 + field(va_, low + 8, low) * 8);
        if (!e) return fault(e.error(), n);
        if (!is_set(*e, 0)) return fault(guest_fault::not_present, n);
        so_far.writable &= is_set(*e, 1);
        so_far.user &= is_set(*e, 2);
        so_far.executable &= !is_set(*e, 63);
        if (n == 1) return page(*e, 1, so_far);
        if (!is_set(*e, 7)) return level(n - 1, field(*e, 51, 12), so_far);
        if (n >= 4 || !all_equal(*e, low - 1, 13, false))
            return fault(guest_fault::reserved_bits, n);
        return page(*e, n, so_far);
    }
    walk_result page(std::uint64_t e, int n, guest_page found) {
        const int low = n * 9 + 3;
        found.size = std::uint64_t{1} << low;
        found.gpa = field(e, 51, low) * found.size + field(va_, low - 1, 0);
        return landed(memory_, found, n, need_);
    }

    Memory& memory_;
    std::uint64_t va_;
    mask<page_access> need_;
};

/// Arm ARM DDI 0487, D8: stage 1, EL1&0, 4 KiB granule, 48-bit output addresses.
template <class Memory>
class arm_reference {
public:
    arm_reference(Memory& memory, std::uint64_t va, mask<page_access> need, std::uint64_t tcr)
        : memory_{memory}
        , va_{va}
        , need_{need}
        , tcr_{tcr} {}

    walk_result run(std::uint64_t ttbr0, std::uint64_t ttbr1) {
        high_ = is_set(va_, 55);
        const auto size_offset = static_cast<int>(high_ ? field(tcr_, 21, 16) : field(tcr_, 5, 0));
        const std::uint64_t granule = high_ ? field(tcr_, 31, 30) : field(tcr_, 15, 14);
        const bool four_k = granule == (high_ ? 0b10 : 0b00);
        if (size_offset < 16 || size_offset > 39 || !four_k || is_set(tcr_, 59))
            return fault(guest_fault::unsupported_paging, 0);
        const int input_size = 64 - size_offset;
        const bool tagged = is_set(tcr_, high_ ? 38 : 37);
        if (!all_equal(va_, tagged ? 55 : 63, input_size, high_))
            return fault(guest_fault::not_canonical, 0);
        int start = 3; // as many levels as the address needs, each of 9 bits, the last one of them
        while (39 - 9 * start + 9 < input_size) --start;
        if (is_set(tcr_, high_ ? 23 : 7)) return fault(guest_fault::not_present, 4 - start);
        const int bytes_log2 = input_size - (39 - 9 * start) + 3;
        const std::uint64_t base = field(high_ ? ttbr1 : ttbr0, 47, bytes_log2) << bytes_log2;
        return lookup(start, base, input_size - 1, {true, true, true, true});
    }

private:
    /// What the tables so far leave.
    struct left {
        bool write, el0, el0_execute, el1_execute;
    };

    walk_result lookup(int level, std::uint64_t base, int high, left allowed) {
        const int low = 39 - 9 * level;
        const auto d = memory_.entry(base + field(va_, high, low) * 8);
        if (!d) return fault(d.error(), 4 - level);
        switch (field(*d, 1, 0)) {
        case 0b01: break;
        case 0b11:
            if (level == 3) break;
            if (!is_set(tcr_, high_ ? 42 : 41)) {
                allowed.el0 &= !is_set(*d, 61);
                allowed.write &= !is_set(*d, 62);
                allowed.el0_execute &= !is_set(*d, 60);
                allowed.el1_execute &= !is_set(*d, 59);
            }
            return lookup(level + 1, field(*d, 47, 12) << 12, low - 1, allowed);
        default: return fault(guest_fault::not_present, 4 - level);
        }
        if (level == 0 || (level == 3 && field(*d, 1, 0) == 0b01))
            return fault(guest_fault::reserved_bits, 4 - level);
        if (!is_set(*d, 10) && !is_set(tcr_, 39)) return fault(guest_fault::not_present, 4 - level);
        guest_page page;
        page.size = std::uint64_t{1} << low;
        page.gpa = field(*d, 47, low) * page.size + field(va_, low - 1, 0);
        const std::uint64_t ap = field(*d, 7, 6);
        page.writable = (ap == 0b00 || ap == 0b01) && allowed.write;
        page.user = (ap == 0b01 || ap == 0b11) && allowed.el0;
        page.executable = page.user ? !is_set(*d, 54) && allowed.el0_execute
                                    : !is_set(*d, 53) && allowed.el1_execute;
        return landed(memory_, page, 4 - level, need_);
    }

    Memory& memory_;
    std::uint64_t va_;
    mask<page_access> need_;
    std::uint64_t tcr_;
    bool high_ = false;
};

} // namespace vmsig::fuzz
