// Rule: a host takes no place of others: not a socket that is served, not what is no socket of its
// own, not a folder where somebody else could put one; one that is handed down it checks.
#include "program.hpp"

#include <sys/resource.h>

using namespace vmsig;
using namespace vmsig::test;

namespace {

/// As a service manager hands it down.
std::function<void()> handing_down(int fd, const char* count = "1", bool to_it = true) {
    return [=] {
        ::dup2(fd, 3);
        ::fcntl(3, F_SETFD, 0);
        ::setenv("LISTEN_FDS", count, 1);
        ::setenv("LISTEN_PID", std::to_string(::getpid() + (to_it ? 0 : 1)).c_str(), 1);
    };
}

/// The host's.
pid_t pid_behind(const client& peer) {
    ::ucred who{};
    ::socklen_t size = sizeof who;
    REQUIRE(::getsockopt(peer.fd(), SOL_SOCKET, SO_PEERCRED, &who, &size) == 0);
    return who.pid;
}

} // namespace

TEST_CASE("door: a second host is refused, and the first one goes on") {
    const host_folder in;
    program first{in};
    REQUIRE(first.ready());
    program second{in};
    CHECK(second.wait() == 1);
    CHECK(second.logged("/bus.sock: another vmsig-host serves it\n"));
    CHECK(attached(in.socket()));
    CHECK(first.stop() == 0);
}

TEST_CASE("door: what a killed host left behind is replaced by the next one") {
    const host_folder in;
    {
        program killed{in};
        REQUIRE(killed.ready());
        killed.signal(SIGKILL);
        CHECK(killed.wait() == -SIGKILL);
    }
    REQUIRE(in.has("bus.sock"));
    program host{in};
    REQUIRE(host.ready());
    CHECK(attached(in.socket()));
    CHECK(host.stop() == 0);
}

TEST_CASE("door: what is at the path and not a host's own socket is left alone") {
    const host_folder in;
    in.write("precious", "precious");
    for (const bool link : {false, true}) {
        if (link)
            std::filesystem::create_symlink(in.at("precious"), in.socket());
        else
            in.write("bus.sock", "precious too");
        program host{in};
        CHECK(host.wait() == 1);
        CHECK(host.logged("/bus.sock: what is at the path: Operation not permitted"));
        REQUIRE(in.has("bus.sock"));
        std::filesystem::remove(in.socket());
    }
    CHECK(in.read("precious") == "precious");
}

TEST_CASE(
    "door: a host whose socket was taken away or replaced serves its peers, and removes nothing") {
    const host_folder in;
    program host{in};
    REQUIRE(host.ready());
    auto peer = attached(in.socket());
    std::filesystem::remove(in.socket());
    const unique_fd other = bound_to(in.socket(), SOCK_SEQPACKET);
    CHECK(peer->acquire(*peer->find("build-7"), lease_class::input));
    CHECK(host.stop() == 0);
    CHECK(in.has("bus.sock"));
}

TEST_CASE("door: a socket in a folder that others may write is not served") {
    const host_folder in;
    REQUIRE(::mkdir(in.at("open").c_str(), 0700) == 0);
    REQUIRE(::chmod(in.at("open").c_str(), 0777) == 0);
    in.write("host.toml",
             "grants = \"grants.toml\"\n[socket]\npath = \"" + in.at("open/bus.sock") + "\"\n");
    program host{in};
    CHECK(host.wait() == 1);
    CHECK(host.logged("/open/bus.sock: the folder of the socket: Operation not permitted"));
    CHECK_FALSE(in.has("open/bus.sock"));
}

TEST_CASE("door: files that others may write are not read, nor those in a folder that they may") {
    const host_folder in;
    const auto refused_with = [&in](const std::string& why) {
        program host{in};
        CHECK(host.wait() == 2);
        INFO(host.log());
        CHECK(host.logged(why));
        CHECK_FALSE(in.has("bus.sock"));
    };
    in.write("grants.toml", grant_all, 0620);
    refused_with("/grants.toml may be written by others");
    in.write("grants.toml", grant_all, 0602);
    refused_with("/grants.toml may be written by others");
    in.write("grants.toml", grant_all);
    REQUIRE(::chmod(in.at("host.toml").c_str(), 0622) == 0);
    refused_with("/host.toml may be written by others");
    REQUIRE(::chmod(in.at("host.toml").c_str(), 0600) == 0);
    REQUIRE(::chmod(in.at("").c_str(), 0770) == 0);
    refused_with("may be written by others");
    REQUIRE(::chmod(in.at("").c_str(), 0700) == 0);
    std::filesystem::remove(in.at("grants.toml"));
    REQUIRE(::mkfifo(in.at("grants.toml").c_str(), 0600) == 0); // which nobody writes to
    refused_with("/grants.toml is no regular file");
    std::filesystem::remove(in.at("grants.toml"));
    in.write("grants.toml", std::string(2 * 1024 * 1024, '#'));
    refused_with("/grants.toml is too long");
    if (::geteuid() != 0) return;
    in.write("grants.toml", grant_all);
    REQUIRE(::chown(in.at("grants.toml").c_str(), 65534, 65534) == 0);
    refused_with("/grants.toml belongs to uid 65534, neither root nor the host");
}

