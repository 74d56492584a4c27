// A page walk ends after at most five reads whatever the tables say, and agrees with a reference.
#include <vmsig/guest/page_walk.hpp>

#include <array>
#include <map>
#include <random>

#include <support/catch.hpp>

#include "ram_image.hpp"
#include "reference_walk.hpp"

namespace {

using namespace vmsig;
using namespace vmsig::test;

constexpr auto four = paging_mode::x86_64_4_level;
constexpr auto five = paging_mode::x86_64_5_level;
constexpr std::uint64_t table_flags = page_entry::present | page_entry::writable | page_entry::user;

// 64 pages of RAM, the upper half above a hole.
ram_image holed() { return ram_image{{{0, 32 * 4 * kib}, {64 * 4 * kib, 32 * 4 * kib}}}; }

// Tables at 1, 2, 3 and 4 * 4 KiB, and the page of va 0 at 5 * 4 KiB.
ram_image one_page(std::uint64_t leaf = 0x5000 | table_flags) {
    ram_image ram = holed();
    ram.word(0x1000) = 0x2000 | table_flags;
    ram.word(0x2000) = 0x3000 | table_flags;
    ram.word(0x3000) = 0x4000 | table_flags;
    ram.word(0x4000) = leaf;
    return ram;
}

expected<guest_page, guest_error> walk(ram_image& ram, std::uint64_t root, std::uint64_t va,
                                       paging_mode paging = four, mask<page_access> need = {}) {
    ram.reads = 0;
    return walk_page(ram, ram.map(), paging, root, va, need);
}

guest_error error_of(const expected<guest_page, guest_error>& result) {
    REQUIRE_FALSE(result);
    return result.error();
}

constexpr guest_error at_level(guest_fault fault, std::uint8_t level) { return {fault, level, 0}; }

} // namespace

TEST_CASE("a mapped page is found, with the low bits of the root masked off") {
    ram_image ram = one_page();
    const guest_page page{0x5123, 4 * kib, true, true, true};
    CHECK(walk(ram, 0x1000, 0x123) == page);
    CHECK(ram.reads == 4);
    CHECK(walk(ram, 0x1fff, 0x123) == page); // PCID
    CHECK(walk(ram, 0x1000 | bit(63) | bit(61), 0x123) == page);
    CHECK(page.bytes_left() == 0x1000 - 0x123);
}

TEST_CASE("a fifth level is one more read") {
    ram_image ram = one_page();
    ram.word(0x6008) = 0x1000 | table_flags;
    CHECK(walk(ram, 0x6000, bit(48) + 0x123, five)->gpa == 0x5123);
    CHECK(ram.reads == 5);
    CHECK(error_of(walk(ram, 0x6000, 0, five)) == at_level(guest_fault::not_present, 5));
}

TEST_CASE("an absent entry is reported with its level") {
    for (const unsigned level : {4U, 3U, 2U, 1U}) {
        ram_image ram = one_page();
        ram.word((5 - level) * 0x1000) = ~page_entry::present; // nothing else of it counts
        CHECK(error_of(walk(ram, 0x1000, 0)) ==
              at_level(guest_fault::not_present, static_cast<std::uint8_t>(level)));
    }
}

TEST_CASE("addresses are canonical for their number of levels") {
    ram_image ram = one_page();
    ram.word(0x1000 + 255 * 8) = ram.word(0x1000 + 256 * 8) = 0x2000 | table_flags;
    CHECK(walk(ram, 0x1000, bit(47) - bit(39)));
    CHECK(walk(ram, 0x1000, ~(bit(47) - 1)));
    for (const std::uint64_t va : {bit(47), bit(48), bit(63), ~bit(63), ~(bit(48) - 1)}) {
        CHECK(error_of(walk(ram, 0x1000, va)) == at_level(guest_fault::not_canonical, 0));
        CHECK(ram.reads == 0);
    }
    CHECK(error_of(walk(ram, 0x1000, bit(56), five)).fault == guest_fault::not_canonical);
    CHECK(error_of(walk(ram, 0x1000, bit(47), five)).fault != guest_fault::not_canonical);
}

TEST_CASE("a large page in level 4 or 5 and a misaligned one set reserved bits") {
    ram_image ram = one_page();
    ram.word(0x1000) |= page_entry::large;
    CHECK(error_of(walk(ram, 0x1000, 0)) == at_level(guest_fault::reserved_bits, 4));
    ram.word(0x6000) = 0x1000 | table_flags | page_entry::large;
    CHECK(error_of(walk(ram, 0x6000, 0, five)) == at_level(guest_fault::reserved_bits, 5));

    ram = one_page();
    ram.word(0x3000) = bit(20) | table_flags | page_entry::large;
    CHECK(error_of(walk(ram, 0x1000, 0)) == at_level(guest_fault::reserved_bits, 2));
    ram.word(0x2000) = bit(29) | table_flags | page_entry::large;
    CHECK(error_of(walk(ram, 0x1000, 0)) == at_level(guest_fault::reserved_bits, 3));

    // PAT: bit 12 of a large entry, bit 7 of a small one.
    ram = one_page(0x5000 | table_flags | page_entry::large);
    CHECK(walk(ram, 0x1000, 0)->gpa == 0x5000);
    ram.word(0x3000) = page_entry::large_pat | table_flags | page_entry::large;
    CHECK(walk(ram, 0x1000, 0x1234) == guest_page{0x1234, 2 * mib, true, true, true});
    ram.word(0x2000) = page_entry::large_pat | table_flags | page_entry::large;
    CHECK(walk(ram, 0x1000, 0x1234) == guest_page{0x1234, 1 * gib, true, true, true});
}

