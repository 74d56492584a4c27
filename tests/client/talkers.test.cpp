// A server that never answers and never stops talking, and may not listen either, keeps nobody
// longer than it may.
#include <vmsig/client/client.hpp>

#include <atomic>
#include <cerrno>
#include <thread>

#include <sys/socket.h>

#include <support/catch.hpp>

using namespace vmsig;

namespace {

template <class Frame>
bool say(int fd, const Frame& f, int flags) {
    std::byte bytes[256];
    wire::writer to{bytes};
    wire::put_frame(to, f);
    return ::send(fd, bytes, to.size(), flags | MSG_NOSIGNAL) >= 0;
}

/// Says welcome, then pings for as long as somebody is there, or nearly.
class talker {
public:
    explicit talker(bool listens = true) {
        int two[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, two) == 0);
        theirs_.reset(two[0]);
        ours_.reset(two[1]);
        REQUIRE(say(ours_.get(), wire::welcome{}, 0));
        thread_ = std::thread{[this, listens] {
            for (std::uint64_t n = 1; n < most && !over_ && say(ours_.get(), wire::ping{n}, 0);
                 ++n) {
                std::byte pong[256];
                while (listens && ::recv(ours_.get(), pong, sizeof pong, MSG_DONTWAIT) > 0) {}
            }
            ::shutdown(ours_.get(), SHUT_RDWR); // who was not free by now never will be
        }};
    }
    ~talker() {
        over_ = true;
        ::shutdown(ours_.get(), SHUT_RDWR);
        thread_.join();
    }
    unique_fd take_end() { return std::move(theirs_); }

private:
    static constexpr std::uint64_t most = 1'000'000;
    unique_fd ours_, theirs_;
    std::atomic<bool> over_{false};
    std::thread thread_;
};

} // namespace

TEST_CASE("client: a verb ends at its deadline though the server talks on") {
    talker server;
    const auto c = client::over(server.take_end(), {"a test", milliseconds(30)});
    REQUIRE(c);
    CHECK((*c)->release(lease{}) == refusal::gone);
    CHECK_FALSE((*c)->connected());
    CHECK((*c)->lost().cause.code == ETIMEDOUT);
}

TEST_CASE("client: to wait for an event ends at its deadline though the server talks on") {
    talker server;
    const auto c = client::over(server.take_end(), {"a test", milliseconds(30)});
    REQUIRE(c);
    CHECK((*c)->next_event(milliseconds(30)) == nullptr);
    CHECK((*c)->connected());
}

TEST_CASE("client: to send ends at its deadline though the server talks on and never reads") {
    talker server{false};
    const auto c = client::over(server.take_end(), {"a test", milliseconds(30)});
    REQUIRE(c);
    const std::vector<std::byte> much(16 * 1024);
    for (int n = 0; n < 200; ++n) {
        command write;
        write.verb = verb::mem_write;
        (void)(*c)->send(write, much);
    }
    CHECK_FALSE((*c)->flush());
    CHECK((*c)->lost().cause.code == ETIMEDOUT);
}
