// What is exported is read-only and of the level that is claimed: tried out as another uid.
#include <vmsig/guest/export_gate.hpp>

#include <string>

#include <support/catch.hpp>
#include <support/fd_count.hpp>

#include "ram_file.hpp"

namespace {

using namespace vmsig;
using namespace vmsig::test;

constexpr std::uint64_t bytes = 4 * 4096;
constexpr int sealed_set = seal::seal | seal::shrink | seal::grow | seal::future_write;

export_level level_of(const unique_fd& fd, uid_t receiver) {
    const auto level = assess_export(fd.get(), receiver);
    REQUIRE(level);
    return *level;
}

export_fault fault_of(const expected<exported_fd, export_error>& result) {
    REQUIRE_FALSE(result);
    return result.error().fault;
}

/// What a hostile receiver meets: 0 if it could write one byte through `fd`, else the errno.
int try_to_write(int fd) {
    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    const unique_fd again{::open(path.c_str(), O_RDWR)};
    if (!again) return errno;
    void* const mapped = ::mmap(nullptr, 1, PROT_WRITE, MAP_SHARED, again.get(), 0);
    if (mapped != MAP_FAILED) return 0;
    if (::ftruncate(again.get(), 0) == 0) return 0;
    return ::pwrite(again.get(), "x", 1, 0) == 1 ? 0 : errno;
}

} // namespace

TEST_CASE("sealed takes future-write with shrink, grow and seal, and then suffices for all") {
    for (int missing : {0, +seal::seal, +seal::shrink, +seal::grow, +seal::future_write}) {
        const unique_fd fd = ram_file(bytes);
        REQUIRE(add_seals(fd, sealed_set & ~missing));
        for (const uid_t receiver : {uid_t{0}, ::getuid(), nobody})
            CHECK(level_of(fd, receiver) == (missing ? export_level::weak : export_level::sealed));
    }
    const unique_fd frozen = ram_file(bytes); // F_SEAL_WRITE stops even more
    REQUIRE(add_seals(frozen, seal::seal | seal::shrink | seal::grow | seal::write));
    CHECK(level_of(frozen, 0) == export_level::sealed);
}

TEST_CASE("guarded takes a mode without write bits for others, and never holds root or the owner") {
    const unique_fd fd = ram_file(bytes);
    struct {
        mode_t mode;
        export_level other;
    } const cases[] = {{0777, export_level::weak},    {0, export_level::guarded},
                       {0444, export_level::guarded}, {0644, export_level::guarded},
                       {0664, export_level::weak},    {0602, export_level::weak}};
    const uid_t other = ::getuid() + 1;
    for (const auto& c : cases) {
        REQUIRE(::fchmod(fd.get(), c.mode) == 0);
        CHECK(level_of(fd, other) == c.other);
        CHECK(level_of(fd, 0) == export_level::weak);
        CHECK(level_of(fd, ::getuid()) == export_level::weak);
    }
}

TEST_CASE("root and the owner are told apart, and neither is held by a mode") {
    if (!may_change_uid()) VMSIG_SKIP("needs root to give a file away");
    const unique_fd fd = ram_file(bytes);
    const uid_t owner = nobody - 1;
    REQUIRE(::fchown(fd.get(), owner, owner) == 0);
    REQUIRE(::fchmod(fd.get(), 0) == 0);
    CHECK(level_of(fd, 0) == export_level::weak);
    CHECK(level_of(fd, owner) == export_level::weak);
    CHECK(level_of(fd, nobody) == export_level::guarded);
}

TEST_CASE("the weak level is exported only to a host that names it") {
    const int before = open_fd_count();
    const unique_fd fd = ram_file(bytes);
    CHECK(fault_of(export_ram(fd.get(), ::getuid())) == export_fault::too_weak);
    CHECK(fault_of(export_ram(fd.get(), ::getuid(), export_level::sealed)) ==
          export_fault::too_weak);
    CHECK(open_fd_count() == before + 1);
    const auto weak = export_ram(fd.get(), ::getuid(), export_level::weak);
    REQUIRE(weak);
    CHECK(weak->level == export_level::weak);
}

