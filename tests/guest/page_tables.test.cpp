// What the builder maps, the walk finds; what it refuses changes no mapping.
#include <vmsig/guest/page_tables.hpp>

#include <map>
#include <random>

#include <support/catch.hpp>

#include "ram_image.hpp"
#include "reference_walk.hpp"

namespace {

using namespace vmsig;
using namespace vmsig::test;

constexpr std::uint64_t tables = 1 * mib;

table_fault fault_of(const expected<void, table_fault>& result) {
    REQUIRE_FALSE(result);
    return result.error();
}

} // namespace

TEST_CASE("a page that cannot be mapped is refused with the reason") {
    ram_image ram{{{0, 2 * mib}}};
    page_table_builder build{ram.bytes(), 0, paging_mode::x86_64_4_level, tables, 4 * 4 * kib};
    CHECK(build.root() == tables);
    CHECK(build.used_end() == tables + 4 * kib);
    CHECK(fault_of(build.map(0, 0, 8 * kib, {})) == table_fault::bad_size);
    CHECK(fault_of(build.map(0, 0, 512 * gib, {})) == table_fault::bad_size);
    CHECK(fault_of(build.map(0x800, 0, 4 * kib, {})) == table_fault::misaligned);
    CHECK(fault_of(build.map(0, 4 * kib, 2 * mib, {})) == table_fault::misaligned);
    CHECK(fault_of(build.map(0, bit(52), 4 * kib, {})) == table_fault::misaligned);
    CHECK(fault_of(build.map(bit(47), 0, 4 * kib, {})) == table_fault::not_canonical);
    CHECK(build.used_end() == tables + 4 * kib);

    REQUIRE(build.map(0, 0x5000, 4 * kib, {}));
    CHECK(fault_of(build.map(0, 0x6000, 4 * kib, {})) == table_fault::occupied);
    CHECK(fault_of(build.map(0, 0, 2 * mib, {})) == table_fault::occupied);
    REQUIRE(build.map(2 * mib, 0, 2 * mib, {}));
    CHECK(fault_of(build.map(2 * mib, 0, 4 * kib, {})) == table_fault::occupied);
    CHECK(fault_of(build.map(512 * gib, 0, 4 * kib, {})) == table_fault::no_room);
    CHECK(walk_page(ram, ram.map(), paging_mode::x86_64_4_level, build.root(), 0)->gpa == 0x5000);
}

TEST_CASE("RAM need not begin at zero") {
    ram_image ram{{{4 * gib, 1 * mib}}};
    page_table_builder build{ram.bytes(), 4 * gib, paging_mode::x86_64_5_level, 4 * gib + 64 * kib,
                             64 * kib};
    REQUIRE(build.map(~std::uint64_t{0} - (4 * kib - 1), 4 * gib, 4 * kib, page_access::write));
    const auto page =
        walk_page(ram, ram.map(), paging_mode::x86_64_5_level, build.root(), ~std::uint64_t{0});
    CHECK(page == guest_page{4 * gib + 0xfff, 4 * kib, true, false, false});
}

TEST_CASE("generated tables are walked as they were built, by the walk and the reference") {
    std::mt19937_64 random{42};
    for (const unsigned levels : {4U, 5U}) {
        const auto paging = levels == 4 ? paging_mode::x86_64_4_level : paging_mode::x86_64_5_level;
        ram_image ram{{{0, 4 * mib}, {1 * gib, 4 * kib}}}; // large pages begin in RAM
        page_table_builder build{ram.bytes().first(4 * mib), 0, paging, tables, 3 * mib};
        struct page {
            std::uint64_t gpa, size;
            mask<page_access> access;
        };
        std::map<std::uint64_t, page> mapped;
        for (int i = 0; i < 300; ++i) {
            const std::uint64_t size = std::array{4 * kib, 2 * mib, 1 * gib}[random() % 3];
            const unsigned unused = 64 - (12 + 9 * levels);
            const auto spread = static_cast<std::int64_t>(random() << unused) >> unused;
            const std::uint64_t va = static_cast<std::uint64_t>(spread) & ~(size - 1);
            const std::uint64_t gpa = size == 4 * kib   ? random() % 256 * size
                                      : size == 2 * mib ? random() % 2 * size
                                                        : random() % 2 * size;
            const auto access = mask<page_access>::of_bits(random() % 8);
            if (build.map(va, gpa, size, access)) mapped[va] = {gpa, size, access};
        }
        REQUIRE(mapped.size() > 200);
        int wrong = 0;
        for (const auto& [va, to] : mapped) {
            const std::uint64_t at = va + random() % std::min(to.size, 4 * kib);
            const guest_page wanted{to.gpa + (at - va), to.size, to.access.has(page_access::write),
                                    to.access.has(page_access::user),
                                    to.access.has(page_access::execute)};
            wrong += walk_page(ram, ram.map(), paging, build.root(), at) != wanted;
            wrong += reference_walk{ram}(static_cast<int>(levels), build.root(), at) != wanted;
        }
        CHECK(wrong == 0);
    }
}
