// A server that never answers and never stops talking, and may not listen either, keeps nobody
// longer than it may.
#include <vmsig/client/client.hpp>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <thread>

#include <sys/socket.h>
#include <unistd.h>

#include <support/alloc_guard.hpp>
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

/// A server that does what the test says, on the test's thread or on one of its own.
struct silent_server {
    explicit silent_server(duration answer = seconds(10)) {
        int two[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, two) == 0);
        end.reset(two[0]);
        REQUIRE(say(end.get(), wire::welcome{}, 0));
        auto got = client::over(unique_fd{two[1]}, {"a test", answer});
        REQUIRE(got);
        c = std::move(*got);
    }
    /// More than the kernel takes.
    void fill() {
        const std::vector<std::byte> much(16 * 1024);
        command write;
        write.verb = verb::mem_write;
        for (unsigned n = 0; n < requests; ++n) (void)c->send(write, much);
    }
    /// One datagram; how many requests were in it, -1: none is there.
    int take() {
        std::vector<std::byte> bytes(wire::max_datagram_bytes);
        const ssize_t n = ::recv(end.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (n <= 0) return -1;
        std::span<const std::byte> rest = std::span{bytes}.first(static_cast<std::size_t>(n));
        int count = 0;
        for (wire::frame_view f; !rest.empty() && wire::next_frame(rest, f);)
            count += f.type == wire::frame_type::submit ? 1 : 0;
        return count;
    }

    static constexpr unsigned requests = 200;
    unique_fd end;
    std::unique_ptr<client> c;
};

/// Ends a server for whoever still waits for it after so long.
class patience {
public:
    patience(silent_server& of, int ms)
        : thread_{[this, fd = of.end.get(), ms] {
            const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
            while (!over_ && std::chrono::steady_clock::now() < end) ::usleep(1000);
            if (!over_) ::shutdown(fd, SHUT_RDWR);
        }} {}
    ~patience() {
        over_ = true;
        thread_.join();
    }

private:
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

TEST_CASE("client: where nobody hears any more it does not listen for ever") {
    silent_server s;
    int pings = 0;
    while (say(s.end.get(), wire::ping{7}, MSG_DONTWAIT)) ++pings;
    REQUIRE(pings > 100);
    ::shutdown(s.end.get(), SHUT_RD);
    CHECK(s.c->release(lease{}) == refusal::gone);
    CHECK(s.c->lost().cause.code == EPIPE);
    int error = 0;
    socklen_t size = sizeof error;
    REQUIRE(::getsockopt(s.end.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0);
    CHECK(error == ECONNRESET); // it has closed what it had not read to the end
}

TEST_CASE("client: a verb ends at its deadline though the server takes a little now and then") {
    silent_server s{milliseconds(100)};
    s.fill();
    std::atomic<bool> over{false};
    std::thread drips{[&] {
        for (std::uint64_t round = 0; round < 100 && !over; ++round) {
            for (std::uint64_t n = 1; n <= 300 && say(s.end.get(), wire::ping{n}, MSG_DONTWAIT);)
                ++n;
            (void)s.take();
            ::usleep(10'000);
        }
        ::shutdown(s.end.get(), SHUT_RDWR);
    }};
    CHECK(s.c->release(lease{}) == refusal::gone);
    over = true;
    drips.join();
    CHECK(s.c->lost().cause.code == ETIMEDOUT);
}

TEST_CASE("client: a verb that waited for room has that much less time for its answer") {
    silent_server s{seconds(1)};
    s.fill();
    std::thread late{[&] {
        ::usleep(500'000);
        for (int n = 0; n < 40; ++n) {
            while (s.take() >= 0) {}
            ::usleep(1000);
        }
    }};
    {
        const patience at_most{s, 1400};
        CHECK(s.c->release(lease{}) == refusal::gone);
    }
    late.join();
    CHECK(s.c->lost().cause.code == ETIMEDOUT);
}

TEST_CASE("client: where the server takes no more, only verbs and flush wait for room") {
    silent_server s;
    s.fill();
    REQUIRE(say(s.end.get(), wire::ping{7}, 0));
    {
        const patience at_most{s, 3000};
        CHECK(s.c->receive());
        CHECK(s.c->next_event(milliseconds(1)) == nullptr);
    }
    REQUIRE(s.c->connected());
    unsigned came = 0;
    for (int rounds = 0; rounds < 1000 && came < s.requests; ++rounds) {
        for (int n = 0; (n = s.take()) >= 0;) came += static_cast<unsigned>(n);
        CHECK(s.c->receive()); // what was left goes with it
    }
    CHECK(came == s.requests);
    CHECK(s.c->connected());
}

TEST_CASE("client: what a control sends when it is told of something goes with the dispatch") {
    silent_server s;
    std::byte bytes[512];
    wire::writer to{bytes};
    wire::put_event(to, event{}, {}, {});
    REQUIRE(::send(s.end.get(), bytes, to.size(), MSG_NOSIGNAL) > 0);
    struct {
        void on_event(const event&, client& bus) { CHECK(bus.send(query_status({})) != 0); }
    } asks;
    s.c->dispatch(asks);
    int requests = 0;
    for (int n = 0; (n = s.take()) >= 0;) requests += n;
    CHECK(requests == 1);
    s.fill();
    CHECK_FALSE(s.c->try_flush()); // there is no room for all of it
    CHECK(s.c->connected());
}

TEST_CASE("client: without memory for what has come there is no connection any more, and no hole") {
    if (!test::failing_allocations::possible()) VMSIG_SKIP("a sanitizer has its own operators");
    silent_server s;
    std::byte bytes[512];
    wire::writer to{bytes};
    for (int n = 0; n < 2; ++n) wire::put_event(to, event{}, {}, {});
    REQUIRE(::send(s.end.get(), bytes, to.size(), MSG_NOSIGNAL) > 0);
    bool thrown = false;
    try {
        const test::failing_allocations none{1, test::failing_allocations::lasting::onward};
        (void)s.c->receive();
    } catch (const std::bad_alloc&) {
        thrown = true;
    }
    CHECK(thrown);
    CHECK(s.c->lost().cause.code == ENOMEM);
    CHECK(s.c->next_event() == nullptr);
}
