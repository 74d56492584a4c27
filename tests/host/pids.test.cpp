// Row 34: a process that has the number of one that is gone is not that one: it has the grant of
// its own user and its own connection, what the other holds stays the other's, and log and audit
// tell them apart.
#include "program.hpp"

#include <array>
#include <cstring>
#include <regex>

#include <grp.h>
#include <linux/sched.h>
#include <sys/syscall.h>

using namespace vmsig;
using namespace vmsig::test;

namespace {

constexpr uid_t watcher = 65534, switcher = 60001;
const std::string grants_of_both = R"(
[[grant]]
users = [65534]
on = [{ endpoints = ["*"], rights = ["observe", "input"] }]
[[grant]]
users = [60001]
on = [{ endpoints = ["*"], rights = ["observe", "power"] }]
)";

/// In a child.
void must(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "a child: %s\n", what);
    ::_exit(1);
}
void become(uid_t uid) {
    must(::setgroups(0, nullptr) == 0 && ::setgid(uid) == 0 && ::setuid(uid) == 0,
         "can not become another user");
}
/// fork(2), with a number of one's choice, which must be free.
pid_t fork_as(pid_t number) {
    ::clone_args a{};
    a.exit_signal = SIGCHLD;
    a.set_tid = reinterpret_cast<std::uintptr_t>(&number);
    a.set_tid_size = 1;
    return static_cast<pid_t>(::syscall(SYS_clone3, &a, sizeof a));
}
bool can_choose_numbers() {
    const pid_t gone = ::fork();
    if (gone == 0) ::_exit(0);
    ::waitpid(gone, nullptr, 0);
    const pid_t again = fork_as(gone);
    if (again == 0) ::_exit(0);
    return again == gone && ::waitpid(again, nullptr, 0) == again;
}

/// A channel to a child, and what it says.
struct channel {
    channel() {
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
        here.reset(ends[0]);
        there.reset(ends[1]);
    }
    static bool say(const unique_fd& to) { return ::send(to.get(), "x", 1, MSG_NOSIGNAL) == 1; }
    static bool hear(const unique_fd& from) {
        char c = 0;
        return ::recv(from.get(), &c, 1, 0) == 1;
    }
    /// With a descriptor.
    static bool hand_over(const unique_fd& to, const unique_fd& what) {
        message m;
        m.header.msg_controllen = CMSG_SPACE(sizeof(int));
        ::cmsghdr* c = CMSG_FIRSTHDR(&m.header);
        *c = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
        const int fd = what.get();
        std::memcpy(CMSG_DATA(c), &fd, sizeof fd);
        return ::sendmsg(to.get(), &m.header, MSG_NOSIGNAL) == 1;
    }
    static unique_fd take(const unique_fd& from) {
        message m;
        if (::recvmsg(from.get(), &m.header, MSG_CMSG_CLOEXEC) != 1) return {};
        const ::cmsghdr* c = CMSG_FIRSTHDR(&m.header);
        int fd = -1;
        if (c) std::memcpy(&fd, CMSG_DATA(c), sizeof fd);
        return unique_fd{fd};
    }

