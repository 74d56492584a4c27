// A view reads physical and virtual ranges across pages and regions, and allocates nothing.
#include <vmsig/guest/view.hpp>

#include <support/alloc_guard.hpp>
#include <support/catch.hpp>
#include <support/fd_count.hpp>

#include "ram_file.hpp"
#include "ram_image.hpp"
#include <vmsig/guest/page_tables.hpp>

namespace {

using namespace vmsig;
using namespace vmsig::test;

constexpr std::uint64_t page = ram_granule_bytes;
constexpr std::uint64_t va = 0xffff'c0de'0000'0000;
constexpr std::uint64_t tables = 16 * page;

/// 64 pages of numbered words: gpa 0 to 32 pages, then 32 pages from 4 GiB on. Two virtual pages,
/// the second of which is physically before the first; then one that is not present, and one of
/// which only the first half megabyte is RAM.
struct machine {
    unique_fd fd = ram_file(64 * page);
    memctx_locator locator = locate({{.start = 0, .length = 32 * page},
                                     {.start = 4 * gib, .length = 32 * page, .offset = 32 * page}});
    address_space_root root;

    machine() {
        number_words(fd, 64 * page);
        void* const ram =
            ::mmap(nullptr, 64 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
        page_table_builder build{
            {static_cast<std::byte*>(ram), 64 * page}, 0, locator.paging, tables, 8 * page};
        REQUIRE(build.map(va, 5 * page, page, page_access::write));
        REQUIRE(build.map(va + page, 4 * page, page, {}));
        REQUIRE(build.map(va + 2 * mib, 4 * gib, 2 * mib, {}));
        root.root = build.root();
        ::munmap(ram, 64 * page);
        REQUIRE(add_seals(fd, seal::shrink));
    }
    template <class View>
    View view() const {
        auto opened = View::open(locator, std::array{fd.get()});
        REQUIRE(opened);
        return std::move(*opened);
    }
};

template <class View>
guest_error error_of(const View& view, guest_address from, std::size_t length) {
    std::vector<std::byte> bytes(length);
    const auto got = view.read(from, bytes);
    REQUIRE_FALSE(got);
    return got.error();
}

struct header {
    std::uint64_t first, second;
    friend bool operator==(const header&, const header&) = default;
};

} // namespace

TEMPLATE_TEST_CASE("physical reads cross pages and stop at holes", "", pread_view, mapped_view) {
    const machine vm;
    const auto view = vm.view<TestType>();
    CHECK(view.template read_object<std::uint64_t>(8) == 8U);
    CHECK(view.template read_object<header>(3 * page - 8) == header{3 * page - 8, 3 * page});
    CHECK(view.template read_object<std::uint64_t>(4 * gib + 8) == 32 * page + 8);
    CHECK(view.template read_object<std::uint32_t>(2 * page + 8) == 2 * page + 8);
    CHECK(error_of(view, 32 * page - 4, 8).fault == guest_fault::outside_ram);
    CHECK(error_of(view, 4 * gib - 4, 8).fault == guest_fault::outside_ram);
    CHECK(error_of(view, ~std::uint64_t{0} - 3, 8).fault == guest_fault::outside_ram);
    CHECK(view.read(~std::uint64_t{0}, {}));
}

TEMPLATE_TEST_CASE("virtual reads translate every page", "", pread_view, mapped_view) {
    const machine vm;
    const auto view = vm.view<TestType>();
    const auto at = [&](std::uint64_t address) {
        return guest_address{virtual_address{address}, vm.root};
    };
    CHECK(view.template read_object<header>(at(va + page - 8)) == header{6 * page - 8, 4 * page});
    CHECK(view.translate(at(va + 16))->gpa == 5 * page + 16);
    CHECK(error_of(view, at(va + 2 * page - 8), 16) == guest_error{guest_fault::not_present, 1, 0});
    CHECK(view.template read_object<std::uint64_t>(at(va + 2 * mib + page)) == 33 * page);
    CHECK(error_of(view, at(va + 2 * mib + 32 * page - 8), 16).fault == guest_fault::outside_ram);
    CHECK(error_of(view, at(bit(47)), 1).fault == guest_fault::not_canonical);
    CHECK(error_of(view, at(~std::uint64_t{0} - 7), 16).fault == guest_fault::not_canonical);
    CHECK(view.read(at(bit(47)), {}));

    const guest_address writable{virtual_address{va}, vm.root, page_access::write};
    CHECK(view.template read_object<std::uint64_t>(writable) == 5 * page);
    CHECK(error_of(view, writable, 2 * page).fault == guest_fault::not_permitted);
}

TEMPLATE_TEST_CASE("without a known paging mode there are no virtual addresses", "", pread_view,
                   mapped_view) {
    machine vm;
    vm.locator.paging = paging_mode::none;
    const auto view = vm.view<TestType>();
    CHECK(error_of(view, {virtual_address{va}, vm.root}, 8).fault ==
          guest_fault::unsupported_paging);
    CHECK(view.template read_object<std::uint64_t>(8) == 8U);
}

TEMPLATE_TEST_CASE("a moved-from view holds no RAM", "", pread_view, mapped_view) {
    const machine vm;
    auto first = vm.view<TestType>();
    auto second = std::move(first);
    CHECK(error_of(first, 8, 8).fault == guest_fault::outside_ram);
    CHECK(error_of(first, {virtual_address{va}, vm.root}, 8).fault == guest_fault::outside_ram);
    first = std::move(second);
    CHECK(first.template read_object<std::uint64_t>(8) == 8U);
    CHECK(error_of(second, 8, 8).fault == guest_fault::outside_ram);
    auto& same = first;
    first = std::move(same);
    CHECK(first.template read_object<std::uint64_t>(8) == 8U);
}

TEMPLATE_TEST_CASE("opening, reading and closing allocates nothing and leaks no descriptor", "",
                   pread_view, mapped_view) {
    const machine vm;
    const int before = open_fd_count();
    const no_allocations guard;
    {
        auto view = TestType::open(vm.locator, std::array{vm.fd.get()});
        static_cast<void>(view->template read_object<header>(page - 8));
        static_cast<void>(
            view->template read_object<header>({virtual_address{va + page - 8}, vm.root}));
        const auto moved = std::move(*view);
    }
    const auto allocations = guard.count();
    CHECK(allocations == 0);
    CHECK(open_fd_count() == before);
}

TEST_CASE("a table that cannot be read is reported with the errno and the level") {
    const machine vm;
    const auto view =
        guest_view<basic_pread_ram<failing_calls>>::open(vm.locator, std::array{vm.fd.get()});
    REQUIRE(view);
    for (int at = 0; at < 5; ++at) { // four tables, then the page
        failing_calls::arm(at, EIO);
        CHECK(error_of(*view, {virtual_address{va}, vm.root}, 8) ==
              guest_error{guest_fault::unreadable, static_cast<std::uint8_t>(4 - at), EIO});
    }
}

TEST_CASE("a table that was truncated away is an error") {
    machine vm;
    unique_fd shrunk = ram_file(tables);
    const auto view = pread_view::open(vm.locator, std::array{shrunk.get()});
    REQUIRE(view);
    CHECK(error_of(*view, {virtual_address{va}, vm.root}, 8) ==
          guest_error{guest_fault::truncated, 4, 0});
}
