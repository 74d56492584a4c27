// Row 12: a process that may open no more descriptors, by the kernel's own word: nobody is asked
// for at the door for a growing while, whoever is there is served, and one free descriptor is
// enough to go on.
#include <vmsig/transport/server.hpp>

#include "peers.hpp"

#include "few_descriptors.hpp"

using namespace vmsig;
using test::few_descriptors;
using test::raw_peer;

namespace {

/// The real thing, counted.
template <class Calls>
struct accept_counter : Calls {
    static inline unsigned accepts = 0;
    static inline unsigned refusals = 0; ///< for want of descriptors
    static inline unsigned timers = 0;   ///< that went off

    static int accept(int listener) noexcept {
        ++accepts;
        const int fd = Calls::accept(listener);
        refusals += fd < 0 && errno == EMFILE ? 1 : 0;
        return fd;
    }
    static ssize_t read(int fd, void* to, std::size_t size) noexcept {
        ++timers;
        return Calls::read(fd, to, size);
    }
};

bool is_served(test::served<accept_counter<socket_calls>>& w, raw_peer& p, endpoint_id vm) {
    wire::may q;
    q.number = static_cast<std::uint32_t>(verb::status);
    q.endpoint = vm;
    p.frames.clear();
    p.put(q).flush();
    w.settle();
    return p.last<wire::answer>().why == refusal::none;
}

} // namespace

TEST_CASE("server: at the limit of descriptors the loop rests, peers are served, one is enough") {
    VMSIG_NEEDS_NO_DESCRIPTORS();
    using calls = accept_counter<socket_calls>;
    test::served<calls> w;
    std::vector<std::pair<uid_t, bool>> let_in; // and whether there was a pidfd for it
    w.gate.rule = [&let_in](const peer_identity& who) {
        let_in.emplace_back(who.uid, static_cast<bool>(who.pidfd));
        return grant{}.on_every().allow(test::every_right);
    };
    raw_peer there = w.join();
    const endpoint_id vm = w.handle_of(there, "build-7");
    raw_peer waits{w.path()}, waits_too{w.path()};
    for (raw_peer* p : {&waits, &waits_too}) p->put(wire::hello{}).flush();
    few_descriptors none;
    const auto& seen = w.door->statistics();

    calls::accepts = calls::refusals = calls::timers = 0;
    unsigned turns = 0; // of which the machines have their own share
    for (std::uint64_t pauses = 1; pauses <= 6; ++pauses) { // 10, 20, ... 320 ms
        while (seen.accept_pauses < pauses && turns < 10'000) {
            ::pollfd readable{w.bus->fd(), POLLIN, 0};
            ::poll(&readable, 1, 1000);
            w.bus->dispatch();
            ++turns;
        }
        CHECK(calls::accepts == pauses);
        CHECK(calls::refusals == pauses);
    }
    CHECK(calls::timers >= 5); // one between two
    CHECK(calls::timers <= 6); // and perhaps the deadline of a greeting
    CHECK(is_served(w, there, vm));
    CHECK(w.door->peer_count() == 1);

    none.leave(1);
    REQUIRE(w.await([&] { return w.door->peer_count() == 2; }));
    CHECK(waits.last<wire::welcome>().version == wire::newest_version);
    CHECK(is_served(w, there, vm));
    none.leave(2);
    REQUIRE(w.await([&] { return w.door->peer_count() == 3; }));
    CHECK(waits_too.last<wire::welcome>().version == wire::newest_version);
    REQUIRE(let_in.size() == 3);
    for (const auto& [uid, with_pidfd] : let_in) CHECK(uid == ::getuid()); // known without a pidfd
    CHECK_FALSE(let_in[1].second);
    CHECK(let_in[2].second == let_in[0].second); // older kernels have none
    CHECK(seen.accepted == 3);
    CHECK(seen.rejected == 0);
}

TEST_CASE("server: at the limit of descriptors the door is tried a second apart at last") {
    VMSIG_NEEDS_NO_DESCRIPTORS();
    using calls = accept_counter<test::timed_calls>;
    test::served<calls, test::timed_traits> w;
    raw_peer waits{w.path()};
    waits.put(wire::hello{}).flush();
    few_descriptors none;
    calls::accepts = 0;
    for (int tenths = 0; tenths < 100; ++tenths)
        for (int n = 0; n < 10; ++n) w.advance(milliseconds(10));
    CHECK(calls::accepts >= 8 + 8); // after 0, 10, 30 ... 1,270 ms, then each second
    CHECK(calls::accepts <= 8 + 9);
    none.leave(1);
    w.advance(seconds(1));
    CHECK(w.door->peer_count() == 1);
}
