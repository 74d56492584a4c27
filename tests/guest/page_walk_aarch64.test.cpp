// An aarch64 walk goes the way of the Arm ARM, level by level, in at most four reads whatever the
// tables say, and agrees with a reference.
#include <vmsig/guest/page_walk_aarch64.hpp>

#include <array>
#include <map>
#include <random>

#include <fuzz/reference_walk.hpp>
#include <support/catch.hpp>

#include "ram_image.hpp"
#include <vmsig/guest/page_walk.hpp>

namespace {

using namespace vmsig;
using namespace vmsig::test;
namespace d = aarch64_entry;

constexpr std::uint64_t table = d::valid | d::table; // 0b11: also a page of the last level
constexpr std::uint64_t leaf = table | d::accessed;
constexpr std::uint64_t block = d::valid | d::accessed;
constexpr std::uint64_t upper = 0xffff'0000'0000'0000;
constexpr table_roots roots{0x1000, 0x6000};
constexpr auto default_tcr = aarch64_control::default_tcr;

// 64 pages of RAM, the upper half above a hole.
ram_image holed() { return ram_image{{{0, 32 * 4 * kib}, {64 * 4 * kib, 32 * 4 * kib}}}; }

// Tables of the lower half at 1, 2, 3 and 4 * 4 KiB, and the page of address 0 at 5 * 4 KiB; the
// upper half has a table at 6 * 4 KiB and shares the others.
ram_image one_page(std::uint64_t last = 0x5000 | leaf) {
    ram_image ram = holed();
    ram.word(0x1000) = ram.word(0x6008) = 0x2000 | table;
    ram.word(0x2000) = 0x3000 | table;
    ram.word(0x3000) = 0x4000 | table;
    ram.word(0x4000) = last;
    return ram;
}

expected<guest_page, guest_error> walk(ram_image& ram, std::uint64_t va,
                                       mask<page_access> need = {},
                                       std::uint64_t tcr = default_tcr) {
    ram.reads = 0;
    return walk_aarch64(ram, ram.map(), aarch64_control{tcr}, roots, va, need);
}

guest_error error_of(const expected<guest_page, guest_error>& result) {
    REQUIRE_FALSE(result);
    return result.error();
}

constexpr guest_error at_level(guest_fault fault, unsigned level) {
    return {fault, static_cast<std::uint8_t>(level), 0};
}

/// T0SZ and T1SZ for so many bits.
constexpr std::uint64_t bits_wide(std::uint64_t bits) {
    return (default_tcr & ~std::uint64_t{63 | 63 << 16}) | (64 - bits) | (64 - bits) << 16;
}

} // namespace

TEST_CASE("aarch64: a mapped page is found under the root of its half") {
    ram_image ram = one_page();
    const guest_page page{0x5123, 4 * kib, true, false, true};
    CHECK(walk(ram, 0x123) == page);
    CHECK(ram.reads == 4);
    CHECK(walk(ram, upper | bit(39) | 0x123) == page);
    CHECK(error_of(walk(ram, upper | 0x123)) == at_level(guest_fault::not_present, 4));
    CHECK(error_of(walk(ram, bit(39) | 0x123)) == at_level(guest_fault::not_present, 4));
    // ASID and CnP are no part of the address.
    const table_roots dirty{roots.lower | bit(48) | bit(63) | 1, 0};
    CHECK(walk_aarch64(ram, ram.map(), {}, dirty, 0x123) == page);
    CHECK(walk_page(ram, ram.map(), paging_mode::aarch64_4k, roots, 0x123) == page);
}

TEST_CASE("aarch64: blocks of 2 MiB and 1 GiB end the walk, and their low bits are ignored") {
    ram_image ram = one_page();
    ram.word(0x3000) = block | bit(12) | bit(16) | bit(20);
    CHECK(walk(ram, 0x1234) == guest_page{0x1234, 2 * mib, true, false, true});
    CHECK(ram.reads == 3);
    ram.word(0x2000) = block | bit(21) | bit(29);
    CHECK(walk(ram, 0x1234) == guest_page{0x1234, 1 * gib, true, false, true});
    CHECK(ram.reads == 2);
}

