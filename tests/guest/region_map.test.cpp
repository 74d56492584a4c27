// Every guest physical address is looked up in a checked region list; holes and wraps refuse.
#include <vmsig/guest/region_map.hpp>

#include <array>
#include <random>
#include <vector>

#include <support/catch.hpp>

namespace {

using namespace vmsig;

constexpr std::uint64_t page = ram_granule_bytes;
constexpr std::uint64_t top = ~std::uint64_t{0};

// 0..2 pages, a hole of one page, 3..4 and 4..6 pages that touch, and the last page of all.
constexpr std::array<ram_region, 4> holed{{
    {.start = 0, .length = 2 * page, .offset = 0},
    {.start = 3 * page, .length = page, .offset = 8 * page},
    {.start = 4 * page, .length = 2 * page, .offset = 2 * page, .fd_index = 1},
    {.start = top - (page - 1), .length = page, .offset = 4 * page},
}};
constexpr region_map map{holed};

// All of it is usable at compile time.
static_assert(check_regions(holed, 2).has_value());
static_assert(map.contains(0, 2 * page) && !map.contains(0, 2 * page + 1));
static_assert(map.find(5 * page, 8).offset() == 3 * page);

region_fault fault_of(std::vector<ram_region> regions, std::uint32_t fd_count = 1) {
    const auto checked = check_regions(regions, fd_count);
    REQUIRE_FALSE(checked);
    return checked.error();
}

} // namespace

TEST_CASE("a list that is not fit is refused with the reason") {
    CHECK(fault_of({{.length = 0}}) == region_fault::empty);
    CHECK(fault_of({{.start = 1, .length = page}}) == region_fault::misaligned);
    CHECK(fault_of({{.length = page - 1}}) == region_fault::misaligned);
    CHECK(fault_of({{.length = page, .offset = 512}}) == region_fault::misaligned);
    CHECK(fault_of({{.start = top - (page - 1), .length = 2 * page}}) == region_fault::wraps);
    CHECK(fault_of({{.length = page, .offset = std::uint64_t{1} << 63}}) == region_fault::wraps);
    CHECK(fault_of({{.length = page, .offset = (std::uint64_t{1} << 63) - page}}) ==
          region_fault::wraps);
    CHECK(fault_of({{.start = page, .length = page}, {.length = page}}) == region_fault::unsorted);
    CHECK(fault_of({{.length = 2 * page}, {.start = page, .length = page}}) ==
          region_fault::overlaps);
    CHECK(fault_of({{.length = page}, {.length = page}}) == region_fault::overlaps);
    CHECK(fault_of({{.length = page, .fd_index = 1}}) == region_fault::bad_fd_index);
    CHECK(fault_of({{.length = page}}, 0) == region_fault::bad_fd_index);

    std::vector<ram_region> many;
    for (std::uint64_t i = 0; i < max_ram_regions; ++i)
        many.push_back({.start = i * page, .length = page});
    CHECK(check_regions(many, 1));
    many.push_back({.start = max_ram_regions * page, .length = page});
    CHECK(fault_of(many) == region_fault::too_many);
}

TEST_CASE("no regions, aliases and the last page of all are fit") {
    CHECK(check_regions({}, 0));
    const std::array<ram_region, 2> aliases{{{.length = page}, {.start = page, .length = page}}};
    CHECK(check_regions(aliases, 1));
    CHECK(map.contains(top, 1));
    CHECK(map.contains(top - 7, 8));
}

TEST_CASE("a range in a hole, across it or past 2^64 is not contained") {
    CHECK_FALSE(map.find(2 * page, 1));
    CHECK_FALSE(map.contains(2 * page, 1));
    CHECK_FALSE(map.contains(2 * page - 1, 2));
    CHECK_FALSE(map.contains(2 * page - 8, page + 16));
    CHECK_FALSE(map.contains(top - 7, 9));
    CHECK_FALSE(map.contains(top, 2));
    CHECK_FALSE(map.contains(0, top));
    CHECK_FALSE(map.contains(4 * page, top));
    CHECK_FALSE(region_map{}.contains(0, 1));
}

TEST_CASE("a range of no bytes has no place") {
    CHECK_FALSE(map.find(0, 0));
    CHECK_FALSE(map.contains(0, 0));
}

TEST_CASE("a range may cross regions that touch, and comes in pieces") {
    REQUIRE(map.contains(4 * page - 16, 32));
    std::vector<ram_piece> pieces;
    CHECK(map.for_each_piece(4 * page - 16, 32, [&](const ram_piece& p) {
        pieces.push_back(p);
        return true;
    }));
    REQUIRE(pieces.size() == 2);
    CHECK(pieces[0].index == 1);
    CHECK(pieces[0].offset() == 9 * page - 16);
    CHECK(pieces[0].length == 16);
    CHECK(pieces[1].index == 2);
    CHECK(pieces[1].fd_index() == 1);
    CHECK(pieces[1].offset() == 2 * page);
    CHECK(pieces[1].length == 16);

    int calls = 0;
    CHECK_FALSE(
        map.for_each_piece(4 * page - 16, 32, [&](const ram_piece&) { return ++calls < 1; }));
    CHECK(calls == 1);
}

TEST_CASE("containment agrees with counting bytes one by one") {
    std::mt19937_64 random{36};
    const auto in_ram = [](std::uint64_t gpa) {
        for (const ram_region& r : holed)
            if (gpa >= r.start && gpa - r.start < r.length) return true;
        return false;
    };
    int wrong = 0;
    for (int i = 0; i < 2000; ++i) {
        const std::uint64_t base = holed[random() % holed.size()].start;
        const std::uint64_t gpa = base + random() % (4 * page) - 2 * page;
        const std::uint64_t length = 1 + random() % (3 * page);
        bool all = true;
        for (std::uint64_t n = 0; all && n < length; ++n) all = n <= top - gpa && in_ram(gpa + n);
        wrong += map.contains(gpa, length) != all;
    }
    CHECK(wrong == 0);
}
