// However much a client of another user asks for, or leaves undone, its own share is all it gets:
// rows 14 to 21, against the host's program.
#include "scene.hpp"

#include <fcntl.h>

using namespace vmsig;
using namespace vmsig::test;

namespace {

/// One more that may fail at once, for there is no place in the queue.
unique_fd hasty(const std::string& path) {
    ::sockaddr_un to{};
    to.sun_family = AF_UNIX;
    path.copy(to.sun_path, sizeof to.sun_path - 1);
    unique_fd s{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    const auto* address = reinterpret_cast<const ::sockaddr*>(&to);
    if (::connect(s.get(), address, sizeof to) != 0) return {};
    return s;
}

void flood(const std::string& path) {
    raw_client c{path};
    c.join();
    serial_number serial;
    must(c.acquire(serial) == refusal::none, "no lease");
    unsigned accepted = 0, busy = 0;
    for (unsigned n = 0; n < 2000; ++n) {
        std::vector<std::byte> changes;
        wire::submit s = c.key(serial, KEY_B, true, changes);
        s.not_before = instant{seconds(3600).ns};
        s.options = wire::not_before_relative;
        const auto a = c.ask<wire::submitted>(s, changes);
        accepted += a.why == refusal::none ? 1 : 0;
        busy += a.why == refusal::busy ? 1 : 0;
    }
    must(accepted > 0 && accepted <= 256, "more is taken than a control may have pending");
    must(accepted + busy == 2000, "a command beyond the cap is not busy");
}
void never_read(const std::string& path) {
    raw_client c{path};
    c.join();
    unsigned sent = 0;
    for (; sent < 100'000; ++sent) {
        wire::statistics q;
        q.endpoint = c.vm;
        q.request = sent;
        c.put(q);
        if (::send(c.fd.get(), c.out.data(), c.out.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) break;
        c.out.clear();
    }
    must(sent > 0 && sent < 100'000, "what nobody reads is taken for ever");
    ::usleep(300'000); // the healthy one goes on
    unsigned answers = 0;
    while (answers < sent) {
        must(c.read(10'000), "a peer that did not read was thrown out");
        answers = 0;
        for (const auto& f : c.frames) answers += f.type == wire::frame_type::statistics_read;
    }
}
void half_open(const std::string& path) {
    std::vector<unique_fd> idle;
    for (unsigned n = 0; n < 200; ++n)
        if (unique_fd s = hasty(path)) idle.push_back(std::move(s));
    must(idle.size() >= 8, "nobody can connect");
    ::pollfd first{idle.front().get(), POLLIN, 0};
    must(::poll(&first, 1, 20'000) == 1, "who says nothing stays for ever");
    idle.clear();
    raw_client later{path}; // behind all of them
    later.join();
}
void connect_storm(const std::string& path) {
    unsigned connected = 0;
    for (unsigned n = 0; n < 3000; ++n) connected += hasty(path) ? 1 : 0;
    must(connected > 0, "nobody can connect");
    raw_client later{path};
    later.join();
}
void too_many_of_a_user(const std::string& path) {
    std::vector<std::unique_ptr<raw_client>> all;
    for (unsigned n = 0; n < 16; ++n) {
        all.push_back(std::make_unique<raw_client>(path));
        all.back()->join();
    }
    raw_client more{path};
    must(more.await<wire::rejected>().why == wire::farewell::full, "one too many is let in");
    all.pop_back();
    for (unsigned tries = 0;; ++tries) { // when the host has seen that one is gone
        raw_client next{path};
        next.put(wire::hello{}).flush();
        while (next.frames.empty() && next.read(10'000)) {}
        if (!next.frames.empty() && next.frames[0].type == wire::frame_type::welcome) break;
        must(tries < 1000, "a place that is free is not given");
    }
}
void timer_storm(const std::string& path) {
    raw_client c{path};
    c.join();
    serial_number serial;
    must(c.acquire(serial) == refusal::none, "no lease");
    std::vector<correlation_id> open;
    for (unsigned n = 0; n < 256; ++n) {
        std::vector<std::byte> changes;
        wire::submit s = c.key(serial, n % 2 ? KEY_B : KEY_C, n % 4 < 2, changes);
        s.not_before = instant{milliseconds(20).ns};
        s.options = wire::not_before_relative;
        const auto a = c.ask<wire::submitted>(s, changes);
        if (a.why == refusal::none)
            open.push_back(a.correlation);
        else
            must(a.why == refusal::busy, "a timer beyond the cap is not busy");
    }
    must(!open.empty(), "no timer is taken");
    std::size_t ended = 0;
    while (ended < open.size()) {
        c.put(wire::acknowledge{c.events, 0}).flush();
        must(c.read(10'000), "not every timer goes off");
        ended = 0;
        for (const auto& f : c.frames) {
            event e;
            std::span<const std::byte> payload;
            if (f.type != wire::frame_type::event) continue;
            must(wire::get_event({f.type, false, f.body}, e, payload), "an event that is none");
            ended += e.kind == kind::receipt ? 1 : 0;
        }
    }
    must(ended == open.size(), "a command ends twice");
}
void subscription_storm(const std::string& path) {
    raw_client c{path};
    c.join();
    for (unsigned n = 0; n < 1000; ++n) {
        wire::subscribe q;
        q.every = n % 2 != 0;
        must(c.ask<wire::answer>(q).why == refusal::none, "a subscription is refused");
        c.frames.clear();
        c.looked_at = 0;
        c.put(wire::acknowledge{c.events, 0});
    }
}
void highest_of_all(const std::string& path) {
    raw_client c{path};
    c.join();
    serial_number serial;
    must(c.acquire(serial) == refusal::none, "no lease");
    for (unsigned n = 0; n < 1000; ++n) {
        std::vector<std::byte> changes;
        wire::submit s = c.key(serial, KEY_B, n % 2 == 0, changes);
        s.lane = lane::safety;
        const refusal why = c.ask<wire::submitted>(s, changes).why;
        must(why == refusal::none || why == refusal::busy, "a wish for a lane is refused");
        c.put(wire::acknowledge{c.events, 0});
    }
}

} // namespace

TEST_CASE("load: a flood of commands is busy beyond its cap, and its connection stays") {
    run_beside("flood", flood);
}
TEST_CASE("load: whoever never reads is read no further, keeps its connection and its answers") {
    run_beside("never reads", never_read);
}
TEST_CASE("load: connections that say nothing are closed at the deadline, others get in behind") {
    run_beside("half open", half_open);
}
TEST_CASE("load: a storm of connections leaves nothing behind") {
    run_beside("connect storm", connect_storm);
}
TEST_CASE("load: a user has so many connections, and a free place is given again") {
    run_as_another("per user", too_many_of_a_user);
}
TEST_CASE("load: a storm of timers is within its cap, and each ends once") {
    run_beside("timers", timer_storm);
}
TEST_CASE("load: a storm of subscriptions is answered, each of them") {
    run_beside("subscriptions", subscription_storm);
}
TEST_CASE("load: whoever wants the highest lane for everything keeps nobody from his turn") {
    run_beside("priority", highest_of_all);
}
