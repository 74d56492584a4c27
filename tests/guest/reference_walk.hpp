// A second page walk, written from the tables of the Intel SDM (vol. 3A, 4.5) as a recursion over
// named entry formats. It shares nothing with the library's but the result types, to compare.
#pragma once

#include <cstdint>
#include <optional>

#include "ram_image.hpp"
#include <vmsig/guest/page_walk.hpp>

namespace vmsig::test {

class reference_walk {
public:
    explicit reference_walk(ram_image& ram)
        : ram_{ram} {}

    expected<guest_page, guest_error> operator()(int levels, std::uint64_t cr3, std::uint64_t va) {
        const int top = levels == 5 ? 56 : 47;
        for (int n = top; n < 64; ++n)
            if (digit(va, n, n) != digit(va, top, top)) return fail(guest_fault::not_canonical, 0);
        rights all{true, true, true};
        return descend(levels, digit(cr3, 51, 12) * 4096, va, all);
    }

private:
    struct rights {
        bool write, user, execute;
    };

    static std::uint64_t digit(std::uint64_t value, int high, int low) {
        std::uint64_t out = 0;
        for (int n = high; n >= low; --n) out = out * 2 + ((value >> n) % 2);
        return out;
    }
    static unexpected<guest_error> fail(guest_fault fault, int level) {
        return unexpected<guest_error>{guest_error{fault, static_cast<std::uint8_t>(level), 0}};
    }
    std::optional<std::uint64_t> peek(std::uint64_t gpa) {
        for (const ram_region& r : ram_.regions()) {
            if (gpa >= r.start && gpa - r.start <= r.length - 8)
                return ram_.words()[(r.offset + gpa - r.start) / 8];
        }
        return std::nullopt;
    }

    expected<guest_page, guest_error> descend(int level, std::uint64_t table, std::uint64_t va,
                                              rights got) {
        static constexpr int low_bit[] = {0, 12, 21, 30, 39, 48};
        const int low = low_bit[level];
        const auto entry = peek(table + digit(va, low + 8, low) * 8);
        if (!entry) return fail(guest_fault::outside_ram, level);
        if (digit(*entry, 0, 0) == 0) return fail(guest_fault::not_present, level);
        const bool page_size_bit = digit(*entry, 7, 7) == 1;
        if (page_size_bit && level >= 4) return fail(guest_fault::reserved_bits, level);
        if (page_size_bit && level == 3 && digit(*entry, 29, 13) != 0)
            return fail(guest_fault::reserved_bits, level);
        if (page_size_bit && level == 2 && digit(*entry, 20, 13) != 0)
            return fail(guest_fault::reserved_bits, level);
        got.write = got.write && digit(*entry, 1, 1) == 1;
        got.user = got.user && digit(*entry, 2, 2) == 1;
        got.execute = got.execute && digit(*entry, 63, 63) == 0;
        if (level > 1 && !page_size_bit)
            return descend(level - 1, digit(*entry, 51, 12) * 4096, va, got);

        const std::uint64_t size = level == 1 ? 4 * kib : level == 2 ? 2 * mib : 1 * gib;
        const std::uint64_t gpa = digit(*entry, 51, low) * size + va % size;
        if (!peek(gpa / 8 * 8)) return fail(guest_fault::outside_ram, 0);
        return guest_page{gpa, size, got.write, got.user, got.execute};
    }

    ram_image& ram_;
};

} // namespace vmsig::test
