// A process that may make the system calls that docs/system-calls.md lists, and no others.
#pragma once

#include <cstddef>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <support/catch.hpp>

namespace vmsig::test {

inline constexpr int no_filter = 99; ///< what a child ends with where there are no jails

/// Every name that the page may use. `epoll_pwait` and `fstat` are what libraries other than
/// glibc, or on other machines, call instead.
inline const std::map<std::string, std::vector<long>> numbers{
#ifdef SYS_epoll_wait
    {"epoll_wait", {SYS_epoll_wait, SYS_epoll_pwait}},
#else
    {"epoll_wait", {SYS_epoll_pwait}},
#endif
    {"epoll_ctl", {SYS_epoll_ctl}},
    {"epoll_create1", {SYS_epoll_create1}},
    {"eventfd2", {SYS_eventfd2}},
    {"timerfd_create", {SYS_timerfd_create}},
    {"timerfd_settime", {SYS_timerfd_settime}},
    {"clock_gettime", {SYS_clock_gettime}},
    {"write", {SYS_write}},
    {"read", {SYS_read}},
    {"pread64", {SYS_pread64}},
    {"openat", {SYS_openat}},
    {"fcntl", {SYS_fcntl}},
    {"fstat", {SYS_fstat, SYS_newfstatat}},
    {"close", {SYS_close}},
    {"geteuid", {SYS_geteuid}},
    {"mmap", {SYS_mmap}},
    {"munmap", {SYS_munmap}},
    {"madvise", {SYS_madvise}},
    {"brk", {SYS_brk}},
    {"memfd_create", {SYS_memfd_create}},
    {"ftruncate", {SYS_ftruncate}},
    {"pipe2", {SYS_pipe2}},
    {"exit_group", {SYS_exit_group}},
    {"accept4", {SYS_accept4}},
    {"getsockopt", {SYS_getsockopt}},
    {"setsockopt", {SYS_setsockopt}},
    {"recvmsg", {SYS_recvmsg}},
    {"sendmsg", {SYS_sendmsg}},
    {"sendto", {SYS_sendto}},
};

/// The words of the fenced block under a heading of the page.
inline std::vector<std::string> listed(const std::string& heading) {
    std::ifstream page{VMSIG_SYSTEM_CALLS_PAGE};
    REQUIRE(page);
    std::vector<std::string> words;
    bool here = false, inside = false;
    for (std::string line; std::getline(page, line);) {
        if (line.starts_with("## "))
            here = line == "## " + heading;
        else if (here && line.starts_with("```"))
            inside = !inside;
        else if (here && inside) {
            std::istringstream each{line};
            for (std::string word; each >> word;) words.push_back(word);
        }
    }
    REQUIRE_FALSE(words.empty());
    return words;
}

/// From here on the kernel kills this process at the first system call that is not in the list.
inline void enter_jail(const std::vector<std::string>& names) {
    std::vector<sock_filter> rules{{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)}};
    const auto allow = [&rules](long number) {
        rules.push_back({BPF_JMP | BPF_JEQ | BPF_K, 0, 1, static_cast<std::uint32_t>(number)});
        rules.push_back({BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW});
    };
    allow(SYS_exit_group); // of the test
    for (const std::string& name : names)
        for (const long number : numbers.at(name)) allow(number);
    rules.push_back({BPF_RET | BPF_K, 0, 0, SECCOMP_RET_KILL_PROCESS});
    const sock_fprog program{static_cast<unsigned short>(rules.size()), rules.data()};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        ::_exit(no_filter);
}

inline std::vector<std::string> without(std::vector<std::string> names, const std::string& one) {
    std::erase(names, one);
    return names;
}
inline std::vector<std::string> both(std::vector<std::string> names,
                                     const std::vector<std::string>& more) {
    names.insert(names.end(), more.begin(), more.end());
    return names;
}

} // namespace vmsig::test
