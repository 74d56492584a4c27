// Which descriptors this process has open: equal before and after is the proof of no leak. The
// shared main compares them around every test case.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <dirent.h>
#include <unistd.h>

namespace vmsig::test {

/// `f(number)` for each open descriptor. False where /proc is not mounted.
template <class F>
bool for_each_open_fd(F&& f) {
    DIR* folder = ::opendir("/proc/self/fd");
    if (folder == nullptr) return false;
    while (const dirent* entry = ::readdir(folder)) {
        const int fd = std::atoi(entry->d_name);
        if (entry->d_name[0] != '.' && fd != ::dirfd(folder)) f(fd);
    }
    ::closedir(folder);
    return true;
}

/// Open descriptors of the calling process, or -1 where /proc is not mounted.
inline int open_fd_count() {
    int count = 0;
    return for_each_open_fd([&count](int) { ++count; }) ? count : -1;
}

struct open_descriptor {
    int number = -1;
    std::string what; ///< its link in /proc/self/fd

    friend bool operator==(const open_descriptor&, const open_descriptor&) = default;
};

inline std::vector<open_descriptor> open_descriptors() {
    std::vector<open_descriptor> all;
    for_each_open_fd([&all](int fd) {
        char path[32];
        char link[256];
        std::snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        const ssize_t length = ::readlink(path, link, sizeof link);
        all.push_back({fd, {link, static_cast<std::size_t>(std::max<ssize_t>(length, 0))}});
    });
    return all;
}

/// For a test case that leaves descriptors open on purpose, or closes some that are not its own:
/// they are not held against it.
void leaves_descriptors(std::string_view why);

} // namespace vmsig::test
