// What a test does in a forked child, and what a process shares with the child: the objects of the
// kernel behind its descriptors.
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

#include <vmsig/base/unique_fd.hpp>

#include <support/catch.hpp>

namespace vmsig::test {

/// Leaves the child that runs `f`, with what it says: 0 is well.
template <class F>
[[noreturn]] void leave_child(F&& f) {
    int said = 125;
    try {
        said = f();
    } catch (...) {
        said = 124;
    }
    ::_exit(said);
}
inline int wait_for(pid_t child) {
    int status = -1;
    while (::waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return -1;
    return status;
}
/// What the exit status of a child is that ran `f`, or -signal.
template <class F>
int in_child(F&& f) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) leave_child(f);
    const int status = wait_for(child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

inline std::string text_of(const std::string& path) {
    std::string all;
    const unique_fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    char some[4096];
    for (ssize_t n; (n = ::read(fd.get(), some, sizeof some)) > 0;)
        all.append(some, static_cast<std::size_t>(n));
    return all;
}

/// By descriptor: what it is, and of an epoll instance what it watches, of an eventfd its count, of
/// a timer for one time whether it is set.
inline std::map<int, std::string> kernel_objects_by_fd() {
    std::map<int, std::string> all;
    DIR* folder = ::opendir("/proc/self/fd");
    REQUIRE(folder);
    while (const dirent* entry = ::readdir(folder)) {
        if (entry->d_name[0] == '.' || std::atoi(entry->d_name) == ::dirfd(folder)) continue;
        char target[256] = {};
        const std::string name = entry->d_name;
        if (::readlink(("/proc/self/fd/" + name).c_str(), target, sizeof target - 1) < 0) continue;
        std::string& is = all[std::atoi(entry->d_name)];
        is = target;
        const std::string info = text_of("/proc/self/fdinfo/" + name);
        // A periodic timer that has expired shows no time until it is read.
        const bool once = info.find("it_interval: (0, 0)") != std::string::npos;
        for (std::size_t at = 0; at < info.size();) {
            std::size_t end = std::min(info.find('\n', at), info.size());
            std::string line = info.substr(at, end - at);
            at = end + 1;
            if (line.starts_with("it_value") && once)
                line = line.find("(0, 0)") == std::string::npos ? "set" : "not set";
            else if (!line.starts_with("tfd:") && !line.starts_with("eventfd-count"))
                continue;
            is += "\n" + line;
        }
    }
    ::closedir(folder);
    return all;
}
inline std::string kernel_objects() {
    std::string text;
    for (const auto& [fd, is] : kernel_objects_by_fd())
        text += std::to_string(fd) + " " + is + "\n";
    return text;
}

} // namespace vmsig::test