TEST_CASE("door: a socket that is handed down is served, whatever path is configured") {
    const host_folder in;
    const unique_fd socket = bound_to(in.at("other.sock"), SOCK_SEQPACKET);
    REQUIRE(::listen(socket.get(), 8) == 0);
    program host{in, {}, handing_down(socket.get())};
    REQUIRE(host.ready());
    CHECK(host.logged("serving the socket that was handed down"));
    CHECK_FALSE(in.has("bus.sock"));
    CHECK(attached(in.at("other.sock")));
    CHECK(host.stop() == 0);
    CHECK(in.has("other.sock")); // it is the manager's
}

TEST_CASE(
    "door: what is handed down and can not be served is refused, and another's is not taken") {
    const host_folder in;
    const unique_fd deaf = bound_to(in.at("deaf.sock"), SOCK_SEQPACKET);
    const unique_fd stream = bound_to(in.at("stream.sock"), SOCK_STREAM);
    REQUIRE(::listen(stream.get(), 8) == 0);
    const unique_fd file{::open(in.at("grants.toml").c_str(), O_RDONLY | O_CLOEXEC)};
    for (const int fd : {deaf.get(), stream.get(), file.get()}) {
        program host{in, {}, handing_down(fd)};
        CHECK(host.wait() == 1);
        CHECK(host.logged("is no listening unix socket of sequential packets"));
    }
    program many{in, {}, handing_down(stream.get(), "2")};
    CHECK(many.wait() == 1);
    CHECK(many.logged("2 sockets were handed down, expected one"));
    program other{in, {}, handing_down(stream.get(), "1", false)};
    REQUIRE(other.ready());
    CHECK(attached(in.socket()));
    CHECK(other.stop() == 0);

    in.write("host.toml", "grants = \"grants.toml\"\n");
    program none{in};
    CHECK(none.wait() == 1);
    CHECK(none.logged("no socket was handed down, and none is configured"));
}

TEST_CASE("door: a host without descriptors says so once, serves its peers, and goes on") {
    const host_folder in;
    program host{in};
    REQUIRE(host.ready());
    auto peer = attached(in.socket());
    const pid_t pid = pid_behind(*peer);
    ::rlimit before{};
    REQUIRE(::prlimit(pid, RLIMIT_NOFILE, nullptr, &before) == 0);
    ::rlimit none = before; // the next number that is free is beyond it
    const std::string open = "/proc/" + std::to_string(pid) + "/fd/";
    for (none.rlim_cur = 0; std::filesystem::exists(
             std::filesystem::symlink_status(open + std::to_string(none.rlim_cur)));)
        ++none.rlim_cur;
    REQUIRE(::prlimit(pid, RLIMIT_NOFILE, &none, nullptr) == 0);

    CHECK_FALSE(client::connect(in.socket(), {"late", milliseconds(300)}));
    const std::string said = "nobody can attach for the time being: Too many open files\n";
    const auto times = [&host](const std::string& what) {
        const std::string log = host.log();
        unsigned n = 0;
        for (std::size_t at = 0; (at = log.find(what, at)) != std::string::npos; ++at) ++n;
        return n;
    };
    CHECK(times(said) == 1);
    CHECK_FALSE(client::connect(in.socket(), {"later", milliseconds(300)}));
    CHECK(peer->acquire(*peer->find("build-7"), lease_class::input));
    CHECK(times(said) == 1);

    REQUIRE(::prlimit(pid, RLIMIT_NOFILE, &before, nullptr) == 0);
    CHECK(attached(in.socket()));
    CHECK(times(said) == 1);
    CHECK(times("peers can attach again\n") == 1);
    CHECK(host.stop() == 0);
}

TEST_CASE("door: no service manager, and all is the same") {
    const host_folder in;
    program host{in, {}, [] { ::unsetenv("NOTIFY_SOCKET"); }};
    for (int tries = 0; tries < 2000 && !in.has("bus.sock"); ++tries) ::usleep(10'000);
    expected<std::unique_ptr<client>, client_error> peer =
        client::connect(in.socket(), {"test", seconds(20)});
    for (int tries = 0; tries < 2000 && !peer; ++tries) { // it may not listen yet
        ::usleep(10'000);
        peer = client::connect(in.socket(), {"test", seconds(20)});
    }
    CHECK(peer);
    CHECK(host.stop() == 0);
}
