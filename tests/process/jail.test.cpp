// Rule: docs/system-calls.md names the system calls of a running bus, of one that is made and
// destroyed, and of a server: nothing else is called, and nothing in the lists is there for
// nothing.
#include <fstream>
#include <map>
#include <sstream>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <vmsig/client/client.hpp>
#include <vmsig/transport/listener.hpp>
#include <vmsig/transport/server.hpp>

#include "child.hpp"
#include "workload.hpp"

#include <support/sanitizers.hpp>

using namespace vmsig;
using namespace vmsig::test;

namespace {

constexpr int no_filter = 99; ///< what a child ends with where there are no jails

/// Every name that the page may use. `epoll_pwait` and `fstat` are what libraries other than
/// glibc, or on other machines, call instead.
const std::map<std::string, std::vector<long>> numbers{
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
std::vector<std::string> listed(const std::string& heading) {
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
void enter_jail(const std::vector<std::string>& names) {
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

std::vector<std::string> without(std::vector<std::string> names, const std::string& one) {
    std::erase(names, one);
    return names;
}
std::vector<std::string> both(std::vector<std::string> names,
                              const std::vector<std::string>& more) {
    names.insert(names.end(), more.begin(), more.end());
    return names;
}

bool right(const workload& w) {
    return !w.drives.wrong && w.drives.receipts == w.drives.accepted && w.comes.right();
}
/// The workload in both loops, from a bus that was made before the door closed.
int run_jailed(const std::vector<std::string>& names) {
    return in_child([&] {
        workload& w = *new workload; // never destroyed
        w.dispatch(2);
        unique_fd bell{::eventfd(0, EFD_CLOEXEC)};
        enter_jail(names);
        w.run(30);
        for (int posts = 0; posts < 10; ++posts) (void)w.bus.post([] {});
        const auto watched = w.bus.watch(bell, interest::read, [](interests) {});
        if (!watched) return 2;
        w.bus.unwatch(*watched);
        const std::uint64_t before = w.drives.rounds;
        w.drives.go(30);
        while (w.drives.rounds < before + 30 || !w.drives.resting()) w.bus.dispatch();
        return right(w) ? 0 : 1;
    });
}
/// From the first line of a host's main to the last.
int live_jailed(const std::vector<std::string>& names) {
    return in_child([&] {
        enter_jail(names);
        for (int i = 0; i < 200; ++i) detail::new_anchor(); // the next one is on a page of its own
        workload w;
        w.run(20);
        return right(w) ? 0 : 1;
    });
}
struct open_gate {
    endpoint_id vm;
    std::optional<grant> authenticate(const peer_identity&) { return full(vm, 5); }
};
/// A peer that comes, asks for everything once, descriptors too, and goes.
bool visits(const std::string& path) {
    auto c = client::connect(path, {"visitor"});
    if (!c) return false;
    const auto vm = (*c)->find("vm");
    if (!vm) return false;
    for (const event* e = nullptr; (e = (*c)->next_event(seconds(5))) != nullptr;)
        if (e->is(kind::replay_end)) break;
    const auto shown = (*c)->memctx(*vm);
    return shown && shown->fds_included && (*c)->may(verb::power_off, *vm) == refusal::none;
}
/// A server serves one visitor.
int serve_jailed(const std::vector<std::string>& names) {
    char folder[] = "/tmp/vmsig-XXXXXX";
    REQUIRE(::mkdtemp(folder) != nullptr);
    const std::string path = std::string{folder} + "/socket";
    auto listening = listening_socket::at(path, 0600);
    REQUIRE(listening);
    const pid_t visitor = ::fork();
    REQUIRE(visitor >= 0);
    if (visitor == 0) leave_child([&] { return visits(path) ? 0 : 1; });
    const int ended = in_child([&] {
        workload& w = *new workload; // never destroyed
        w.dispatch(2);
        open_gate& gate = *new open_gate{w.vm};
        const auto& door = *new server{w.bus, gate, listening->take()};
        enter_jail(names);
        while (door.statistics().gone == 0) w.bus.dispatch();
        return right(w) ? 0 : 1;
    });
    if (ended != 0) ::kill(visitor, SIGKILL); // it waits for nobody
    const int visited = wait_for(visitor);
    ::unlink((path + ".lock").c_str());
    ::unlink(path.c_str());
    ::rmdir(folder);
    return ended != 0 ? ended : visited;
}

/// All in the list is enough, and each of `needed`, which are in it, is.
void try_list(int (*run)(const std::vector<std::string>&), const std::vector<std::string>& list,
              const std::vector<std::string>& needed) {
    if (VMSIG_TEST_SANITIZED) VMSIG_SKIP("a sanitizer makes system calls");
    const int ended = run(list);
    if (ended == no_filter) VMSIG_SKIP("the kernel takes no filter");
    CHECK(ended == 0);
    for (const std::string& name : needed) {
        INFO("without " << name);
        CHECK(run(without(list, name)) == -SIGSYS);
    }
}

} // namespace

TEST_CASE("a running bus makes the system calls that the page lists, and no others") {
    const auto names = listed("A running bus");
    try_list(run_jailed, names, names); // this program's clock has no vDSO
}

TEST_CASE("a bus is made and destroyed with the system calls that the page lists besides") {
    const auto more = listed("Making and destroying one");
    try_list(live_jailed, both(listed("A running bus"), more), without(more, "brk")); // or mmap
}

TEST_CASE("a server makes the system calls that the page lists besides") {
    const auto more = listed("A server on a socket");
    try_list(serve_jailed, both(listed("A running bus"), more), more);
}