TEST_CASE("what is exported is a fresh read-only descriptor, closed on exec") {
    const int before = open_fd_count();
    {
        const unique_fd fd = ram_file(bytes);
        number_words(fd, bytes);
        REQUIRE(add_seals(fd, sealed_set));
        const auto out = export_ram(fd.get(), 0);
        REQUIRE(out);
        CHECK(out->level == export_level::sealed);
        CHECK(out->fd.get() != fd.get());
        CHECK((::fcntl(out->fd.get(), F_GETFL) & O_ACCMODE) == O_RDONLY);
        CHECK((::fcntl(out->fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
        // Another open file: its offset is its own.
        REQUIRE(::lseek(out->fd.get(), 100, SEEK_SET) == 100);
        CHECK(::lseek(fd.get(), 0, SEEK_CUR) == 0);
        std::uint64_t word = 0;
        CHECK(::pread(out->fd.get(), &word, 8, 4096) == 8);
        CHECK(word == 4096);
    }
    CHECK(open_fd_count() == before);
}

TEST_CASE("what is no file is not exported") {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const unique_fd in{ends[0]};
    const unique_fd out{ends[1]};
    CHECK(fault_of(export_ram(in.get(), 0, export_level::weak)) == export_fault::not_a_file);
    CHECK(fault_of(export_ram(out.get(), 0, export_level::weak)) == export_fault::not_a_file);
    const unique_fd null{::open("/dev/null", O_RDWR)};
    CHECK(fault_of(export_ram(null.get(), 0, export_level::weak)) == export_fault::not_a_file);
    const unique_fd path{::open("/", O_PATH)};
    CHECK(fault_of(export_ram(path.get(), 0, export_level::weak)) == export_fault::not_a_file);
    CHECK(export_ram(-1, 0).error().cause == os_error{EBADF, "fcntl"});
}

TEST_CASE("each system call that fails is reported, and nothing leaks") {
    const int before = open_fd_count();
    const unique_fd fd = ram_file(bytes);
    const std::array operations{"fcntl", "open", "fcntl", "fstat", "fcntl"};
    for (std::size_t at = 0; at < operations.size(); ++at) {
        failing_calls::arm(static_cast<int>(at), EMFILE);
        const auto out = export_ram<failing_calls>(fd.get(), 0, export_level::weak);
        CHECK(fault_of(out) == export_fault::system);
        CHECK(out.error().cause == os_error{EMFILE, ""});
        CHECK(std::string{out.error().cause.operation} == operations[at]);
        CHECK(open_fd_count() == before + 1);
    }
    failing_calls::arm(-1, 0);
    CHECK(export_ram<failing_calls>(fd.get(), 0, export_level::weak));
    CHECK(failing_calls::made == 5);
}

TEST_CASE("a mode that keeps the owner out leads to a duplicate, but only of a read-only one") {
    struct locked_out : failing_calls {
        static int open(const char*, int) {
            errno = EACCES;
            return -1;
        }
    };
    const int before = open_fd_count();
    const unique_fd writable = ram_file(bytes);
    const unique_fd reader{
        ::open(("/proc/self/fd/" + std::to_string(writable.get())).c_str(), O_RDONLY | O_CLOEXEC)};
    REQUIRE(::fchmod(writable.get(), 0) == 0);
    failing_calls::arm(-1, 0);
    const uid_t other = ::getuid() + 1;
    CHECK(export_ram<locked_out>(writable.get(), other).error().cause == os_error{EACCES, "open"});
    {
        const auto out = export_ram<locked_out>(reader.get(), other);
        REQUIRE(out);
        CHECK(out->level == export_level::guarded);
        CHECK(out->fd.get() != reader.get());
        CHECK((::fcntl(out->fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
    }
    failing_calls::arm(1, EMFILE);
    const auto failed = export_ram<locked_out>(reader.get(), other);
    CHECK(fault_of(failed) == export_fault::system);
    CHECK(std::string{failed.error().cause.operation} == "dup");
    CHECK(open_fd_count() == before + 2);
}

TEST_CASE("a descriptor that came back writable is not exported") {
    struct careless : fd_calls {
        static int open(const char* path, int) { return fd_calls::open(path, O_RDWR | O_CLOEXEC); }
    };
    const int before = open_fd_count();
    const unique_fd fd = ram_file(bytes);
    CHECK(fault_of(export_ram<careless>(fd.get(), 0, export_level::weak)) ==
          export_fault::writable);
    CHECK(open_fd_count() == before + 1);
}

TEST_CASE("another uid cannot write through a sealed or guarded export, and can through a weak") {
    if (!may_change_uid()) VMSIG_SKIP("needs root to become another uid");
    const unique_fd weak = ram_file(bytes);
    const unique_fd guarded = ram_file(bytes);
    REQUIRE(::fchmod(guarded.get(), 0) == 0);
    const unique_fd sealed = ram_file(bytes);
    void* const guest = // the virtual machine, which was there before the seal
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, sealed.get(), 0);
    REQUIRE(guest != MAP_FAILED);
    REQUIRE(add_seals(sealed, sealed_set));

    const auto out_weak = export_ram(weak.get(), nobody, export_level::weak);
    const auto out_guarded = export_ram(guarded.get(), nobody);
    const auto out_sealed = export_ram(sealed.get(), nobody);
    REQUIRE((out_weak && out_guarded && out_sealed));
    CHECK(out_weak->level == export_level::weak);
    CHECK(out_guarded->level == export_level::guarded);
    CHECK(out_sealed->level == export_level::sealed);

    CHECK(as_nobody([&] { return try_to_write(out_weak->fd.get()); }) == 0);
    CHECK(as_nobody([&] { return try_to_write(out_guarded->fd.get()); }) == EACCES);
    CHECK(as_nobody([&] { return try_to_write(out_sealed->fd.get()); }) == EPERM);
    CHECK(try_to_write(out_sealed->fd.get()) == EPERM); // root, too

    // Both still read, and the machine still writes.
    static_cast<volatile char*>(guest)[0] = 'g';
    for (const int fd : {out_guarded->fd.get(), out_sealed->fd.get()}) {
        CHECK(as_nobody([&] {
                  char byte = 0;
                  if (::pread(fd, &byte, 1, 0) != 1) return 1;
                  return ::mmap(nullptr, 1, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ? 2 : 0;
              }) == 0);
    }
    ::munmap(guest, bytes);
}

TEST_CASE("RAM in a file, a tmpfs file or huge pages is judged the same way") {
    if (!may_change_uid()) VMSIG_SKIP("needs root to become another uid");
    for (const char* folder : {"/tmp", "/dev/shm"}) {
        std::string name = std::string{folder} + "/vmsig-ram-XXXXXX";
        const unique_fd fd{::mkstemp(name.data())};
        if (!fd) continue;
        ::unlink(name.c_str());
        REQUIRE(::ftruncate(fd.get(), bytes) == 0);
        CHECK(fault_of(export_ram(fd.get(), 0)) == export_fault::too_weak);
        REQUIRE(::fchmod(fd.get(), 0644) == 0);
        const auto out = export_ram(fd.get(), nobody);
        REQUIRE(out);
        CHECK(out->level == export_level::guarded);
        CHECK(as_nobody([&] { return try_to_write(out->fd.get()); }) == EACCES);
        REQUIRE(::fchmod(fd.get(), 0666) == 0);
        CHECK(fault_of(export_ram(fd.get(), nobody)) == export_fault::too_weak);
        CHECK(as_nobody([&] { return try_to_write(out->fd.get()); }) == 0);
    }
    const unique_fd huge{
        ::memfd_create("guest-ram", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB)};
    if (!huge) return;
    CHECK(level_of(huge, nobody) == export_level::weak);
    REQUIRE(add_seals(huge, sealed_set));
    CHECK(level_of(huge, 0) == export_level::sealed);
}

TEST_CASE("an owner who locked itself out exports the read-only descriptor it still has") {
    if (!may_change_uid()) VMSIG_SKIP("needs root to become another uid");
    CHECK(as_nobody([] {
              const unique_fd fd = ram_file(bytes);
              const std::string path = "/proc/self/fd/" + std::to_string(fd.get());
              const unique_fd reader{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
              if (::fchmod(fd.get(), 0) != 0) return 1;
              const auto writable = export_ram(fd.get(), 1);
              if (writable || !(writable.error().cause == os_error{EACCES, "open"})) return 2;
              const auto out = export_ram(reader.get(), 1);
              return out && out->level == export_level::guarded ? 0 : 3;
          }) == 0);
}
