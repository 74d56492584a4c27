// Rule: guest RAM that somebody else truncates, seals, or leaves sparse is read with a typed error
// or not exported, never with a signal, and reading it for a control allocates none of it.
#include <sys/mman.h>
#include <sys/stat.h>

#include <grp.h>

#include <vmsig/guest/page_tables.hpp>

#include "child.hpp"
#include "workload.hpp"

using namespace vmsig;
using namespace vmsig::test;

namespace {

constexpr std::size_t page = 4096;
constexpr int all_seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | seal::future_write;

/// Shows a file as guest RAM; page tables are wherever its test puts them.
struct provider {
    static constexpr roles serves = role::memctx_provider;
    adapter_handle bus;
    unique_fd ram;
    std::uint64_t bytes = 0;

    void on_attach(adapter_handle b) { bus = b; }
    expected<memctx_locator, os_error> describe() {
        memctx_locator l;
        l.paging = paging_mode::x86_64_4_level;
        l.fd_count = 1;
        (void)l.add(ram_region{0, bytes, 0, 0, 0});
        return l;
    }
    expected<ram_fds, os_error> share_fds() {
        ram_fds f;
        f.fd[0] = ram.get();
        f.count = 1;
        return f;
    }
    void invalidate(epoch_number e, adapter_handle b) { b.publish(e); }
};

struct reader {
    control_handle bus;
    std::uint64_t ended = 0, done = 0, odd = 0, open = 0;
    void on_event(const event& e, control_handle) {
        const auto* r = e.as<receipt>();
        if (!r) return;
        ++ended;
        --open;
        done += r->outcome == outcome::done ? 1u : 0u;
        const bool typed = r->outcome == outcome::failed && r->failure == failure::unavailable;
        odd += r->outcome != outcome::done && !typed ? 1u : 0u;
        for (const std::byte b : bus.bytes(e.payload)) odd += b != std::byte{} ? 1u : 0u;
    }
};

struct shown {
    provider p;
    reader r;
    workload_core bus;
    endpoint_id vm = bus.add_endpoint("vm");