TEST_CASE(
    "aarch64: an invalid entry is absent at its level, a block where there are none reserved") {
    for (const unsigned level : {4U, 3U, 2U, 1U}) {
        ram_image ram = one_page();
        const std::uint64_t at = (5 - level) * 0x1000;
        ram.word(at) = ~d::valid; // nothing else of it counts
        CHECK(error_of(walk(ram, 0)) == at_level(guest_fault::not_present, level));
        ram.word(at) = block;
        const bool reserved = level == 4 || level == 1;
        CHECK(walk(ram, 0).has_value() == !reserved);
        if (reserved) CHECK(error_of(walk(ram, 0)) == at_level(guest_fault::reserved_bits, level));
    }
}

TEST_CASE("aarch64: bits above the output address, hints and what software may use are ignored") {
    const std::uint64_t ignored = bit(49) | bit(48) | bit(50) | bit(51) | bit(52) | bit(55) |
                                  bit(58) | bit(63) | bit(11) | bit(9) | bit(8) | bit(5) | bit(2);
    ram_image ram = one_page(0x5000 | leaf | ignored);
    ram.word(0x1000) |= bit(48) | bit(50) | bit(51) | bit(58) | 0xffc;
    CHECK(walk(ram, 0x123) == guest_page{0x5123, 4 * kib, true, false, true});
}

TEST_CASE("aarch64: bits above the translated ones all equal bit 55") {
    ram_image ram = one_page();
    ram.word(0x1000 + 511 * 8) = ram.word(0x6000) = ram.word(0x6000 + 511 * 8) = 0x2000 | table;
    CHECK(walk(ram, bit(48) - bit(39)));
    CHECK(walk(ram, upper));
    CHECK(walk(ram, ~(bit(39) - 1)));
    for (const std::uint64_t va :
         {bit(48), bit(55), bit(56), bit(63), upper << 1, ~bit(63), ~bit(48)}) {
        CHECK(error_of(walk(ram, va)) == at_level(guest_fault::not_canonical, 0));
        CHECK(ram.reads == 0);
    }
    // With TBI0 and TBI1 the top byte is a tag.
    const std::uint64_t tagged = default_tcr | bit(37) | bit(38);
    CHECK(walk(ram, std::uint64_t{0xa5} << 56 | 0x123, {}, tagged)->gpa == 0x5123);
    CHECK(walk(ram, upper ^ std::uint64_t{0xa5} << 56, {}, tagged)->gpa == 0x5000);
    CHECK(error_of(walk(ram, std::uint64_t{0xa5} << 56, {}, default_tcr | bit(38))).fault ==
          guest_fault::not_canonical);
    CHECK(error_of(walk(ram, bit(55), {}, tagged)).fault == guest_fault::not_canonical);
}

TEST_CASE("aarch64: T0SZ and T1SZ give the first level and the size of its table") {
    ram_image ram = one_page();
    const auto gpa = [&](std::uint64_t bits, std::uint64_t va, table_roots from) {
        ram.reads = 0;
        const auto found = walk_aarch64(ram, ram.map(), {bits_wide(bits)}, from, va);
        return found ? found->gpa : found.error().level;
    };
    CHECK(gpa(39, 0x123, 0x2000) == 0x5123);
    CHECK(ram.reads == 3);
    CHECK(gpa(40, 0x123, 0x1000) == 0x5123);
    CHECK(ram.reads == 4);
    CHECK(gpa(30, 0x123, 0x3000) == 0x5123);
    CHECK(ram.reads == 2);
    CHECK(gpa(31, 0x123, 0x2000) == 0x5123);
    CHECK(gpa(25, 0x123, 0x3000) == 0x5123);
    // 25 bits: 16 entries of 2 MiB, in a table that is aligned to its 128 bytes.
    ram.word(0x3080 + 15 * 8) = 0x4000 | table;
    CHECK(gpa(25, 15 * 2 * mib, 0x3080) == 0x5000);
    CHECK(gpa(25, 15 * 2 * mib, 0x30ff) == 0x5000);
    CHECK(gpa(25, ~(2 * mib - 1), {0, 0x3080}) == 0x5000);
    CHECK(ram.reads == 2);
    CHECK(error_of(walk(ram, bit(25), {}, bits_wide(25))).fault == guest_fault::not_canonical);
    CHECK(error_of(walk(ram, bit(39), {}, bits_wide(39))).fault == guest_fault::not_canonical);
}

