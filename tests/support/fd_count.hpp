// How many descriptors this process has open: equal before and after is the proof of no leak.
#pragma once

#include <dirent.h>

namespace vmsig::test {

/// Open descriptors of the calling process, or -1 where /proc is not mounted.
inline int open_fd_count() {
    DIR* folder = ::opendir("/proc/self/fd");
    if (folder == nullptr) return -1;
    int count = -1; // the folder's own descriptor
    while (const dirent* entry = ::readdir(folder)) {
        if (entry->d_name[0] != '.') ++count;
    }
    ::closedir(folder);
    return count;
}

} // namespace vmsig::test
