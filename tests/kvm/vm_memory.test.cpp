// The host's hand in guest memory, and what the exported descriptor refuses.
#include <vmsig/kvm/vm.hpp>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vmsig/base/unique_fd.hpp>
#include <vmsig/guest/export_gate.hpp>

#include "machine.hpp"

using namespace vmsig;
using kvm::memory_error;
using kvm::status_kind;
using test::machine;

namespace {

template <class T>
std::span<const std::byte> bytes_of(const T& value) {
    return std::as_bytes(std::span{&value, 1});
}

} // namespace

TEST_CASE("the running guest sees an atomic store and answers") {
    VMSIG_NEEDS_KVM();
    machine m;
    REQUIRE(m.boot());
    const std::uint64_t bells = m.bells;
    REQUIRE(m.mail(0x1234));
    CHECK(m.acknowledged(0x1234));
    CHECK(m.says("mailbox 0000000000001234"));
    CHECK(m.wait([&] { return m.bells > bells; }));
    CHECK(m.wait([&] { return m.word(STATE_OFFSET(kicks)) >= 1; }));
}

TEST_CASE("stores of each width change exactly their bytes") {
    VMSIG_NEEDS_KVM();
    machine m;
    REQUIRE(m.boot());
    const std::uint64_t gpa = m.gpa(STATE_OFFSET(scratch));
    const auto check = [&](auto value) {
        REQUIRE(m.store(STATE_OFFSET(scratch), ~std::uint64_t{0}));
        REQUIRE(m.vm.store(gpa, bytes_of(value)));
        std::uint64_t expected = ~std::uint64_t{0};
        std::memcpy(&expected, &value, sizeof value);
        CHECK(m.word(STATE_OFFSET(scratch)) == expected);
    };
    check(std::uint8_t{0x11});
    check(std::uint16_t{0x2222});
    check(std::uint32_t{0x33333333});
    check(std::uint64_t{0x4444444444444444});
}

TEST_CASE("a compare-exchange changes the word only if it held what was wanted") {
    VMSIG_NEEDS_KVM();
    machine m;
    REQUIRE(m.boot());
    REQUIRE(m.mail(1));
    REQUIRE(m.acknowledged(1));
    const std::uint64_t gpa = m.gpa(STATE_OFFSET(mailbox)), one = 1, two = 2, three = 3;
    CHECK(m.vm.compare_exchange(gpa, bytes_of(three), bytes_of(two)) == false);
    CHECK(m.vm.compare_exchange(gpa, bytes_of(one), bytes_of(two)) == true);
    m.vm.kick();
    CHECK(m.acknowledged(2));
    const std::uint16_t narrow = 2;
    CHECK(m.vm.compare_exchange(gpa, bytes_of(narrow), bytes_of(two)).error() ==
          memory_error::misaligned);
}

TEST_CASE("what is not a word, or not in RAM, is refused") {
    VMSIG_NEEDS_KVM();
    machine m;
    REQUIRE(m.boot());
    const std::array<std::byte, 16> data{};
    const auto first = [&](std::size_t n) { return std::span{data}.first(n); };
    const std::uint64_t end = m.vm.regions()[0].length;
    const std::uint64_t high_end = kvm::high_ram_start + m.vm.regions()[1].length;
    for (const std::size_t odd : {0ul, 3ul, 5ul, 16ul})
        CHECK(m.vm.store(0x8000, first(odd)).error() == memory_error::misaligned);
    CHECK(m.vm.store(0x8001, first(2)).error() == memory_error::misaligned);
    for (const std::uint64_t hole : {end, high_end, kvm::high_ram_start - 8, ~std::uint64_t{7}})
        CHECK(m.vm.store(hole, first(8)).error() == memory_error::out_of_range);
    for (const std::uint64_t edge : {end - 8, high_end - 8, kvm::high_ram_start - 8})
        CHECK(m.vm.write(edge, first(16)).error() == memory_error::out_of_range);
    CHECK(m.vm.write(end - 16, first(16)));
    CHECK(m.vm.write(high_end - 16, first(16)));
    CHECK_FALSE(m.vm.contains(0, 0));
    CHECK_FALSE(m.vm.contains(16, ~std::uint64_t{0}));
}

