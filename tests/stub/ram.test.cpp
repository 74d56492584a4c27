// Rule: the stub's memory is what a real machine's is: sealed descriptors that nobody can write
// through, and regions with a hole between them.
#include <vmsig/stub/ram.hpp>

#include <support/catch.hpp>
#include <support/fd_count.hpp>

#include <vmsig/guest/export_gate.hpp>

using namespace vmsig;

TEST_CASE("the descriptors are sealed against everybody, root included") {
    const stub::ram memory{1024 * 1024, 64 * 1024};
    for (const int fd : memory.fds()) {
        const auto level = assess_export(fd, 0);
        REQUIRE(level);
        CHECK(*level == export_level::sealed);
        void* const again = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        CHECK(again == MAP_FAILED);
        CHECK(::ftruncate(fd, 0) != 0);
        CHECK(::pwrite(fd, "x", 1, 0) < 0);
    }
}

TEST_CASE("its owner writes through the mappings and the descriptors show it") {
    const stub::ram memory{1024 * 1024, 64 * 1024};
    *memory.at(4096) = std::byte{1};
    *memory.at(stub::high_ram_start + 5) = std::byte{2};
    char byte = 0;
    CHECK(::pread(memory.fds()[0], &byte, 1, 4096) == 1);
    CHECK(byte == 1);
    CHECK(::pread(memory.fds()[1], &byte, 1, 5) == 1);
    CHECK(byte == 2);
    memory.clear();
    CHECK(*memory.at(4096) == std::byte{0});
}

TEST_CASE("the regions are fit for a region map and have a hole between them") {
    const stub::ram memory{1024 * 1024, 64 * 1024};
    REQUIRE(check_regions(memory.regions(), 2));
    const region_map map{memory.regions()};
    CHECK(map.contains(1024 * 1024 - 8, 8));
    CHECK_FALSE(map.contains(1024 * 1024 - 8, 16));
    CHECK_FALSE(map.contains(stub::high_ram_start - 1, 1));
    CHECK(map.contains(stub::high_ram_start, 64 * 1024));
    CHECK(memory.writer().store(stub::high_ram_start, std::as_bytes(std::span{"1234567", 8})));
}

TEST_CASE("no descriptor is left, and a length that cannot be is an error of the system") {
    const int before = vmsig::test::open_fd_count();
    { const stub::ram memory{1024 * 1024, 64 * 1024}; }
    CHECK_THROWS_AS(stub::sealed_memory{0}, std::system_error);
    CHECK(vmsig::test::open_fd_count() == before);
}
