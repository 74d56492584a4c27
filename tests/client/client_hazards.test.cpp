// What a hostile server, or the program around it, could do to a client: hold it, use up its
// numbers, end its connection from a child.
#include <vmsig/client/client.hpp>

#include <atomic>
#include <thread>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "served_thread.hpp"

using namespace vmsig;
using test::served_thread;

TEST_CASE("client: to connect ends at its deadline where nobody accepts") {
    const test::folder dir;
    const std::string path = dir.at("socket");
    ::sockaddr_un here{};
    here.sun_family = AF_UNIX;
    path.copy(here.sun_path, sizeof here.sun_path - 1);
    unique_fd listener{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
    REQUIRE(::bind(listener.get(), reinterpret_cast<::sockaddr*>(&here), sizeof here) == 0);
    REQUIRE(::listen(listener.get(), 0) == 0);
    std::vector<unique_fd> crowd;
    while (unique_fd one = test::connected_to(path)) crowd.push_back(std::move(one));
    std::atomic<bool> over{false};
    std::thread end{[&] { // so that the test ends even if it does not
        for (int n = 0; n < 500 && !over; ++n) ::usleep(10'000);
        ::shutdown(listener.get(), SHUT_RDWR);
    }};
    const auto c = client::connect(path, {"a test", milliseconds(30)});
    over = true;
    end.join();
    ::unlink(path.c_str());
    REQUIRE_FALSE(c);
    CHECK(c.error().cause.code == ETIMEDOUT);
}

TEST_CASE("client: a forked child that destroys its copy ends nothing of its parent's") {
    served_thread w;
    auto c = w.join();
    const endpoint_id vm = test::settle(*c);
    const acquire_result got = c->acquire(vm, lease_class::input);
    REQUIRE(got);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        c.reset();
        ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK(c->renew(got.lease, seconds(1)) == refusal::none);
}

TEST_CASE("inbox: the numbers of requests begin again, without 0 and what is still asked") {
    constexpr std::uint32_t last = std::numeric_limits<std::uint32_t>::max();
    inbox box{last - 1};
    box.expect(1);
    CHECK(box.ask() == last);
    CHECK(box.ask() == 2);
    box.forget(1);
    CHECK(box.ask() == 3);
}
