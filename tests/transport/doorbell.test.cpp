// A doorbell is rung only for who has said that it sleeps, and then always.
#include <vmsig/transport/doorbell.hpp>

#include <poll.h>

#include <atomic>
#include <thread>

#include <support/catch.hpp>

using namespace vmsig;

namespace {

bool can_be_read(const doorbell& b) {
    ::pollfd p{b.fd(), POLLIN, 0};
    return ::poll(&p, 1, 0) == 1;
}

} // namespace

TEST_CASE("doorbell: a poller is told once, until it has come") {
    doorbell b;
    CHECK_FALSE(can_be_read(b));
    b.ring(); // it is made asleep
    CHECK(can_be_read(b));
    b.ring();
    b.awake();
    CHECK_FALSE(can_be_read(b));
    b.ring(); // nobody rings for who is awake
    CHECK_FALSE(can_be_read(b));
    b.declare();
    CHECK_FALSE(can_be_read(b));
    b.ring();
    b.declare(); // saying it again does not lose what was rung
    CHECK(can_be_read(b));
    b.awake();
    CHECK_FALSE(can_be_read(b));
}

TEST_CASE("doorbell: a wait ends when it is rung before or after, and at its time") {
    doorbell b;
    b.ring();
    CHECK(b.wait(seconds(20))); // rung before: at once
    CHECK_FALSE(can_be_read(b));
    b.declare();
    CHECK_FALSE(b.wait(milliseconds(1))); // by its time alone
    b.declare();
    std::thread other{[&b] { b.ring(); }};
    CHECK(b.wait(seconds(20)));
    other.join();
    b.declare();
    CHECK_FALSE(b.awake());
    CHECK_FALSE(can_be_read(b));
}

TEST_CASE("doorbell: two threads that sleep and wake each other lose no ring") {
    struct player {
        doorbell bell;
        std::atomic<std::uint64_t> ball{0};
    };
    player a, b;
    constexpr std::uint64_t rounds = 20'000;
    // Sleeps in turn by itself and in poll, which are rung in different ways.
    const auto play = [](player& me, player& peer, std::uint64_t first, std::uint64_t& lost) {
        for (std::uint64_t n = first; n <= rounds; n += 2) {
            me.bell.awake();
            while (me.ball.load(std::memory_order_seq_cst) < n) {
                me.bell.declare();
                if (me.ball.load(std::memory_order_seq_cst) >= n) break;
                if (n % 3 == 0) {
                    ::pollfd p{me.bell.fd(), POLLIN, 0};
                    if (::poll(&p, 1, 20'000) == 0) ++lost;
                } else if (!me.bell.wait(seconds(20))) {
                    ++lost;
                }
                me.bell.awake();
            }
            peer.ball.exchange(n + 1, std::memory_order_seq_cst);
            peer.bell.ring();
        }
    };
    std::uint64_t lost_a = 0, lost_b = 0;
    std::thread other{[&] { play(b, a, 2, lost_b); }};
    a.ball = 1;
    play(a, b, 1, lost_a);
    other.join();
    CHECK(lost_a + lost_b == 0);
    CHECK(std::max(a.ball.load(), b.ball.load()) == rounds + 1);
}
