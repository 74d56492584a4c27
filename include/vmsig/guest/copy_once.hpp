// copy_once: bytes out of memory that a guest may change at any time. A plain memcpy would let the
// compiler read the source again later, and so judge one value and use another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace vmsig {

/// One naturally aligned word in one load.
template <class Word>
Word load_once(const std::byte* from) {
    return __atomic_load_n(reinterpret_cast<const Word*>(from), __ATOMIC_ACQUIRE);
}

/// After it returns the source is not read again. 1, 2, 4 or 8 bytes, naturally aligned, are one
/// load; longer ranges can mix what was there before and after a guest's store.
inline void copy_once(std::byte* to, const std::byte* from, std::size_t length) {
    const auto copy_word = [&](auto word) {
        word = load_once<decltype(word)>(from);
        std::memcpy(to, &word, sizeof word);
    };
    const bool aligned = (reinterpret_cast<std::uintptr_t>(from) & (length - 1)) == 0;
    if (aligned && length == 8) return copy_word(std::uint64_t{});
    if (aligned && length == 4) return copy_word(std::uint32_t{});
    if (aligned && length == 2) return copy_word(std::uint16_t{});
    if (length == 1) return copy_word(std::uint8_t{});
    if (length == 0) return;
    std::memcpy(to, from, length);
    asm volatile("" : : "r"(to) : "memory"); // what follows reads the copy, not the source
}

} // namespace vmsig