TEST_CASE("a right is had if every level gives it, and asked for only if named") {
    const std::uint64_t read_only = 0x5000 | page_entry::present | page_entry::no_execute;
    ram_image ram = one_page(read_only);
    CHECK(walk(ram, 0x1000, 0) == guest_page{0x5000, 4 * kib, false, false, false});
    for (const page_access need : {page_access::write, page_access::execute, page_access::user})
        CHECK(error_of(walk(ram, 0x1000, 0, four, need)) ==
              at_level(guest_fault::not_permitted, 1));
    CHECK(walk(ram, 0x1000, 0, four, page_access::kernel_only));

    ram = one_page();
    CHECK(error_of(walk(ram, 0x1000, 0, four, page_access::kernel_only)).fault ==
          guest_fault::not_permitted);
    ram.word(0x1000) = 0x2000 | page_entry::present; // one level is enough to deny
    CHECK(error_of(walk(ram, 0x1000, 0, four, page_access::write)).fault ==
          guest_fault::not_permitted);
    ram.word(0x1000) = 0x2000 | table_flags | page_entry::no_execute;
    CHECK(walk(ram, 0x1000, 0, four, mask{page_access::write} | page_access::user));
    CHECK(error_of(walk(ram, 0x1000, 0, four, page_access::execute)).fault ==
          guest_fault::not_permitted);
}

TEST_CASE("a table or a page outside RAM is an error, a hole included") {
    ram_image ram = one_page(40 * 4 * kib | table_flags); // in the hole
    CHECK(error_of(walk(ram, 0x1000, 0)) == at_level(guest_fault::outside_ram, 0));
    for (const std::uint64_t away : {40 * 4 * kib, 96 * 4 * kib, page_entry::address}) {
        ram = one_page();
        ram.word(0x2000) = away | table_flags;
        CHECK(error_of(walk(ram, 0x1000, 0)) == at_level(guest_fault::outside_ram, 2));
        CHECK(ram.reads == 2);
        CHECK(error_of(walk(ram, away, 0)) == at_level(guest_fault::outside_ram, 4));
    }
}

TEST_CASE("a table that is its own entry is read once per level and no more") {
    ram_image ram = holed();
    ram.word(0x1000) = 0x1000 | table_flags;
    CHECK(walk(ram, 0x1000, 0x123)->gpa == 0x1123);
    CHECK(ram.reads == 4);
    CHECK(walk(ram, 0x1000, 0x123, five)->gpa == 0x1123);
    CHECK(ram.reads == 5);
}

TEST_CASE("a mode that the walk does not know is unsupported") {
    ram_image ram = one_page();
    for (const auto mode : {paging_mode::none, paging_mode{77}})
        CHECK(error_of(walk(ram, 0x1000, 0, mode)) == at_level(guest_fault::unsupported_paging, 0));
}

TEST_CASE("a reader that fails ends the walk at that level") {
    struct failing {
        bool read_u64(std::uint64_t, std::uint64_t&) { return false; }
    } reader;
    const ram_image ram = holed();
    CHECK(error_of(walk_page(reader, ram.map(), four, 0x1000, 0)) ==
          at_level(guest_fault::unreadable, 4));
}

TEST_CASE("each entry is copied once: a second read that differs is never made") {
    // Every entry turns into one that maps elsewhere as soon as it has been read.
    struct mutating {
        ram_image& ram;
        std::map<std::uint64_t, int> reads;
        bool read_u64(std::uint64_t gpa, std::uint64_t& value) {
            ++reads[gpa];
            const bool ok = ram.read_u64(gpa, value);
            ram.word(gpa) = page_entry::address | page_entry::large;
            return ok;
        }
    };
    ram_image ram = one_page();
    mutating reader{ram, {}};
    CHECK(walk_page(reader, ram.map(), four, 0x1000, 0x123) ==
          guest_page{0x5123, 4 * kib, true, true, true});
    CHECK(reader.reads.size() == 4);
    for (const auto& [gpa, count] : reader.reads) CHECK(count == 1);
}

TEST_CASE("the walk agrees with the reference on random garbage, within five reads") {
    std::mt19937_64 random{43};
    std::array<int, 16> seen{};
    int wrong = 0;
    for (int image = 0; image < 60; ++image) {
        ram_image ram = holed();
        const unsigned present = 1 + static_cast<unsigned>(image) % 16; // odds of 1 in
        for (std::uint64_t& word : ram.words()) {
            const std::uint64_t frame = random() % 40; // some tables, some of the hole
            word = (random() & 0xfff0'0000'0000'0f7e) | frame << 12;
            word |= random() % present ? page_entry::present : 0;
            if (random() % 4 == 0) word |= page_entry::large;
            if (random() % 4 == 0) word = random() | 1;            // anywhere
            if (random() % 4 == 0) word &= ~(1 * gib - 1) | 0xfff; // aligned, if large
        }
        for (int i = 0; i < 1000; ++i) {
            const int levels = random() % 2 ? 4 : 5;
            const std::uint64_t root = random() % 36 << 12 | (random() & 0xfff);
            std::uint64_t va = random();
            if (random() % 8) va = static_cast<std::uint64_t>(static_cast<std::int64_t>(va) >> 16);
            const auto expected = reference_walk{ram}(levels, root, va);
            const auto found = walk(ram, root, va, levels == 4 ? four : five);
            wrong += found != expected || ram.reads > static_cast<unsigned>(levels);
            ++seen[found ? 15 : static_cast<std::size_t>(found.error().fault)];
        }
    }
    CHECK(wrong == 0);
    // The garbage was of every kind.
    CHECK(seen[15] > 1000);
    for (const auto fault : {guest_fault::outside_ram, guest_fault::not_canonical,
                             guest_fault::not_present, guest_fault::reserved_bits})
        CHECK(seen[static_cast<std::size_t>(fault)] > 1000);
}