TEST_CASE("a write for a stopped machine is refused while it runs") {
    VMSIG_NEEDS_KVM();
    machine m;
    REQUIRE(m.boot());
    const std::uint64_t gpa = m.gpa(STATE_OFFSET(scratch));
    const std::array<char, 8> text{"written"};
    CHECK(m.vm.write_stopped(gpa, bytes_of(text)).error() == memory_error::not_stopped);
    REQUIRE(m.pause());
    REQUIRE(m.vm.write_stopped(gpa, bytes_of(text)));
    CHECK(m.read<std::array<char, 8>>(STATE_OFFSET(scratch)) == text);
    m.vm.request_resume();
    CHECK(m.vm.write_stopped(gpa, bytes_of(text)).error() == memory_error::not_stopped);
}

TEST_CASE("the busy guest never sees half of a paused write") {
    VMSIG_NEEDS_KVM();
    machine m;
    REQUIRE(m.boot());
    REQUIRE(m.mail(VMSIG_GUEST_SET_MODE | VMSIG_GUEST_MODE_BUSY));
    REQUIRE(m.acknowledged(VMSIG_GUEST_SET_MODE | VMSIG_GUEST_MODE_BUSY));
    const std::uint64_t low = m.gpa(STATE_OFFSET(pair_low));
    const std::uint64_t high = m.gpa(STATE_OFFSET(pair_high));
    for (std::uint64_t n = 1; n <= 200; ++n) {
        REQUIRE(m.pause());
        REQUIRE(m.vm.write_stopped(low, bytes_of(n)));
        REQUIRE(m.vm.write_stopped(high, bytes_of(n)));
        m.vm.request_resume();
    }
    const std::uint64_t heartbeat = m.word(STATE_OFFSET(heartbeat));
    CHECK(m.wait([&] { return m.word(STATE_OFFSET(heartbeat)) > heartbeat + 10; }));
    CHECK(m.word(STATE_OFFSET(pair_low)) == 200);
    CHECK(m.word(STATE_OFFSET(torn)) == 0);
    // The counter can count: one half alone is seen.
    REQUIRE(m.store(STATE_OFFSET(pair_high), 0));
    CHECK(m.wait([&] { return m.word(STATE_OFFSET(torn)) > 0; }));
}

TEST_CASE("the exported descriptor is read-only for good") {
    VMSIG_NEEDS_KVM();
    machine m;
    REQUIRE(m.boot());
    const int fd = m.vm.ram_fd();
    const auto size = static_cast<std::size_t>(m.vm.regions()[1].offset + m.vm.regions()[1].length);
    const char byte = 'x';
    CHECK(assess_export(fd, 0) == export_level::sealed);
    CHECK(::write(fd, &byte, 1) < 0);
    CHECK(::pwrite(fd, &byte, 1, 0) < 0);
    CHECK(::ftruncate(fd, 0) < 0);
    CHECK(::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
    void* mapped = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
    REQUIRE(mapped != MAP_FAILED);
    CHECK(::mprotect(mapped, size, PROT_READ | PROT_WRITE) < 0);
    ::munmap(mapped, size);
    CHECK(::fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) < 0);

    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    const unique_fd again{::open(path.c_str(), O_RDWR | O_CLOEXEC)};
    if (again) { // it may open; it must not write
        CHECK(::pwrite(again.get(), &byte, 1, 0) < 0);
        CHECK(::ftruncate(again.get(), 0) < 0);
        CHECK(::ftruncate(again.get(), static_cast<off_t>(size) * 2) < 0);
        CHECK(::fallocate(again.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) < 0);
        CHECK(::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, again.get(), 0) ==
              MAP_FAILED);
    }
    const std::uint64_t heartbeat = m.word(STATE_OFFSET(heartbeat));
    CHECK(m.wait([&] { return m.word(STATE_OFFSET(heartbeat)) > heartbeat; }));
}
