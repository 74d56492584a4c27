// A view of an aarch64 guest reads virtual addresses of both halves, each under the root of its
// own, and a writer finds the same places.
#include <vmsig/guest/view.hpp>

#include <sys/mman.h>

#include <support/catch.hpp>

#include "ram_file.hpp"
#include "ram_image.hpp"
#include <vmsig/guest/ram_writer.hpp>

namespace {

using namespace vmsig;
using namespace vmsig::test;

constexpr std::uint64_t page = ram_granule_bytes;
constexpr std::uint64_t upper = 0xffff'0000'0000'0000;
constexpr std::uint64_t table = aarch64_entry::valid | aarch64_entry::table;

/// 32 pages of RAM from 1 GiB on, numbered words but for the tables in the first eight. Address 0
/// of the lower half is page 10, the page after it page 9; address 0 of the upper half is page 11.
struct machine {
    static constexpr std::uint64_t start = 1 * gib;
    unique_fd fd = ram_file(32 * page);
    memctx_locator locator =
        locate({{.start = start, .length = 32 * page}}, paging_mode::aarch64_4k);
    address_space_root vcpu;

    machine() {
        number_words(fd, 32 * page);
        for (std::uint64_t n = 0; n < 6; ++n) // the two halves share no table
            put(n * page, start + (n + 2) * page + table);
        put(6 * page, start + 10 * page + table);
        put(6 * page + 8, start + 9 * page + table);
        put(7 * page, start + 11 * page + table);
        vcpu.root = start | std::uint64_t{7} << 48; // ASID 7
        vcpu.second_root = start + page;
        REQUIRE(add_seals(fd, seal::shrink));
    }
    void put(std::uint64_t at, std::uint64_t word) const {
        REQUIRE(::pwrite(fd.get(), &word, sizeof word, static_cast<off_t>(at)) == sizeof word);
    }
    guest_address at(std::uint64_t va) const { return {virtual_address{va}, vcpu}; }
};

} // namespace

TEMPLATE_TEST_CASE("aarch64: a view reads both halves of the address space", "", pread_view,
                   mapped_view) {
    const machine vm;
    const auto view = TestType::open(vm.locator, std::array{vm.fd.get()});
    REQUIRE(view);
    using word = std::uint64_t;
    CHECK(view->template read_object<word>(vm.at(8)) == 10 * page + 8);
    CHECK(view->template read_object<word>(vm.at(page)) == 9 * page);
    CHECK(view->template read_object<word>(vm.at(upper + 16)) == 11 * page + 16);
    std::array<word, 2> across{};
    REQUIRE(view->read(vm.at(page - 8), std::as_writable_bytes(std::span{across})));
    CHECK(across == std::array<word, 2>{11 * page - 8, 9 * page});

    // One root named alone counts for the half that the address is in.
    CHECK(view->template read_object<word>({virtual_address{upper}, vm.vcpu.second_root}) ==
          11 * page);
    CHECK(view->translate(vm.at(2 * page)).error() == guest_error{guest_fault::not_present, 1, 0});
    CHECK(view->translate(vm.at(bit(48))).error().fault == guest_fault::not_canonical);
    std::array<std::byte, 16> end{};
    CHECK(view->read(vm.at(~word{0} - 7), end).error().fault == guest_fault::not_canonical);
}

TEST_CASE("aarch64: a writer stores where a view reads") {
    const machine vm;
    void* const ram =
        ::mmap(nullptr, 32 * page, PROT_READ | PROT_WRITE, MAP_SHARED, vm.fd.get(), 0);
    REQUIRE(ram != MAP_FAILED);
    const std::array mapping{std::span{static_cast<std::byte*>(ram), 32 * page}};
    const auto writer = ram_writer::over(vm.locator.regions(), mapping, vm.locator.paging);
    REQUIRE(writer);
    const std::uint64_t value = 0x1234'5678;
    REQUIRE(writer->store(vm.at(upper + 8), std::as_bytes(std::span{&value, 1})));
    const auto view = pread_view::open(vm.locator, std::array{vm.fd.get()});
    REQUIRE(view);
    CHECK(view->read_object<std::uint64_t>(vm.at(upper + 8)) == value);
    CHECK(view->read_object<std::uint64_t>(vm.machine::start + 11 * page + 8) == value);
    ::munmap(ram, 32 * page);
}

TEMPLATE_TEST_CASE("aarch64: a view walks under the TCR of the vCPU", "", pread_view, mapped_view) {
    machine vm;
    // 39-bit addresses in both halves: one level fewer, so the walk begins where the second one
    // was.
    constexpr std::uint64_t bits = 64 - 39;
    vm.vcpu.control = bits | bits << 16 | std::uint64_t{2} << 30 | std::uint64_t{1} << 39;
    vm.vcpu.root = machine::start + 2 * page;
    vm.vcpu.second_root = machine::start + 3 * page;
    REQUIRE(vm.locator.add(vm.vcpu));
    const auto view = TestType::open(vm.locator, std::array{vm.fd.get()});
    REQUIRE(view);
    using word = std::uint64_t;
    constexpr std::uint64_t upper_39 = ~std::uint64_t{0} << 39;
    CHECK(view->template read_object<word>(vm.at(8)) == 10 * page + 8);
    CHECK(view->template read_object<word>(vm.at(upper_39 + 16)) == 11 * page + 16);
    CHECK_FALSE(view->template read_object<word>(vm.at(upper)));
    CHECK(vm.locator.control_of(vm.vcpu.root) == vm.vcpu.control);
    CHECK(vm.locator.control_of(vm.vcpu.second_root) == vm.vcpu.control);
    CHECK(vm.locator.control_of(1) == 0);
    // As a command names it, by one root alone.
    const auto named = guest_address::of(upper_39 + 16, vm.vcpu.second_root,
                                         vm.locator.control_of(vm.vcpu.second_root));
    CHECK(view->template read_object<word>(named) == 11 * page + 16);
    vm.vcpu.control = 0; // 48 bits: another table is the first
    CHECK_FALSE(view->template read_object<word>(vm.at(8)) == 10 * page + 8);
}
