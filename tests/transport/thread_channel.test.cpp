// Two ends of a channel: datagrams and descriptors both ways, room that is waited for, and ends
// that go in any order.
#include <vmsig/transport/thread_channel.hpp>

#include <fcntl.h>
#include <poll.h>

#include <thread>
#include <vector>

#include <support/alloc_guard.hpp>
#include <support/catch.hpp>

using namespace vmsig;

namespace {

bool rung(const thread_end& e) {
    ::pollfd p{e.fd(), POLLIN, 0};
    return ::poll(&p, 1, 0) == 1;
}
bool put_byte(thread_end& e, int value) {
    const std::span<std::byte> place = e.reserve();
    if (place.empty()) return false;
    place[0] = static_cast<std::byte>(value);
    e.send(1);
    return true;
}
int take_byte(thread_end& e) {
    int got = -1;
    e.receive([&](std::span<const std::byte> b, std::span<unique_fd>) {
        got = std::to_integer<int>(b[0]);
    });
    return got;
}

} // namespace

TEST_CASE("thread_channel: what one end sends the other receives, and is rung for once") {
    auto [a, b] = thread_end::make();
    CHECK_FALSE(rung(b));
    for (int n = 0; n < 3; ++n) CHECK(put_byte(a, n));
    CHECK(rung(b));
    b.awake();
    CHECK_FALSE(rung(b));
    for (int n = 0; n < 3; ++n) CHECK(take_byte(b) == n);
    CHECK(put_byte(a, 3)); // while it is awake: no bell
    CHECK_FALSE(rung(b));
    CHECK_FALSE(b.sleep()); // but it can not fall asleep over it
    CHECK(take_byte(b) == 3);
    CHECK(take_byte(b) == -1);
    CHECK(b.sleep());
    CHECK(put_byte(b, 7));
    CHECK(rung(a));
    CHECK(take_byte(a) == 7);
}

TEST_CASE("thread_channel: who finds no room is rung when there is some, and nobody else is") {
    auto [a, b] = thread_end::make();
    unsigned count = 0;
    while (!a.reserve().empty()) {
        a.send(datagram_ring::largest);
        ++count;
    }
    CHECK(count >= 2);
    a.awake();
    CHECK(a.sleep(true));
    while (a.reserve().empty()) REQUIRE(b.receive([](auto, auto) {}));
    CHECK(rung(a));
    a.awake();
    CHECK_FALSE(a.sleep(true)); // there is room
    a.awake();
    CHECK(a.sleep());
    while (b.receive([](auto, auto) {})) {}
    a.awake();
    CHECK(a.sleep());
    CHECK(put_byte(a, 1));
    CHECK(take_byte(b) == 1);
    CHECK_FALSE(rung(a)); // it asked for no room
}

TEST_CASE("thread_channel: descriptors change their owner, and are closed with who has them") {
    const auto open_one = [] { return unique_fd{::eventfd(0, EFD_CLOEXEC)}; };
    const auto is_open = [](int fd) { return ::fcntl(fd, F_GETFD) >= 0; };
    auto [a, b] = thread_end::make();
    std::array<unique_fd, 2> fds{open_one(), open_one()};
    const int first = fds[0].get(), second = fds[1].get();
    REQUIRE_FALSE(a.reserve().empty());
    a.send(1, fds);
    CHECK_FALSE(fds[0]);
    unique_fd kept;
    b.receive([&](std::span<const std::byte>, std::span<unique_fd> came) {
        REQUIRE(came.size() == 2);
        kept = std::move(came[1]);
    });
    CHECK(kept.get() == second);
    CHECK_FALSE(is_open(first)); // nobody took it
    CHECK(is_open(second));
    REQUIRE_FALSE(a.reserve().empty());
    std::array<unique_fd, 1> never_received{open_one()};
    const int third = never_received[0].get();
    a.send(1, never_received);
    a = {};
    CHECK(is_open(third));
    b = {};
    CHECK_FALSE(is_open(third));
}

TEST_CASE(
    "thread_channel: either end may go first, and says why, and what it sent is still there") {
    for (const bool first_goes : {true, false}) {
        auto [a, b] = thread_end::make();
        thread_end& goes = first_goes ? a : b;
        thread_end& stays = first_goes ? b : a;
        CHECK_FALSE(stays.hung_up());
        CHECK(put_byte(goes, 9));
        goes.close(wire::farewell::silent);
        goes.close(wire::farewell::late); // the first reason stands
        goes = {};
        CHECK(rung(stays));
        CHECK(stays.farewell() == wire::farewell::silent);
        CHECK_FALSE(stays.sleep());
        CHECK(take_byte(stays) == 9);
        CHECK(put_byte(stays, 1)); // nobody will read it
    }
    auto [a, b] = thread_end::make();
    b.awake();
    CHECK(b.sleep());
    a = {};
    CHECK(rung(b));
    CHECK(b.farewell() == wire::farewell::by_request);
    thread_end none;
    CHECK_FALSE(none);
}

TEST_CASE("thread_channel: two threads that both sleep lose no datagram and no room") {
    auto ends = thread_end::make();
    thread_end &a = ends.first, &b = ends.second;
    constexpr int rounds = 3000;
    // Each answers each datagram with one as large, and both rings are full again and again.
    const auto pump = [](thread_end& me, int& sent, int& received, int& lost) {
        while (received < rounds || sent < rounds) {
            bool any = false;
            me.awake();
            while (me.receive([&](auto bytes, auto) { any = bytes.size() == 6000; })) ++received;
            while (sent < rounds) {
                if (me.reserve().empty()) break;
                me.send(6000);
                ++sent;
                any = true;
            }
            if (any) continue;
            if (!me.sleep(sent < rounds)) continue;
            lost += me.wait(seconds(20)) ? 0 : 1;
        }
    };
    int sent_a = 0, received_a = 0, sent_b = 0, received_b = 0, lost_a = 0, lost_b = 0;
    std::uint64_t allocated = 0;
    std::thread other{[&] { pump(b, sent_b, received_b, lost_b); }};
    allocated = test::allocations_in([&] { pump(a, sent_a, received_a, lost_a); });
    other.join();
    CHECK(received_a == rounds);
    CHECK(received_b == rounds);
    CHECK(lost_a + lost_b == 0);
    CHECK(allocated == 0);
}
