// Sets of small numbers as one 64-bit word, and the loop over their members.
#pragma once

#include <bit>
#include <cstdint>

namespace vmsig {

constexpr std::uint64_t bit(unsigned n) { return std::uint64_t{1} << n; }
constexpr bool has_bit(std::uint64_t set, unsigned n) { return (set >> n & 1) != 0; }

/// Calls `f(n)` for each member, lowest first.
template <class F>
constexpr void for_each_bit(std::uint64_t set, F&& f) {
    for (; set != 0; set &= set - 1) f(static_cast<unsigned>(std::countr_zero(set)));
}

/// A bit set over an enum whose enumerators are bit positions.
template <class Enum>
struct mask {
    std::uint64_t bits = 0;

    constexpr mask() = default;
    constexpr mask(Enum e)
        : bits{bit(static_cast<unsigned>(e))} {}
    static constexpr mask all() { return of_bits(~std::uint64_t{0}); }
    static constexpr mask of_bits(std::uint64_t b) {
        mask m;
        m.bits = b;
        return m;
    }
    constexpr bool has(Enum e) const { return has_bit(bits, static_cast<unsigned>(e)); }
    constexpr bool any() const { return bits != 0; }
    constexpr bool contains(mask m) const { return (m.bits & ~bits) == 0; }
    friend constexpr mask operator|(mask a, mask b) { return of_bits(a.bits | b.bits); }
    friend constexpr mask operator&(mask a, mask b) { return of_bits(a.bits & b.bits); }
    friend constexpr mask operator~(mask a) { return of_bits(~a.bits); }
    friend constexpr bool operator==(mask, mask) = default;
};

} // namespace vmsig
