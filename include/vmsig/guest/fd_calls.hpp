// fd_calls: the system calls that the guest module makes, as a policy. A test passes another one
// to make any of them fail; a host never needs to.
#pragma once

#include <cstddef>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

namespace vmsig {

/// Each answers as the call of its name does, errno included.
struct fd_calls {
    static int open(const char* path, int flags) { return ::open(path, flags); }
    static int fcntl(int fd, int command) { return ::fcntl(fd, command); }
    static int fstat(int fd, struct stat* status) { return ::fstat(fd, status); }
    static ssize_t pread(int fd, void* into, std::size_t length, off_t offset) {
        return ::pread(fd, into, length, offset);
    }
    static void* mmap(std::size_t length, int protection, int flags, int fd, off_t offset) {
        return ::mmap(nullptr, length, protection, flags, fd, offset);
    }
    static int munmap(void* base, std::size_t length) { return ::munmap(base, length); }
    /// A second descriptor of the same open file, closed on exec.
    static int dup(int fd) { return ::fcntl(fd, F_DUPFD_CLOEXEC, 0); }
};

/// What fcntl(F_GET_SEALS) may hold (linux/fcntl.h; FUTURE_WRITE since Linux 5.1).
namespace seal {
inline constexpr int seal = 0x01;
inline constexpr int shrink = 0x02;
inline constexpr int grow = 0x04;
inline constexpr int write = 0x08;
inline constexpr int future_write = 0x10;
} // namespace seal

} // namespace vmsig
