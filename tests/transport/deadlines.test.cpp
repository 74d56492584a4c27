// The server's clock: greetings that never come, silence, and the pause after a failed accept.
#include <vmsig/transport/server.hpp>

#include "peers.hpp"

using namespace vmsig;
using test::raw_peer;

namespace {

using timed = test::served<test::timed_calls, test::timed_traits>;

/// Answers the pings that came.
void answer_pings(raw_peer& p) {
    for (const auto& r : p.read()) {
        wire::ping q;
        std::span<const std::byte> tail;
        if (r.type == q.type && wire::parse({r.type, false, r.body}, q, tail))
            p.put(wire::pong{q.token});
    }
    p.frames.clear();
    if (!p.out.empty()) p.flush();
}

} // namespace

TEST_CASE("server: who says nothing is closed at the deadline") {
    server_options o;
    o.greeting = milliseconds(5000);
    o.unauthenticated = 3;
    timed w{o};
    std::vector<raw_peer> idle;
    for (int n = 0; n < 3; ++n) idle.emplace_back(w.path());
    w.settle();
    for (int n = 0; n < 4; ++n) w.advance(milliseconds(1000)); // all places, but nobody waits
    w.advance(milliseconds(999));
    for (raw_peer& p : idle) CHECK_FALSE(p.is_closed());
    w.advance(milliseconds(1));
    for (raw_peer& p : idle) CHECK(p.last<wire::rejected>().why == wire::farewell::late);
    CHECK(w.door->statistics().farewells[static_cast<unsigned>(wire::farewell::late)] == 3);
}

TEST_CASE("server: who says nothing keeps nobody out for long, whatever waits at the door") {
    server_options o;
    o.greeting = milliseconds(5000);
    o.crowded_greeting = milliseconds(250);
    o.unauthenticated = 3;
    timed w{o};
    std::vector<raw_peer> idle;
    for (int n = 0; n < 6; ++n) idle.emplace_back(w.path());
    w.settle();
    CHECK(w.door->statistics().accepted == 3);
    raw_peer late{w.path()};
    late.put(wire::hello{}).flush();
    w.advance(milliseconds(200)); // the pause is over, and somebody waits
    CHECK_FALSE(idle[0].is_closed());
    w.advance(milliseconds(50));
    CHECK(idle[2].last<wire::rejected>().why == wire::farewell::late);
    CHECK(w.door->peer_count() == 0);
    for (int n = 0; n < 2; ++n) w.advance(milliseconds(250));
    CHECK(w.door->peer_count() == 1);
    CHECK_FALSE(late.is_closed());
}

TEST_CASE("server: silence is asked about, and whoever does not answer is gone") {
    server_options o;
    o.keepalive = seconds(10);
    timed w{o};
    raw_peer silent = w.join(), answers = w.join();
    for (int n = 0; n < 5; ++n) {
        w.advance(seconds(9));
        answer_pings(answers);
        w.settle();
    }
    CHECK(silent.is_closed());
    CHECK(silent.last<wire::goodbye>().why == wire::farewell::silent);
    CHECK_FALSE(answers.is_closed());
    CHECK(w.door->peer_count() == 1);
}

TEST_CASE("server: without keepalive silence is nobody's business") {
    timed w;
    raw_peer silent = w.join();
    for (int n = 0; n < 50; ++n) w.advance(seconds(1000));
    CHECK_FALSE(silent.is_closed());
}

TEST_CASE("server: a pause of the whole process expires a deadline once, not for each interval") {
    server_options o;
    o.keepalive = seconds(10);
    timed w{o};
    raw_peer p = w.join();
    w.advance(seconds(3600)); // one ping, although so many intervals have passed
    CHECK_FALSE(p.is_closed());
    answer_pings(p);
    w.settle();
    w.advance(seconds(9));
    CHECK_FALSE(p.is_closed());
}
