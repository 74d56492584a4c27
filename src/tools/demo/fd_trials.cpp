// fd_trials: the attempts.
#include "fd_trials.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

namespace demo {
namespace {

bool maps_writable(int fd) {
    void* p = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) return false;
    ::munmap(p, 4096);
    return true;
}

} // namespace

fd_trials try_to_write(int fd) {
    fd_trials t;
    char byte = 0;
    struct stat s {};
    const bool readable = ::pread(fd, &byte, 1, 0) == 1 && ::fstat(fd, &s) == 0;
    t.write_refused = readable && ::pwrite(fd, &byte, 1, 0) < 0;
    t.mapping_refused = !maps_writable(fd);
    t.truncation_refused = ::ftruncate(fd, s.st_size / 2) < 0;
    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    const int again = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    t.reopened_write_refused =
        again < 0 || (::pwrite(again, &byte, 1, 0) < 0 && !maps_writable(again) &&
                      ::ftruncate(again, s.st_size / 2) < 0);
    if (again >= 0) ::close(again);
    return t;
}

} // namespace demo
