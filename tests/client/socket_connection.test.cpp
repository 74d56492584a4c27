// What comes over a socket: whole datagrams, with descriptors only while they are taken.
#include <vmsig/client/socket_connection.hpp>

#include <cstring>
#include <optional>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>

#include <support/catch.hpp>
#include <support/fd_count.hpp>

using namespace vmsig;

namespace {

struct line {
    line() {
        int fds[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0);
        far.reset(fds[0]);
        near.emplace(unique_fd{fds[1]}, milliseconds(50));
    }
    /// With a descriptor beside it, or without.
    void say(std::vector<std::byte> bytes, int fd = -1) {
        ::iovec v{bytes.data(), bytes.size()};
        alignas(::cmsghdr) std::array<char, CMSG_SPACE(sizeof fd)> control{};
        ::msghdr m{};
        m.msg_iov = &v;
        m.msg_iovlen = 1;
        if (fd >= 0) {
            m.msg_control = control.data();
            m.msg_controllen = control.size();
            ::cmsghdr* c = CMSG_FIRSTHDR(&m);
            c->cmsg_level = SOL_SOCKET;
            c->cmsg_type = SCM_RIGHTS;
            c->cmsg_len = CMSG_LEN(sizeof fd);
            std::memcpy(CMSG_DATA(c), &fd, sizeof fd);
        }
        REQUIRE(::sendmsg(far.get(), &m, MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
    }
    expected<bool, os_error> hear(receiving how) {
        const auto take = [this](std::span<const std::byte> bytes, std::span<unique_fd> fds) {
            heard = bytes.size();
            kept.clear();
            for (unique_fd& fd : fds) kept.push_back(std::move(fd));
        };
        return near->receive(take, how);
    }

    unique_fd far;
    std::optional<socket_connection> near;
    std::size_t heard = 0;
    std::vector<unique_fd> kept;
};

} // namespace

TEST_CASE("socket_connection: descriptors that nobody takes are closed") {
    const bool awaited = GENERATE(false, true);
    line l;
    const unique_fd sent{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    const int before = test::open_fd_count();
    l.say(std::vector<std::byte>(10), sent.get());
    REQUIRE(l.hear({awaited, false}).value());
    CHECK(l.heard == 10);
    CHECK(l.kept.empty());
    CHECK(test::open_fd_count() == before);

    l.say(std::vector<std::byte>(20), sent.get());
    REQUIRE(l.hear({awaited, true}).value());
    CHECK(l.heard == 20);
    REQUIRE(l.kept.size() == 1);
    CHECK((::fcntl(l.kept[0].get(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(test::open_fd_count() == before + 1);
}

TEST_CASE("socket_connection: an empty datagram is the end, and its descriptors are closed") {
    const bool awaited = GENERATE(false, true), taking = GENERATE(false, true);
    line l;
    const unique_fd sent{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    const int before = test::open_fd_count();
    l.say({}, sent.get());
    CHECK(l.hear({awaited, taking}).error().code == ECONNRESET);
    CHECK(test::open_fd_count() == before);
}

TEST_CASE("socket_connection: the longest datagram is whole, a longer one is not the protocol") {
    const bool awaited = GENERATE(false, true), taking = GENERATE(false, true);
    line l;
    l.say(std::vector<std::byte>(wire::max_datagram_bytes));
    REQUIRE(l.hear({awaited, taking}).value());
    CHECK(l.heard == wire::max_datagram_bytes);
    l.say(std::vector<std::byte>(wire::max_datagram_bytes + 1));
    const auto got = l.hear({awaited, taking});
    REQUIRE_FALSE(got);
    CHECK(got.error().code == EPROTO);
    CHECK(l.heard == wire::max_datagram_bytes);
}

TEST_CASE("socket_connection: nothing is there, or nobody any more") {
    const bool awaited = GENERATE(false, true), taking = GENERATE(false, true);
    line l;
    CHECK_FALSE(l.hear({awaited, taking}).value());
    l.far.reset();
    CHECK(l.hear({awaited, taking}).error().code == ECONNRESET);
}
