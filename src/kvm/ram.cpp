// The order matters: map, then seal, then reopen read-only. Facts in memfd_create(2), fcntl(2).
#include "ram.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include "fault.hpp"

namespace vmsig::kvm {

namespace {

constexpr std::uint64_t page_bytes = 4096;

bool fits(std::uint64_t bytes) {
    return bytes >= min_ram_bytes && bytes <= max_ram_bytes && bytes % page_bytes == 0;
}

unique_fd create(const vm_options& options) {
    if (!fits(options.low_ram) || !fits(options.high_ram))
        throw system_fault{{EINVAL, "vm_options"}};
    unique_fd fd{
        checked(::memfd_create("vmsig-kvm", MFD_CLOEXEC | MFD_ALLOW_SEALING), "memfd_create")};
    const auto bytes = static_cast<off_t>(options.low_ram + options.high_ram);
    checked(::ftruncate(fd.get(), bytes), "ftruncate");
    return fd;
}

unique_fd reopen_read_only(int fd) {
    char path[32];
    std::snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return unique_fd{checked(::open(path, O_RDONLY | O_CLOEXEC), "open /proc/self/fd")};
}

} // namespace

ram::ram(const vm_options& options)
    : ram{options, create(options)} {}

ram::ram(const vm_options& options, unique_fd writable)
    : regions_{{{.start = 0, .length = options.low_ram},
                {.start = high_ram_start, .length = options.high_ram, .offset = options.low_ram}}}
    , read_only_{reopen_read_only(writable.get())}
    , mapping_{writable.get(), options.low_ram + options.high_ram} {
    constexpr int seals = F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;
    checked(::fcntl(writable.get(), F_ADD_SEALS, seals), "F_ADD_SEALS");
    checked(::madvise(mapping_.get(), mapping_.size(), MADV_DONTFORK), "MADV_DONTFORK");
}

std::byte* ram::at(std::uint64_t gpa, std::uint64_t length) const {
    for (const ram_region& region : regions_) {
        const std::uint64_t within = gpa - region.start;
        if (length != 0 && within < region.length && length <= region.length - within)
            return static_cast<std::byte*>(mapping_.get()) + region.offset + within;
    }
    return nullptr;
}

expected<void, os_error> ram::clear() {
    const auto end = static_cast<off_t>(mapping_.size());
    for (off_t at = 0; at < end;) {
        const off_t data = ::lseek(fd(), at, SEEK_DATA);
        if (data < 0 && errno == ENXIO) break;
        if (data < 0) return unexpected{os_error::last("lseek SEEK_DATA")};
        at = ::lseek(fd(), data, SEEK_HOLE);
        if (at < 0) return unexpected{os_error::last("lseek SEEK_HOLE")};
        std::memset(static_cast<std::byte*>(mapping_.get()) + data, 0,
                    static_cast<std::size_t>(at - data));
    }
    return {};
}

} // namespace vmsig::kvm
