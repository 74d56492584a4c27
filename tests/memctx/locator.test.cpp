// A locator is plain data with bounded tables: a full one refuses and stays as it was.
#include <vmsig/memctx/locator.hpp>

#include <limits>
#include <type_traits>

#include <support/catch.hpp>
#include <support/equality.hpp>

using namespace vmsig;

static_assert(std::is_trivially_copyable_v<memctx_locator>);
static_assert(std::has_unique_object_representations_v<ram_region>, "no padding");
static_assert(std::has_unique_object_representations_v<address_space_root>, "no padding");
static_assert(export_level::refused < export_level::weak &&
                  export_level::weak < export_level::guarded &&
                  export_level::guarded < export_level::sealed,
              "weakest first");

TEST_CASE("locator: empty by default, and not exported") {
    constexpr memctx_locator l;
    CHECK(l.regions().empty());
    CHECK(l.roots().empty());
    CHECK(l.fd_count == 0);
    CHECK(l.level == export_level::refused);
    CHECK(l.paging == paging_mode::none);
}

TEST_CASE("locator: regions in the order given, up to the limit") {
    memctx_locator l;
    for (std::uint64_t i = 0; i < max_ram_regions; ++i)
        REQUIRE(l.add(ram_region{i * 4096, 4096, i * 4096, 0, 0}));
    const memctx_locator full = l;
    CHECK_FALSE(l.add(ram_region{1, 2, 3, 0, 0}));
    CHECK(l.region_count == max_ram_regions);
    CHECK(l.regions().back() == full.regions().back());
    CHECK(l.regions()[1].start == 4096);
}

TEST_CASE("locator: roots up to the limit") {
    memctx_locator l;
    for (std::uint32_t i = 0; i < max_vcpu_roots; ++i)
        REQUIRE(l.add(address_space_root{.root = 0x1000, .taken = instant{1}, .vcpu = i}));
    CHECK_FALSE(l.add(address_space_root{}));
    CHECK(l.roots().size() == max_vcpu_roots);
    CHECK(l.roots().back().vcpu == max_vcpu_roots - 1);
}

TEST_CASE("locator: a region contains its first byte and not the one after its last") {
    constexpr ram_region hole_above{0x1000, 0x2000, 0, 0, 0};
    CHECK_FALSE(hole_above.contains(0xfff));
    CHECK(hole_above.contains(0x1000));
    CHECK(hole_above.contains(0x2fff));
    CHECK_FALSE(hole_above.contains(0x3000));
    CHECK_FALSE(hole_above.contains(0));
    CHECK_FALSE(ram_region{}.contains(0));
}

TEST_CASE("locator: a region at the end of the address space does not wrap") {
    constexpr std::uint64_t top = std::numeric_limits<std::uint64_t>::max();
    constexpr ram_region last{top - 0xfff, 0x1000, 0, 0, 0};
    CHECK(last.contains(top));
    CHECK_FALSE(last.contains(0));
    CHECK_FALSE(last.contains(top - 0x1000));
}

TEST_CASE("locator: two regions are equal exactly if every part of them is") {
    test::check_every_part_counts(
        ram_region{0x1000, 0x2000, 0x3000, 1, 0}, [](ram_region& r) { r.start = 0; },
        [](ram_region& r) { r.length = 0; }, [](ram_region& r) { r.offset = 0; },
        [](ram_region& r) { r.fd_index = 0; }, [](ram_region& r) { r.reserved = 1; });
}

TEST_CASE("locator: two roots are equal exactly if every part of them is") {
    using root = address_space_root;
    test::check_every_part_counts(
        root{0x1000, 0x2000, 0x3000, instant{1}, 2, 0}, [](root& r) { r.root = 0; },
        [](root& r) { r.control = 0; }, [](root& r) { r.second_root = 0; },
        [](root& r) { r.taken = {}; }, [](root& r) { r.vcpu = 0; },
        [](root& r) { r.reserved = 1; });
}
