// A guest write finds every byte's place before it touches one: it is done whole or not at all.
#include <vmsig/guest/ram_writer.hpp>

#include <array>
#include <atomic>
#include <optional>
#include <random>
#include <thread>

#include <support/alloc_guard.hpp>
#include <support/catch.hpp>
#include <support/repetitions.hpp>

#include "ram_image.hpp"
#include <vmsig/guest/page_tables.hpp>

namespace {

using namespace vmsig;
using namespace vmsig::test;

constexpr std::uint64_t page = ram_granule_bytes;
constexpr std::uint64_t va = 0x7f00'0000'0000;
constexpr auto paging = paging_mode::x86_64_4_level;

template <class T>
std::span<const std::byte> bytes_of(const T& value) {
    return std::as_bytes(std::span{&value, 1});
}

/// RAM in 0..16 and 16..32 pages that touch, and 64..96 after a hole; tables in the last. Virtual:
/// a page at 5, one at 3 pages, then nothing.
struct machine {
    ram_image ram{{{0, 16 * page}, {16 * page, 16 * page}, {64 * page, 32 * page}}};
    std::uint64_t root = 0;
    std::optional<ram_writer> writer;

    machine() {
        page_table_builder build{ram.bytes().subspan(32 * page), 64 * page, paging, 72 * page,
                                 8 * page};
        REQUIRE(build.map(va, 5 * page, page, page_access::write));
        REQUIRE(build.map(va + page, 3 * page, page, {}));
        root = build.root();
        const std::array mappings{ram.bytes()};
        const auto made = ram_writer::over(ram.regions(), mappings, paging);
        REQUIRE(made);
        writer = *made;
    }
    guest_address at(std::uint64_t address, mask<page_access> need = {}) const {
        return {virtual_address{address}, root, need};
    }
    std::vector<std::uint64_t> copy() {
        const auto words = ram.words();
        return {words.begin(), words.end()};
    }
};

template <class Result>
guest_fault fault_of(const Result& result) {
    REQUIRE_FALSE(result);
    return result.error().fault;
}

} // namespace

TEST_CASE("a writer is made only over regions that its mappings hold") {
    ram_image ram{{{0, 2 * page}}};
    const std::array whole{ram.bytes()};
    const std::array shorter{ram.bytes().first(2 * page - 1)};
    const std::array odd{ram.bytes().subspan(1)};
    CHECK(ram_writer::over(ram.regions(), whole));
    CHECK(ram_writer::over(ram.regions(), shorter).error() == region_fault::beyond_backing);
    const std::array<ram_region, 1> one{{{.length = page}}};
    CHECK(ram_writer::over(one, odd).error() == region_fault::misaligned);
    CHECK(ram_writer::over(one, {}).error() == region_fault::bad_fd_index);
}

TEST_CASE("a store writes one aligned word, physical or virtual") {
    machine vm;
    CHECK(vm.writer->store(8, bytes_of(std::uint64_t{0x1122334455667788})));
    CHECK(vm.ram.word(8) == 0x1122334455667788);
    CHECK(vm.writer->store(12, bytes_of(std::uint32_t{0xaabbccdd})));
    CHECK(vm.writer->store(10, bytes_of(std::uint16_t{0xeeff})));
    CHECK(vm.writer->store(9, bytes_of(std::uint8_t{0x99})));
    CHECK(vm.ram.word(8) == 0xaabbccddeeff9988);
    CHECK(vm.writer->store(vm.at(va + page + 16), bytes_of(std::uint64_t{7})));
    CHECK(vm.ram.word(3 * page + 16) == 7);
    CHECK(vm.writer->store(96 * page - 8, bytes_of(std::uint64_t{9})));
    CHECK(vm.ram.word(96 * page - 8) == 9);
}

TEST_CASE("a store that is refused writes nothing") {
    machine vm;
    const auto before = vm.copy();
    const std::array<std::byte, 16> many{};
    const auto refuse = [&](guest_address to, std::span<const std::byte> value) {
        const guest_fault fault = fault_of(vm.writer->store(to, value));
        CHECK(fault_of(vm.writer->compare_exchange(to, value, value)) == fault);
        return fault;
    };
    const std::uint64_t word = ~std::uint64_t{0};
    for (const std::size_t length : {0U, 3U, 5U, 6U, 7U, 9U, 16U})
        CHECK(refuse(0, std::span{many}.first(length)) == guest_fault::bad_length);
    for (const unsigned off : {1U, 2U, 4U, 7U})
        CHECK(refuse(page + off, bytes_of(word)) == guest_fault::misaligned);
    CHECK(refuse(vm.at(va + 4), bytes_of(word)) == guest_fault::misaligned);
    for (const std::uint64_t out : {32 * page, 64 * page - 8, 96 * page, ~std::uint64_t{7}})
        CHECK(refuse(out, bytes_of(word)) == guest_fault::outside_ram);
    CHECK(refuse(vm.at(va + 2 * page), bytes_of(word)) == guest_fault::not_present);
    CHECK(refuse(vm.at(bit(47)), bytes_of(word)) == guest_fault::not_canonical);
    CHECK(refuse(vm.at(va + page, page_access::write), bytes_of(word)) ==
          guest_fault::not_permitted);
    CHECK(refuse({virtual_address{va}, 40 * page}, bytes_of(word)) == guest_fault::outside_ram);
    CHECK(vm.copy() == before);
}

