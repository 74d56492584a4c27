// fd_trials: the attempts.
#include "fd_trials.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include <vmsig/base/unique_fd.hpp>

namespace demo {
namespace {

bool maps_writable(int fd) {
    void* p = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) return false;
    ::munmap(p, 4096);
    return true;
}

} // namespace

std::string_view try_to_write(int fd) {
    char byte = 0;
    struct stat s {};
    if (::pread(fd, &byte, 1, 0) != 1 || ::fstat(fd, &s) != 0) return "not even read";
    const auto writable = [&](int to) { return ::pwrite(to, &byte, 1, 0) >= 0; };
    const auto truncatable = [&](int to) { return ::ftruncate(to, s.st_size / 2) == 0; };
    if (writable(fd)) return "written";
    if (maps_writable(fd)) return "mapped writable";
    if (truncatable(fd)) return "truncated";
    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    const vmsig::unique_fd again{::open(path.c_str(), O_RDWR | O_CLOEXEC)};
    if (again && (writable(again.get()) || maps_writable(again.get()) || truncatable(again.get())))
        return "reopened, and written then";
    return "";
}

} // namespace demo
