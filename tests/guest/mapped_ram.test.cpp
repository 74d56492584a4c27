// RAM is mapped only while it cannot shrink, or by a caller who accepts the risk.
#include <vmsig/guest/mapped_ram.hpp>

#include <support/catch.hpp>
#include <support/fd_count.hpp>

#include "ram_file.hpp"

namespace {

using namespace vmsig;
using namespace vmsig::test;

constexpr std::uint64_t page = ram_granule_bytes;
// The second region begins two pages into the file.
constexpr std::array<ram_region, 2> regions{
    {{.length = 2 * page}, {.start = 8 * page, .length = 2 * page, .offset = 2 * page}}};

template <class Ram>
std::uint64_t word_at(const Ram& ram, std::uint64_t gpa) {
    std::uint64_t word = 0;
    REQUIRE(
        ram.read(region_map{regions}.find(gpa, 8), std::as_writable_bytes(std::span{&word, 1})));
    return word;
}

/// Huge pages of 2 MiB, as far as the arithmetic can tell.
struct huge_calls : failing_calls {
    static inline std::size_t mapped_length = 0;
    static inline off_t mapped_offset = 0;
    static inline std::size_t unmapped_length = 0;
    static int fstat(int fd, struct stat* status) {
        const int result = fd_calls::fstat(fd, status);
        status->st_blksize = 2 << 20;
        return result;
    }
    static void* mmap(std::size_t length, int protection, int flags, int fd, off_t offset) {
        mapped_length = length;
        mapped_offset = offset;
        return fd_calls::mmap(length, protection, flags, fd, offset);
    }
    static int munmap(void* base, std::size_t length) {
        unmapped_length = length;
        return fd_calls::munmap(base, length);
    }
};

} // namespace

TEST_CASE("sealed RAM is mapped, and the mapping outlives the descriptor") {
    const int before = open_fd_count();
    unique_fd fd = ram_file(4 * page);
    number_words(fd, 4 * page);
    REQUIRE(add_seals(fd, seal::shrink | seal::future_write)); // refuses a writable mapping
    auto ram = basic_mapped_ram<>::open(regions, std::array{fd.get()});
    REQUIRE(ram);
    fd.reset();
    CHECK(open_fd_count() == before);
    CHECK(word_at(*ram, page) == page);
    CHECK(word_at(*ram, 9 * page + 8) == 3 * page + 8);
    const basic_mapped_ram<> heir{std::move(*ram)};
    CHECK(word_at(heir, 9 * page + 8) == 3 * page + 8);
}

TEST_CASE("RAM that can shrink is refused unless the caller says so") {
    const unique_fd fd = ram_file(4 * page);
    REQUIRE(add_seals(fd, seal::grow));
    const auto refused = basic_mapped_ram<>::open(regions, std::array{fd.get()});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().fault == view_fault::unsealed);
    CHECK(basic_mapped_ram<>::open(regions, std::array{fd.get()}, if_unsealed::allow));
}

TEST_CASE("a file that takes no seals is unsealed") {
    char name[] = "/tmp/vmsig-ram-XXXXXX";
    const unique_fd fd{::mkstemp(name)};
    REQUIRE(fd);
    ::unlink(name);
    REQUIRE(::ftruncate(fd.get(), 4 * page) == 0);
    const auto refused = basic_mapped_ram<>::open(regions, std::array{fd.get()});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().fault == view_fault::unsealed);
    CHECK(basic_mapped_ram<>::open(regions, std::array{fd.get()}, if_unsealed::allow));
}

TEST_CASE("a file shorter than its regions is not mapped") {
    const unique_fd fd = ram_file(4 * page - 1);
    REQUIRE(add_seals(fd, seal::shrink));
    const auto refused = basic_mapped_ram<>::open(regions, std::array{fd.get()});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().fault == view_fault::truncated);
}

TEST_CASE("bad regions are refused before any system call") {
    const std::array<ram_region, 1> second{{{.length = page, .fd_index = 1}}};
    failing_calls::arm(-1, 0);
    const auto refused = basic_mapped_ram<failing_calls>::open(second, std::array{0});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().regions == region_fault::bad_fd_index);
    CHECK(failing_calls::made == 0);
}

TEST_CASE("a system call that fails is reported, and what was mapped is unmapped") {
    const unique_fd fd = ram_file(4 * page);
    REQUIRE(add_seals(fd, seal::shrink));
    const std::array operations{"fcntl", "fstat", "mmap", "fcntl", "fstat", "mmap"};
    for (std::size_t at = 0; at < operations.size(); ++at) {
        failing_calls::unmapped = 0;
        failing_calls::arm(static_cast<int>(at), ENOMEM);
        const auto ram = basic_mapped_ram<failing_calls>::open(regions, std::array{fd.get()});
        REQUIRE_FALSE(ram);
        CHECK(ram.error().fault == view_fault::system);
        CHECK(ram.error().cause == os_error{ENOMEM, ""});
        CHECK(std::string_view{ram.error().cause.operation} == operations[at]);
        CHECK(failing_calls::unmapped == (at < 3 ? 0 : 1));
    }
    failing_calls::unmapped = 0;
    failing_calls::arm(-1, 0);
    CHECK(basic_mapped_ram<failing_calls>::open(regions, std::array{fd.get()}));
    CHECK(failing_calls::made == 6);
    CHECK(failing_calls::unmapped == 2);
}

TEST_CASE("huge pages are mapped and unmapped whole") {
    constexpr std::array<ram_region, 1> inside{{{.length = page, .offset = (2 << 20) + 3 * page}}};
    const unique_fd fd = ram_file(4 << 20);
    number_words(fd, 4 << 20);
    REQUIRE(add_seals(fd, seal::shrink));
    {
        const auto ram = basic_mapped_ram<huge_calls>::open(inside, std::array{fd.get()});
        REQUIRE(ram);
        CHECK(huge_calls::mapped_offset == 2 << 20);
        CHECK(huge_calls::mapped_length == 2 << 20);
        std::uint64_t word = 0;
        REQUIRE(
            ram->read(region_map{inside}.find(8, 8), std::as_writable_bytes(std::span{&word, 1})));
        CHECK(word == (2 << 20) + 3 * page + 8);
    }
    CHECK(huge_calls::unmapped_length == 2 << 20);
}