TEST_CASE("a compare-exchange stores if and only if memory held the expected bytes") {
    machine vm;
    vm.ram.word(16) = 5;
    const auto try_it = [&](auto old, auto value) {
        return vm.writer->compare_exchange(16, bytes_of(old), bytes_of(value));
    };
    CHECK(fault_of(try_it(std::uint64_t{4}, std::uint64_t{6})) == guest_fault::mismatch);
    CHECK(vm.ram.word(16) == 5);
    CHECK(try_it(std::uint64_t{5}, std::uint64_t{0x0102030405060708}));
    CHECK(try_it(std::uint32_t{0x05060708}, std::uint32_t{1}));
    CHECK(try_it(std::uint16_t{1}, std::uint16_t{2}));
    CHECK(try_it(std::uint8_t{2}, std::uint8_t{3}));
    CHECK(vm.ram.word(16) == 0x0102030400000003);
    CHECK(fault_of(try_it(std::uint8_t{2}, std::uint8_t{9})) == guest_fault::mismatch);
    CHECK(fault_of(try_it(std::uint8_t{3}, std::uint16_t{9})) == guest_fault::bad_length);
}

TEST_CASE("a write of which a later page is missing writes nothing, around every page end") {
    machine vm;
    const auto before = vm.copy();
    std::array<std::byte, 24> value;
    value.fill(std::byte{0x5a});
    for (int offset = -8; offset <= 8; ++offset) {
        const std::uint64_t from = va + 2 * page + static_cast<std::uint64_t>(offset) - 8;
        CHECK(fault_of(vm.writer->write(vm.at(from), value)) == guest_fault::not_present);
        const std::uint64_t edge = 32 * page + static_cast<std::uint64_t>(offset) - 8;
        CHECK(fault_of(vm.writer->write(edge, value)) == guest_fault::outside_ram);
        CHECK(fault_of(vm.writer->write_compare(edge, value, value)) == guest_fault::outside_ram);
    }
    CHECK(fault_of(vm.writer->write(vm.at(va + page - 8, page_access::write), value)) ==
          guest_fault::not_permitted);
    CHECK(fault_of(vm.writer->write(vm.at(~std::uint64_t{0} - 7), value)) ==
          guest_fault::not_canonical);
    CHECK(vm.copy() == before);
}

TEST_CASE("a write goes to every page and region it names, and to nothing else") {
    std::mt19937_64 random{44};
    machine vm;
    std::vector<std::byte> value(2 * page);
    for (std::byte& b : value) b = std::byte(random());
    for (int i = 0; i < 300; ++i) {
        const bool is_virtual = random() % 2;
        const std::size_t length = 1 + random() % value.size();
        const std::uint64_t from = random() % (2 * page - length + 1);
        auto wanted = vm.copy();
        auto* const model = reinterpret_cast<std::byte*>(wanted.data());
        for (std::size_t n = 0; n < length; ++n) {
            const std::uint64_t flat = from + n; // pages 5 and 3, or 15 and 16
            const std::uint64_t gpa = !is_virtual   ? 15 * page + flat
                                      : flat < page ? 5 * page + flat
                                                    : 3 * page + flat - page;
            model[gpa] = value[n];
        }
        const auto to = is_virtual ? vm.at(va + from) : guest_address{15 * page + from};
        const auto bytes = std::span<const std::byte>{value}.first(length);
        REQUIRE(vm.writer->write(to, bytes));
        REQUIRE(vm.copy() == wanted);
        std::rotate(value.begin(), value.begin() + 1, value.end());
    }
}

TEST_CASE("a compared write looks at all bytes before it writes one") {
    machine vm;
    const std::array<std::uint64_t, 4> old{10, 20, 30, 40};
    const std::array<std::uint64_t, 4> value{1, 2, 3, 4};
    const auto to = vm.at(va + page - 16); // half on each page
    const std::array places{6 * page - 16, 6 * page - 8, 3 * page, 3 * page + 8};
    for (std::size_t i = 0; i < places.size(); ++i) vm.ram.word(places[i]) = old[i];
    for (const std::uint64_t differs : places) {
        vm.ram.word(differs) ^= bit(63);
        const auto before = vm.copy();
        CHECK(fault_of(vm.writer->write_compare(to, bytes_of(old), bytes_of(value))) ==
              guest_fault::mismatch);
        CHECK(vm.copy() == before);
        vm.ram.word(differs) ^= bit(63);
    }
    CHECK(fault_of(vm.writer->write_compare(to, bytes_of(old), bytes_of(value[0]))) ==
          guest_fault::bad_length);
    CHECK(vm.writer->write_compare(to, bytes_of(old), bytes_of(value)));
    CHECK(vm.ram.word(6 * page - 8) == 2);
    CHECK(vm.ram.word(3 * page) == 3);
}

