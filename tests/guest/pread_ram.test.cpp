// RAM read by pread fails with a type, whatever becomes of the file: short, closed, refused.
#include <vmsig/guest/pread_ram.hpp>

#include <atomic>
#include <thread>

#include <support/catch.hpp>
#include <support/fd_count.hpp>
#include <support/repetitions.hpp>

#include "ram_file.hpp"

namespace {

using namespace vmsig;
using namespace vmsig::test;

constexpr std::uint64_t page = ram_granule_bytes;
constexpr std::array<ram_region, 1> all{{{.length = 4 * page}}};

template <class Ram>
expected<std::uint64_t, guest_error> word_at(const Ram& ram, std::uint64_t gpa) {
    std::uint64_t word = 0;
    const auto got =
        ram.read(region_map{all}.find(gpa, 8), std::as_writable_bytes(std::span{&word, 1}));
    if (!got) return unexpected{got.error()};
    return word;
}

/// Answers with at most three bytes, and is interrupted before each.
struct slow_calls : fd_calls {
    static inline bool interrupt = false;
    static ssize_t pread(int fd, void* into, std::size_t length, off_t offset) {
        interrupt = !interrupt;
        if (interrupt) {
            errno = EINTR;
            return -1;
        }
        return fd_calls::pread(fd, into, std::min<std::size_t>(length, 3), offset);
    }
};

} // namespace

TEST_CASE("borrowed descriptors stay the caller's, owned ones are closed") {
    const int before = open_fd_count();
    {
        unique_fd fd = ram_file(4 * page);
        number_words(fd, 4 * page);
        {
            const auto ram = basic_pread_ram<>::open(all, std::array{fd.get()});
            REQUIRE(ram);
            CHECK(word_at(*ram, page + 8) == page + 8);
        }
        CHECK(::fcntl(fd.get(), F_GETFD) >= 0);

        std::array<unique_fd, max_ram_fds> given;
        given[0] = std::move(fd);
        auto owner = basic_pread_ram<>::open(all, std::move(given));
        REQUIRE(owner);
        CHECK(word_at(*owner, 16) == 16U);
        const basic_pread_ram<> heir{std::move(*owner)};
        CHECK(word_at(heir, 16) == 16U);
        CHECK(word_at(*owner, 16).error() == guest_error{guest_fault::unreadable, 0, EBADF});
    }
    CHECK(open_fd_count() == before);
}

TEST_CASE("a region without its descriptor is refused, and given ones are closed") {
    const int before = open_fd_count();
    const std::array<ram_region, 1> second{{{.length = page, .fd_index = 1}}};
    std::array<unique_fd, max_ram_fds> given;
    given[0] = ram_file(page);
    const auto ram = basic_pread_ram<>::open(second, std::move(given));
    REQUIRE_FALSE(ram);
    CHECK(ram.error().fault == view_fault::bad_regions);
    CHECK(ram.error().regions == region_fault::bad_fd_index);
    CHECK_FALSE(basic_pread_ram<>::open(all, std::span<const int>{}));
    CHECK(open_fd_count() == before);
}

TEST_CASE("a file shorter than its region is truncated, from the first missing byte on") {
    const unique_fd fd = ram_file(page + 4);
    const auto ram = basic_pread_ram<>::open(all, std::array{fd.get()});
    REQUIRE(ram);
    CHECK(word_at(*ram, page - 8));
    CHECK(word_at(*ram, page).error() == guest_error{guest_fault::truncated, 0, 0});
    CHECK(word_at(*ram, 2 * page).error().fault == guest_fault::truncated);
}

TEST_CASE("an interrupted or partial read goes on, a refused one keeps its errno") {
    const unique_fd fd = ram_file(4 * page);
    number_words(fd, 4 * page);
    const auto slow = basic_pread_ram<slow_calls>::open(all, std::array{fd.get()});
    CHECK(word_at(*slow, 0x1238 & ~7U) == (0x1238U & ~7U));

    const auto failing = basic_pread_ram<failing_calls>::open(all, std::array{fd.get()});
    failing_calls::arm(0, EIO);
    const auto refused = word_at(*failing, 0);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().fault == guest_fault::unreadable);
    CHECK(refused.error().cause() == os_error{EIO, "pread"});
}

TEST_CASE("RAM that is truncated and grown during reads gives errors, never a signal") {
    const unique_fd fd = ram_file(4 * page);
    const auto ram = basic_pread_ram<>::open(all, std::array{fd.get()});
    std::atomic<bool> stop = false;
    std::thread other{[&] {
        while (!stop) {
            static_cast<void>(::ftruncate(fd.get(), 0) == 0 &&
                              ::ftruncate(fd.get(), 4 * page) == 0);
        }
    }};
    int odd = 0;
    const int reads = vmsig::test::repetitions(200'000);
    for (int i = 0; i < reads; ++i) {
        const auto word = word_at(*ram, 2 * page);
        odd += word ? *word != 0 : word.error().fault != guest_fault::truncated;
    }
    stop = true;
    other.join();
    CHECK(odd == 0);
}
