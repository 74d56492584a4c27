// The path of a socket: served only where nobody else can be in the way; nothing of others removed.
#include <vmsig/transport/listener.hpp>

#include "peers.hpp"

#include <fstream>

#include <sys/stat.h>

#include <support/fd_count.hpp>

using namespace vmsig;

namespace {

bool exists(const std::string& path) {
    struct stat s {};
    return ::lstat(path.c_str(), &s) == 0;
}
mode_t mode_of(const std::string& path) {
    struct stat s {};
    REQUIRE(::stat(path.c_str(), &s) == 0);
    return s.st_mode & 0777;
}
void remove_lock(const test::folder& dir) { ::unlink(dir.at("socket.lock").c_str()); }

} // namespace

TEST_CASE("listener: serves a path with the mode asked for, and takes it away at the end") {
    test::folder dir;
    {
        auto l = listening_socket::at(dir.at("socket"), 0600);
        REQUIRE(l);
        CHECK(mode_of(dir.at("socket")) == 0600);
        const unique_fd socket = l->take();
        CHECK(test::connected_to(dir.at("socket")));
    }
    CHECK_FALSE(exists(dir.at("socket")));
    remove_lock(dir);
}

TEST_CASE("listener: a path that another host serves is in use, and stays served") {
    test::folder dir;
    auto first = listening_socket::at(dir.at("socket"), 0600);
    REQUIRE(first);
    const auto second = listening_socket::at(dir.at("socket"), 0600);
    REQUIRE_FALSE(second);
    CHECK(second.error().code == EADDRINUSE);
    const unique_fd socket = first->take();
    CHECK(test::connected_to(dir.at("socket")));
    remove_lock(dir);
}

TEST_CASE("listener: a socket that a dead host left over is replaced") {
    test::folder dir;
    { // bound, and never removed
        unique_fd left{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
        ::sockaddr_un here{};
        here.sun_family = AF_UNIX;
        dir.at("socket").copy(here.sun_path, sizeof here.sun_path - 1);
        REQUIRE(::bind(left.get(), reinterpret_cast<::sockaddr*>(&here), sizeof here) == 0);
    }
    REQUIRE(exists(dir.at("socket")));
    auto l = listening_socket::at(dir.at("socket"), 0600);
    REQUIRE(l);
    const unique_fd socket = l->take();
    CHECK(test::connected_to(dir.at("socket")));
    remove_lock(dir);
}

TEST_CASE("listener: what is no socket at the path is not removed, nor is what a link names") {
    test::folder dir;
    std::ofstream{dir.at("file")} << "precious";
    for (const bool link : {false, true}) {
        if (link)
            REQUIRE(::symlink(dir.at("file").c_str(), dir.at("socket").c_str()) == 0);
        else
            std::ofstream{dir.at("socket")} << "precious too";
        const auto l = listening_socket::at(dir.at("socket"), 0600);
        REQUIRE_FALSE(l);
        CHECK(l.error().code == EPERM);
        CHECK(exists(dir.at("socket")));
        ::unlink(dir.at("socket").c_str());
    }
    CHECK(exists(dir.at("file")));
    ::unlink(dir.at("file").c_str());
    remove_lock(dir);
}

TEST_CASE("listener: a lock that is a link is not followed") {
    test::folder dir;
    REQUIRE(::symlink(dir.at("elsewhere").c_str(), dir.at("socket.lock").c_str()) == 0);
    CHECK_FALSE(listening_socket::at(dir.at("socket"), 0600));
    CHECK_FALSE(exists(dir.at("elsewhere")));
    remove_lock(dir);
}

TEST_CASE("listener: a folder that others may write is refused, and so is one that is not there") {
    test::folder dir;
    const std::string open = dir.at("open");
    REQUIRE(::mkdir(open.c_str(), 0700) == 0);
    REQUIRE(::chmod(open.c_str(), 0777) == 0);
    const auto l = listening_socket::at(open + "/socket", 0600);
    REQUIRE_FALSE(l);
    CHECK(l.error().code == EPERM);
    CHECK_FALSE(exists(open + "/socket"));
    CHECK_FALSE(exists(open + "/socket.lock"));
    ::rmdir(open.c_str());
    CHECK(listening_socket::at(dir.at("nowhere/socket"), 0600).error().code == ENOENT);
}

TEST_CASE("listener: what was put in the place of the socket is not removed at the end") {
    test::folder dir;
    for (const bool link : {false, true}) {
        auto l = listening_socket::at(dir.at("socket"), 0600);
        REQUIRE(l);
        REQUIRE(::unlink(dir.at("socket").c_str()) == 0);
        const unique_fd other{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
        ::sockaddr_un here{};
        here.sun_family = AF_UNIX;
        dir.at("socket").copy(here.sun_path, sizeof here.sun_path - 1);
        if (link)
            REQUIRE(::symlink(dir.at("other").c_str(), dir.at("socket").c_str()) == 0);
        else
            REQUIRE(::bind(other.get(), reinterpret_cast<::sockaddr*>(&here), sizeof here) == 0);
        l->take(); // and closed, so that the number of its inode could be another's
        l = listening_socket::at(dir.at("elsewhere"), 0600);
        REQUIRE(l);
        CHECK(exists(dir.at("socket")));
        ::unlink(dir.at("socket").c_str());
    }
    {
        auto gone = listening_socket::at(dir.at("socket"), 0600);
        REQUIRE(gone);
        ::unlink(dir.at("socket").c_str());
    }
    CHECK_FALSE(exists(dir.at("socket")));
    remove_lock(dir);
    ::unlink(dir.at("elsewhere.lock").c_str());
}

TEST_CASE("listener: a path too long for a socket is an error that says so") {
    test::folder dir;
    const auto l = listening_socket::at(dir.at(std::string(200, 'x').c_str()), 0600);
    REQUIRE_FALSE(l);
    CHECK(l.error().code == ENAMETOOLONG);
    ::unlink((dir.at(std::string(200, 'x').c_str()) + ".lock").c_str());
}