TEST_CASE("the length of a write is limited, and the limit fits the plan") {
    ram_image ram{{{0, 64 * page}}};
    page_table_builder build{ram.bytes(), 0, paging, 32 * page, 8 * page};
    for (std::uint64_t n = 0; n < 18; ++n)
        REQUIRE(build.map(va + n * page, (31 - n) * page, page, {}));
    const std::array mappings{ram.bytes()};
    const auto writer = ram_writer::over(ram.regions(), mappings, paging);
    const std::vector<std::byte> most(max_guest_write_bytes + 1, std::byte{1});
    const guest_address to{virtual_address{va + page - 1}, build.root()};
    CHECK(fault_of(writer->write(to, most)) == guest_fault::bad_length);
    CHECK(fault_of(writer->write(to, {})) == guest_fault::bad_length);
    CHECK(fault_of(writer->plan(to, ~std::size_t{0})) == guest_fault::bad_length);
    CHECK(writer->plan(to, max_guest_write_bytes)->pieces().size() == max_write_pieces);
    const no_allocations guard;
    const bool written{writer->write(to, std::span{most}.first(max_guest_write_bytes))};
    const auto allocations = guard.count();
    CHECK(written);
    CHECK(allocations == 0);
}

TEST_CASE("a racing reader never sees a store in parts") {
    machine vm;
    std::atomic<int> changes_seen = 0; // how often the word had changed since the last look
    std::atomic<int> torn = 0;
    std::atomic<bool> stop = false;
    std::uint64_t* const word = &vm.ram.word(8);
    std::thread vcpu{[&] {
        for (std::uint64_t last = 0; !stop;) {
            const std::uint64_t seen = __atomic_load_n(word, __ATOMIC_ACQUIRE);
            torn += seen != 0 && seen != ~std::uint64_t{0};
            changes_seen += seen != last;
            last = seen;
        }
    }};
    bool all = true;
    const int wanted = vmsig::test::repetitions(5'000);
    for (int i = 0; i < 50'000'000 && changes_seen < wanted; ++i)
        all &=
            vm.writer->store(8, bytes_of(i % 2 ? std::uint64_t{0} : ~std::uint64_t{0})).has_value();
    stop = true;
    vcpu.join();
    CHECK(all);
    CHECK(changes_seen > 0);
    CHECK(torn == 0);
}

TEST_CASE("a guest that flips its tables redirects a store only to where it was checked") {
    machine vm;
    std::uint64_t* const leaf = [&] { // the entry of `va`
        std::uint64_t table = vm.root;
        for (unsigned level = 4; level > 1; --level)
            table =
                vm.ram.word(table + (va >> paging_shift(level) & 511) * 8) & page_entry::address;
        return &vm.ram.word(table);
    }();
    const std::uint64_t entries[] = {5 * page | 3, 3 * page | 3, 40 * page | 3, 0,
                                     page_entry::address | 3};
    auto unwritten = vm.copy();
    std::atomic<bool> stop = false;
    std::thread guest{[&] {
        for (unsigned i = 0; !stop; ++i) __atomic_store_n(leaf, entries[i % 5], __ATOMIC_RELEASE);
    }};
    int odd = 0;
    int stored = 0;
    int refused = 0;
    const int wanted = vmsig::test::repetitions(5'000);
    for (int i = 0; i < 20'000'000 && (stored < wanted || refused < wanted); ++i) {
        const auto done = vm.writer->store(vm.at(va + 8), bytes_of(std::uint64_t{1}));
        ++(done ? stored : refused);
        odd += !done && done.error().fault != guest_fault::outside_ram &&
               done.error().fault != guest_fault::not_present;
    }
    stop = true;
    guest.join();
    CHECK((stored > 0 && refused > 0));
    CHECK(odd == 0);
    auto after = vm.copy();
    const auto index = [&](std::uint64_t* place) {
        return static_cast<std::size_t>(place - vm.ram.words().data());
    };
    for (std::uint64_t* allowed : {&vm.ram.word(5 * page + 8), &vm.ram.word(3 * page + 8), leaf})
        after[index(allowed)] = unwritten[index(allowed)] = 0;
    CHECK(after == unwritten);
}