    shown(unique_fd fd, std::uint64_t bytes, bool weak) {
        p.ram = std::move(fd);
        p.bytes = bytes;
        bus.allow_weak_export(weak);
        bus.attach_adapter(p, vm);
        REQUIRE(p.bus.publish(bus.epoch_of(vm)));
        r.bus = bus.attach(r, full(vm));
        settle();
    }
    ~shown() { p.bus.detach(); }
    void settle() {
        while (bus.dispatch()) {}
    }
    /// Eight bytes each, `n` times, as many at once as a control may.
    void read(std::uint64_t n, std::uint64_t at) {
        for (std::uint64_t asked = 0; asked < n || r.open != 0;) {
            while (asked < n && r.bus.submit(read_memory(vm, {at}, 8))) ++asked, ++r.open;
            bus.dispatch();
        }
    }
};

unique_fd memory_file(std::uint64_t bytes) {
    unique_fd fd{::memfd_create("guest-ram", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    REQUIRE(::ftruncate(fd.get(), static_cast<off_t>(bytes)) == 0);
    return fd;
}
unique_fd file_in(const char* folder, mode_t mode, std::uint64_t bytes) {
    std::string name = std::string{folder} + "/vmsig-ram-XXXXXX";
    unique_fd fd{::mkstemp(name.data())};
    if (!fd) return fd;
    ::unlink(name.c_str());
    REQUIRE(::ftruncate(fd.get(), static_cast<off_t>(bytes)) == 0);
    REQUIRE(::fchmod(fd.get(), mode) == 0);
    return fd;
}
std::uint64_t blocks_of(int fd) {
    struct stat s {};
    REQUIRE(::fstat(fd, &s) == 0);
    return static_cast<std::uint64_t>(s.st_blocks);
}
/// So many; fewer in a build that is slowed down for other reasons.
std::uint64_t reads_wanted() {
    const char* wish = std::getenv("VMSIG_TEST_RAM_READS");
    return wish ? std::strtoull(wish, nullptr, 10) : 100'000;
}
/// What a child as another user achieves with what it was given: 0 nothing, 1 seals, 2 a byte, 3 a
/// mapping, 4 a truncation.
int try_everything(int fd) {
    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    const unique_fd again{::open(path.c_str(), O_RDWR | O_CLOEXEC)};
    for (const int f : {fd, again.get()}) {
        if (f < 0) continue;
        if (::fcntl(f, F_ADD_SEALS, F_SEAL_WRITE) == 0) return 1;
        if (::pwrite(f, "x", 1, 0) == 1) return 2;
        if (::mmap(nullptr, 1, PROT_WRITE, MAP_SHARED, f, 0) != MAP_FAILED) return 3;
        if (::ftruncate(f, 1) == 0) return 4;
    }
    return 0;
}
int as_somebody(int fd) {
    constexpr uid_t nobody = 65534;
    return in_child([fd] {
        const bool dropped =
            ::setgroups(0, nullptr) == 0 && ::setgid(nobody) == 0 && ::setuid(nobody) == 0;
        return dropped ? try_everything(fd) : 99;
    });
}

} // namespace

TEST_CASE("the bus reads RAM that another thread truncates and grows: bytes or a typed error") {
    shown s{memory_file(4 * page), 4 * page, true};
    const int fd = s.p.ram.get();
    std::atomic<bool> stop{false};
    std::thread other{[&] {
        while (!stop) static_cast<void>(::ftruncate(fd, 0) == 0 && ::ftruncate(fd, 4 * page) == 0);
    }};
    s.read(reads_wanted(), 2 * page);
    while (s.r.done == 0 || s.r.done == s.r.ended) s.read(1'000, 2 * page); // both have been
    stop = true;
    other.join();
    CHECK(s.r.odd == 0);
}

TEST_CASE("a view reads through page tables that another thread truncates: a value or a type") {
    constexpr std::uint64_t root = 0x1000, va = 0x7000'0000'0000, bytes = 16 * page;
    std::vector<std::byte> image(bytes);
    page_table_builder build{image, 0, paging_mode::x86_64_4_level, root, 8 * page};
    REQUIRE(build.map(va, 12 * page, page, page_access::write));
    const unique_fd fd = memory_file(bytes);
    const auto restore = [&] {
        return ::ftruncate(fd.get(), bytes) == 0 &&
               ::pwrite(fd.get(), image.data(), bytes, 0) == ssize_t{bytes};
    };
    REQUIRE(restore());
    provider p;
    p.bytes = bytes;
    const int borrowed[] = {fd.get()};
    const auto view = pread_view::open(*p.describe(), std::span<const int>{borrowed});
    REQUIRE(view);
    std::atomic<bool> stop{false};
    std::thread other{[&] {
        while (!stop) static_cast<void>(::ftruncate(fd.get(), 5) == 0 && restore());
    }};
    std::uint64_t read = 0, refused = 0, odd = 0;
    for (std::uint64_t n = reads_wanted(); n != 0 || read == 0 || refused == 0; n -= n != 0) {
        const auto got = view->read_object<std::uint64_t>({virtual_address{va}, build.root()});
        ++(got ? read : refused);
        if (got)
            odd += *got != 0 ? 1u : 0u;
        else // cut off, or zeros where the tables are not written again yet
            odd += got.error().fault != guest_fault::truncated &&
                           got.error().fault != guest_fault::not_present
                       ? 1u
                       : 0u;
    }
    stop = true;
    other.join();
    CHECK(odd == 0);
}

TEST_CASE("whoever is another user gets nothing out of what is exported, and what could is not") {
    if (::geteuid() != 0) VMSIG_SKIP("needs root to become another user");
    struct {
        const char* name;
        unique_fd fd;
        bool sealed;
        int could; ///< what another user would achieve with the descriptor itself
    } const files[] = {{"memfd", memory_file(4 * page), false, 1},
                       {"sealed memfd", memory_file(4 * page), true, 0},
                       {"tmpfs, for all", file_in("/dev/shm", 0666, 4 * page), false, 2},
                       {"tmpfs", file_in("/dev/shm", 0600, 4 * page), false, 0},
                       {"file, for all", file_in("/tmp", 0666, 4 * page), false, 2},
                       {"file", file_in("/tmp", 0644, 4 * page), false, 0}};
    for (const auto& f : files) {
        if (!f.fd) continue;
        INFO(f.name);
        if (f.sealed) REQUIRE(::fcntl(f.fd.get(), F_ADD_SEALS, all_seals) == 0);
        const unique_fd read_only{
            ::open(("/proc/self/fd/" + std::to_string(f.fd.get())).c_str(), O_RDONLY | O_CLOEXEC)};
        CHECK(as_somebody(read_only.get()) == f.could);
        const std::string path = "/proc/self/fd/" + std::to_string(f.fd.get());
        shown s{unique_fd{::open(path.c_str(), O_RDWR | O_CLOEXEC)}, 4 * page, false};
        const auto out = s.r.bus.memctx(s.vm);
        CHECK(out.has_value() == f.sealed); // its receiver is root, whom no mode holds
        if (out) CHECK(out->locator.level == export_level::sealed);
        if (out) CHECK(as_somebody(out->fds[0].get()) == 0);
        if (out) CHECK(try_everything(out->fds[0].get()) == 0);
    }
}

TEST_CASE("seals that somebody else adds end the export where they can be added at all") {
    for (const int missing : {0, +F_SEAL_SEAL}) {
        unique_fd fd = memory_file(4 * page);
        REQUIRE(::fcntl(fd.get(), F_ADD_SEALS, all_seals & ~missing) == 0);
        const int foreign = ::dup(fd.get());
        const unique_fd other{foreign};
        shown s{std::move(fd), 4 * page, false};
        const auto before = s.r.bus.memctx(s.vm);
        const bool added = ::fcntl(foreign, F_ADD_SEALS, F_SEAL_WRITE) == 0;
        CHECK(added == (missing != 0));
        CHECK(before.has_value() == !added); // what a foreign hand could change was never given
        s.read(10, 0);
        CHECK(s.r.done == 10); // the bus itself reads on
    }
}

TEST_CASE("what the bus reads for a control allocates no page of sparse RAM, a mapping does") {
    constexpr std::uint64_t bytes = 64u << 20;
    shown s{memory_file(bytes), bytes, true};
    const int fd = s.p.ram.get();
    for (std::uint64_t at = 0; at < bytes; at += bytes / 64) s.read(4, at);
    CHECK(s.r.done == 256);
    CHECK(blocks_of(fd) == 0);
    auto out = s.r.bus.memctx(s.vm);
    REQUIRE(out);
    const auto view = pread_view::open(out->locator, std::move(out->fds));
    REQUIRE(view);
    CHECK(view->read_object<std::uint64_t>(bytes / 2));
    CHECK(blocks_of(fd) == 0);
    const char* const mapped =
        static_cast<const char*>(::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd, 0));
    REQUIRE(mapped != MAP_FAILED);
    CHECK(*const_cast<const volatile char*>(mapped + bytes / 2) == 0);
    CHECK(blocks_of(fd) > 0);
    ::munmap(const_cast<char*>(mapped), bytes);
}