    unique_fd here, there;

private:
    struct message {
        message() {
            header.msg_iov = &v;
            header.msg_iovlen = 1;
            header.msg_control = space.data();
            header.msg_controllen = space.size();
        }
        char byte = 'x';
        ::iovec v{&byte, 1};
        alignas(::cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> space{};
        ::msghdr header{};
    };
};

unique_fd connected_to(const std::string& path) {
    unique_fd s{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
    ::sockaddr_un to{};
    to.sun_family = AF_UNIX;
    path.copy(to.sun_path, sizeof to.sun_path - 1);
    if (::connect(s.get(), reinterpret_cast<::sockaddr*>(&to), sizeof to) != 0) return {};
    return s;
}
bool has_peer_pidfd(const unique_fd& socket) {
    constexpr int peer_pidfd = 77; // SO_PEERPIDFD, Linux 6.5
    int fd = -1;
    ::socklen_t size = sizeof fd;
    const bool has = ::getsockopt(socket.get(), SOL_SOCKET, peer_pidfd, &fd, &size) == 0;
    const unique_fd given{fd};
    return has;
}

/// Two connections that a process has made which is gone by now. The first has said hello while it
/// was there, the second has not.
struct left_behind {
    explicit left_behind(const std::string& path) {
        const channel c;
        pid = ::fork();
        REQUIRE(pid >= 0);
        if (pid == 0) {
            become(watcher);
            for (int n = 0; n < 2; ++n)
                must(channel::hand_over(c.there, connected_to(path)), "can not hand it on");
            (void)channel::hear(c.there);
            ::_exit(0);
        }
        unique_fd one = channel::take(c.here);
        silent = channel::take(c.here);
        auto made = client::over(std::move(one), {"first", seconds(20)});
        REQUIRE(made);
        first = std::move(*made);
        const event* e = next(*first, kind::replay_end);
        REQUIRE(e);
        machine = e->endpoint;
        const auto got = first->acquire(machine, lease_class::input);
        REQUIRE(got);
        lease = got.lease;
        REQUIRE(channel::say(c.here));
        REQUIRE(::waitpid(pid, nullptr, 0) == pid);
    }

    pid_t pid = 0;
    std::unique_ptr<client> first;
    unique_fd silent;
    endpoint_id machine;
    vmsig::lease lease;
};

/// Starts a process with that number, which calls `f(its client, a machine)`, says so, and waits
/// for a word.
template <class F>
pid_t start(const channel& c, pid_t number, uid_t uid, const std::string& path, F&& f) {
    ::usleep(20'000); // the start of a process is told in hundredths
    const pid_t child = fork_as(number);
    if (child != 0) return child;
    must(::getpid() == number, "has another number");
    become(uid);
    auto mine = client::connect(path, {"second", seconds(20)});
    must(mine.has_value(), "can not connect");
    const event* e = next(**mine, kind::replay_end);
    must(e != nullptr, "is told of no machine");
    f(**mine, e->endpoint);
    must(channel::say(c.there) && channel::hear(c.there), "has lost its parent");
    ::_exit(0);
}
int end(const channel& c, pid_t child) {
    REQUIRE(channel::say(c.here));
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return status;
}

struct attachment {
    std::string name, uid, start, origin;
};
/// What the log says of whom with that number.
std::vector<attachment> attached_of(const program& host, pid_t pid) {
    const std::regex line{"peer \"(\\w+)\" of uid (\\d+), pid " + std::to_string(pid) +
                          "(?: \\(started at (\\d+)\\))?: attached as \\d+\\.\\d+ "
                          "\\((\\d+) in the audit\\),"};
    const std::string log = host.log();
    std::vector<attachment> all;
    for (std::sregex_iterator at{log.begin(), log.end(), line}; at != std::sregex_iterator{}; ++at)
        all.push_back({(*at)[1], (*at)[2], (*at)[3], (*at)[4]});
    return all;
}

} // namespace

TEST_CASE("pids: whoever has the number of a process that is gone has none of its grant") {
    if (::geteuid() != 0) VMSIG_SKIP("only root can become another user");
    if (!can_choose_numbers()) VMSIG_SKIP("the number of a process can not be chosen here");
    const host_folder in;
    REQUIRE(::chmod(in.at("").c_str(), 0755) == 0);
    in.write("grants.toml", grants_of_both);
    in.write_config(two_machines, "0o666");
    program host{in};
    REQUIRE(host.ready());
    left_behind gone{in.socket()};

    const channel c;
    const pid_t child = start(c, gone.pid, switcher, in.socket(), [](client& mine, endpoint_id vm) {
        must(mine.acquire(vm, lease_class::input).why == refusal::denied, "types");
        must(static_cast<bool>(mine.acquire(vm, lease_class::power)), "can not switch");
    });
    REQUIRE(child == gone.pid);
    REQUIRE(channel::hear(c.here));
    // The other way round, too: the number is another user's by the time that this one is greeted.
    const bool pidfds = has_peer_pidfd(gone.silent);
    auto late = client::over(std::move(gone.silent), {"late", seconds(20)});
    REQUIRE(late);
    const event* e = next(**late, kind::replay_end);
    REQUIRE(e);
    CHECK((*late)->acquire(e->endpoint, lease_class::power).why == refusal::denied);
    CHECK((*late)->may(verb::input, e->endpoint) == refusal::none);
    CHECK(end(c, child) == 0);
    CHECK(gone.first->submit(press(gone.lease, KEY_A))); // as before

    const auto told = attached_of(host, gone.pid);
    REQUIRE(told.size() == 3);
    const char* const names[] = {"first", "second", "late"};
    for (std::size_t n = 0; n < told.size(); ++n) {
        CHECK(told[n].name == names[n]);
        CHECK(told[n].uid == std::to_string(n == 1 ? switcher : watcher));
        for (std::size_t m = 0; m < n; ++m) CHECK(told[n].origin != told[m].origin);
    }
    if (pidfds) {
        CHECK(std::stoull(told[0].start) < std::stoull(told[1].start));
        CHECK(told[2].start.empty()); // it was gone, and nobody else's is taken for its own
    }
    gone.first.reset();
    late->reset();
    CHECK(host.stop() == 0);
    const std::string audit = in.read("audit.jsonl");
    for (const attachment& a : told) {
        const std::regex line{"\"decision\":\"attached\",[^}]*\"origin\":" + a.origin + "[,}]"};
        CHECK(std::regex_search(audit, line));
    }
}

TEST_CASE("pids: whoever has number and user of a process that is gone has none of its leases") {
    if (::geteuid() != 0) VMSIG_SKIP("only root can become another user");
    if (!can_choose_numbers()) VMSIG_SKIP("the number of a process can not be chosen here");
    const host_folder in;
    REQUIRE(::chmod(in.at("").c_str(), 0755) == 0);
    in.write("grants.toml", grants_of_both);
    in.write_config(two_machines, "0o666");
    program host{in};
    REQUIRE(host.ready());
    left_behind gone{in.socket()};

    const channel c;
    const pid_t child =
        start(c, gone.pid, watcher, in.socket(), [&gone](client& mine, endpoint_id vm) {
            must(mine.acquire(vm, lease_class::input).why == refusal::held, "is taken for another");
            vmsig::lease forged = gone.lease;
            forged.endpoint = vm;
            must(mine.submit(press(forged, KEY_B)).why == refusal::not_holder, "types");
            must(mine.release(forged) == refusal::not_holder, "ends the lease of another");
        });
    REQUIRE(child == gone.pid);
    REQUIRE(channel::hear(c.here));
    CHECK(end(c, child) == 0);
    // Its end is not the end of the other one.
    REQUIRE(gone.first->submit(press(gone.lease, KEY_A)));
    const event* done = next(*gone.first, kind::receipt);
    REQUIRE(done);
    CHECK(done->as<receipt>()->outcome == outcome::done);
    gone.silent.reset();
    gone.first.reset();
    CHECK(host.stop() == 0);
}