TEST_CASE("aarch64: what the walk cannot follow is unsupported, in the half that it concerns") {
    ram_image ram = one_page();
    const auto unsupported = at_level(guest_fault::unsupported_paging, 0);
    CHECK(error_of(walk(ram, 0, {}, bits_wide(49))) == unsupported);
    CHECK(error_of(walk(ram, 0, {}, bits_wide(24))) == unsupported);
    CHECK(error_of(walk(ram, 0, {}, default_tcr | bit(59))) == unsupported); // LPA2
    CHECK(error_of(walk(ram, 0, {}, default_tcr | bit(14))) == unsupported); // TG0: 64 KiB
    CHECK(walk(ram, upper | bit(39), {}, default_tcr | bit(14)));
    CHECK(error_of(walk(ram, upper | bit(39), {}, default_tcr | bit(30))) == unsupported);
    CHECK(walk(ram, 0, {}, default_tcr | bit(30)));
    // EPD0, EPD1: no walk is done.
    CHECK(error_of(walk(ram, 0, {}, default_tcr | bit(7))) ==
          at_level(guest_fault::not_present, 4));
    CHECK(ram.reads == 0);
    CHECK(walk(ram, upper | bit(39), {}, default_tcr | bit(7)));
    CHECK(error_of(walk(ram, upper | bit(39), {}, default_tcr | bit(23))).fault ==
          guest_fault::not_present);
}

TEST_CASE("aarch64: AP says who may access and write, and tables take away") {
    ram_image ram = one_page(0x5000 | leaf | d::user | d::read_only | d::user_no_execute);
    CHECK(walk(ram, 0) == guest_page{0x5000, 4 * kib, false, true, false});
    for (const page_access need :
         {page_access::write, page_access::execute, page_access::kernel_only})
        CHECK(error_of(walk(ram, 0, need)) == at_level(guest_fault::not_permitted, 1));
    CHECK(walk(ram, 0, page_access::user));

    ram = one_page(0x5000 | leaf | d::user);
    CHECK(walk(ram, 0) == guest_page{0x5000, 4 * kib, true, true, true});
    ram.word(0x1000) |= d::table_read_only; // one level is enough to deny
    CHECK(walk(ram, 0) == guest_page{0x5000, 4 * kib, false, true, true});
    ram.word(0x2000) |= d::table_user_no_execute;
    CHECK(walk(ram, 0) == guest_page{0x5000, 4 * kib, false, true, false});
    ram.word(0x3000) |= d::table_no_user; // it is EL1's then, and EL1 may execute it
    CHECK(walk(ram, 0) == guest_page{0x5000, 4 * kib, false, false, true});
    ram.word(0x3000) |= d::table_kernel_no_execute;
    CHECK(walk(ram, 0) == guest_page{0x5000, 4 * kib, false, false, false});
    // HPD0: what tables say does not count.
    CHECK(walk(ram, 0, {}, default_tcr | bit(41)) == guest_page{0x5000, 4 * kib, true, true, true});
    CHECK(walk(ram, 0, {}, default_tcr | bit(42))->user == false);

    ram = one_page(0x5000 | leaf | d::kernel_no_execute);
    CHECK(error_of(walk(ram, 0, page_access::execute)).fault == guest_fault::not_permitted);
    ram = one_page(0x5000 | leaf | d::user_no_execute);
    CHECK(walk(ram, 0, page_access::execute));
}

TEST_CASE("aarch64: an old page is mapped, unless nobody would mark it accessed") {
    ram_image ram = one_page(0x5000 | table);
    CHECK(walk(ram, 0)->gpa == 0x5000);
    const std::uint64_t by_software = default_tcr & ~bit(39);
    CHECK(error_of(walk(ram, 0, {}, by_software)) == at_level(guest_fault::not_present, 1));
    ram.word(0x3000) = d::valid; // a block of 2 MiB
    CHECK(error_of(walk(ram, 0, {}, by_software)) == at_level(guest_fault::not_present, 2));
    ram.word(0x3000) |= d::accessed;
    CHECK(walk(ram, 0, {}, by_software)->size == 2 * mib);
}

TEST_CASE("aarch64: a table or a page outside RAM is an error, a hole included") {
    ram_image ram = one_page(40 * 4 * kib | leaf); // in the hole
    CHECK(error_of(walk(ram, 0)) == at_level(guest_fault::outside_ram, 0));
    for (const std::uint64_t away : {40 * 4 * kib, 96 * 4 * kib, d::address}) {
        ram = one_page();
        ram.word(0x2000) = away | table;
        CHECK(error_of(walk(ram, 0)) == at_level(guest_fault::outside_ram, 2));
        CHECK(ram.reads == 2);
        CHECK(error_of(walk_aarch64(ram, ram.map(), {}, away, 0)) ==
              at_level(guest_fault::outside_ram, 4));
    }
}

