// Descriptors that play guest RAM in tests, and system calls that fail when told to.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>

#include <grp.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vmsig/base/unique_fd.hpp>
#include <vmsig/guest/fd_calls.hpp>
#include <vmsig/memctx/locator.hpp>

namespace vmsig::test {

inline unique_fd ram_file(std::uint64_t bytes) {
    unique_fd fd{::memfd_create("guest-ram", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    if (::ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0) fd.reset();
    return fd;
}

inline bool add_seals(const unique_fd& fd, int seals) {
    return ::fcntl(fd.get(), F_ADD_SEALS, seals) == 0;
}

/// Each word holds its own offset, so that a read shows where it came from.
inline void number_words(const unique_fd& fd, std::uint64_t bytes) {
    for (std::uint64_t at = 0; at < bytes; at += sizeof at)
        if (::pwrite(fd.get(), &at, sizeof at, static_cast<off_t>(at)) != sizeof at) return;
}

/// One descriptor, its regions given as {start, length, offset}.
inline memctx_locator locate(std::initializer_list<ram_region> regions,
                             paging_mode paging = paging_mode::x86_64_4_level) {
    memctx_locator locator;
    locator.paging = paging;
    locator.fd_count = 1;
    for (const ram_region& r : regions) static_cast<void>(locator.add(r));
    return locator;
}

inline constexpr uid_t nobody = 65534;

inline bool may_change_uid() { return ::geteuid() == 0; }

/// The errno that `work` returns in a child process that runs as `nobody`.
template <class Work>
int as_nobody(Work&& work) {
    const pid_t child = ::fork();
    if (child == 0) {
        const bool dropped =
            ::setgroups(0, nullptr) == 0 && ::setgid(nobody) == 0 && ::setuid(nobody) == 0;
        ::_exit(dropped ? work() : 255);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// fd_calls of which call number `fail_at` fails with `code`, counted over all of them.
struct failing_calls {
    static inline int made = 0;
    static inline int fail_at = -1;
    static inline int code = 0;

    static void arm(int at, int with) {
        made = 0;
        fail_at = at;
        code = with;
    }
    static bool fails() {
        if (made++ != fail_at) return false;
        errno = code;
        return true;
    }
    static int open(const char* path, int flags) {
        return fails() ? -1 : fd_calls::open(path, flags);
    }
    static int fcntl(int fd, int command) { return fails() ? -1 : fd_calls::fcntl(fd, command); }
    static int fstat(int fd, struct stat* status) {
        return fails() ? -1 : fd_calls::fstat(fd, status);
    }
    static ssize_t pread(int fd, void* into, std::size_t length, off_t offset) {
        return fails() ? -1 : fd_calls::pread(fd, into, length, offset);
    }
    static void* mmap(std::size_t length, int protection, int flags, int fd, off_t offset) {
        return fails() ? MAP_FAILED : fd_calls::mmap(length, protection, flags, fd, offset);
    }
    static int munmap(void* base, std::size_t length) {
        ++unmapped;
        return fd_calls::munmap(base, length);
    }
    static inline int unmapped = 0; ///< counted, never failed: nobody could act on it
    static int dup(int fd) { return fails() ? -1 : fd_calls::dup(fd); }
};

} // namespace vmsig::test