TEST_CASE("aarch64: a table that is its own entry is read once per level and no more") {
    ram_image ram = holed();
    ram.word(0x1000) = 0x1000 | leaf;
    CHECK(walk(ram, 0x123)->gpa == 0x1123);
    CHECK(ram.reads == 4);
}

TEST_CASE("aarch64: a reader that fails ends the walk at that level") {
    struct failing {
        bool read_u64(std::uint64_t, std::uint64_t&) { return false; }
    } reader;
    const ram_image ram = holed();
    CHECK(error_of(walk_aarch64(reader, ram.map(), {}, 0x1000, 0)) ==
          at_level(guest_fault::unreadable, 4));
}

TEST_CASE("aarch64: each entry is copied once, a second read that differs is never made") {
    struct mutating {
        ram_image& ram;
        std::map<std::uint64_t, int> reads;
        bool read_u64(std::uint64_t gpa, std::uint64_t& value) {
            ++reads[gpa];
            const bool ok = ram.read_u64(gpa, value);
            ram.word(gpa) = d::address | block; // now it maps elsewhere
            return ok;
        }
    };
    ram_image ram = one_page();
    mutating reader{ram, {}};
    CHECK(walk_aarch64(reader, ram.map(), {}, roots, 0x123) ==
          guest_page{0x5123, 4 * kib, true, false, true});
    CHECK(reader.reads.size() == 4);
    for (const auto& [gpa, count] : reader.reads) CHECK(count == 1);
}

TEST_CASE("aarch64: the walk agrees with the reference on random garbage, within four reads") {
    struct image {
        ram_image& ram;
        expected<std::uint64_t, guest_fault> entry(std::uint64_t gpa) {
            if (!has(gpa)) return unexpected<guest_fault>{guest_fault::outside_ram};
            return ram.word(gpa);
        }
        bool has(std::uint64_t gpa) const { return ram.map().contains(gpa, 1); }
    };
    std::mt19937_64 random{44};
    std::array<int, 16> seen{};
    int wrong = 0;
    for (int garbage = 0; garbage < 60; ++garbage) {
        ram_image ram = holed();
        for (std::uint64_t& word : ram.words()) {
            const std::uint64_t frame = random() % 40; // some tables, some of the hole
            word = (random() & 0xffff'0000'0000'0ffc) | frame << 12;
            word |= random() % 8 ? (random() % 4 ? table : d::valid) : 0;
            if (random() % 4 == 0) word = random() | 1;            // anywhere
            if (random() % 4 == 0) word &= ~(1 * gib - 1) | 0xfff; // aligned, if large
        }
        for (int i = 0; i < 1000; ++i) {
            std::uint64_t tcr = random() % 2 ? default_tcr : bits_wide(25 + random() % 24);
            tcr ^= random() & random() & (bit(37) | bit(38) | bit(39) | bit(41) | bit(42));
            const table_roots from{random() % 36 << 12 | (random() & 0xfff), random() % 36 << 12};
            const auto narrow = static_cast<std::int64_t>(random() << 16) >> (16 + random() % 23);
            const std::uint64_t va = random() % 8 ? static_cast<std::uint64_t>(narrow) : random();
            const auto need = random() % 4 ? mask<page_access>{} : page_access::write;
            image memory{ram};
            const auto wanted =
                fuzz::arm_reference{memory, va, need, tcr}.run(from.lower, from.upper);
            ram.reads = 0;
            const auto found = walk_aarch64(ram, ram.map(), {tcr}, from, va, need);
            wrong += found != wanted || ram.reads > 4;
            ++seen[found ? 15 : static_cast<std::size_t>(found.error().fault)];
        }
    }
    CHECK(wrong == 0);
    // The garbage was of every kind.
    CHECK(seen[15] > 1000);
    for (const auto fault :
         {guest_fault::outside_ram, guest_fault::not_canonical, guest_fault::not_present,
          guest_fault::reserved_bits, guest_fault::not_permitted})
        CHECK(seen[static_cast<std::size_t>(fault)] > 1000);
}
