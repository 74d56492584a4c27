// A control on another thread with a loop of its own sleeps only while nothing is left for it.
#include <vmsig/transport/thread_link.hpp>

#include "thread_host.hpp"

#include <poll.h>

using namespace vmsig;
using test::thread_host;

namespace {

bool readable(const client& c, int at_most_ms) {
    ::pollfd p{c.fd(), POLLIN, 0};
    return ::poll(&p, 1, at_most_ms) == 1;
}

/// Counts, and asks something with each event, as a control does that acts upon what it sees.
struct asker {
    endpoint_id vm;
    unsigned events = 0, receipts = 0;
    bool asks = true;

    void on_event(const event& e, client& bus) {
        ++events;
        if (e.is(kind::receipt)) ++receipts;
        if (e.is(kind::replay_end)) vm = e.endpoint;
        if (vm && asks) (void)bus.may(verb::status, vm);
    }
};

/// As its loop would: until it is true.
template <class Predicate>
void poll_until(client& c, asker& a, Predicate&& p) {
    for (;;) {
        c.dispatch(a);
        if (p()) return;
        REQUIRE(readable(c, 5'000));
    }
}

} // namespace

TEST_CASE("thread: who polls is told of what comes after a verb that it called in a callback") {
    thread_host h;
    const auto c = h.join();
    asker a;
    poll_until(*c, a, [&] { return a.vm; });
    for (unsigned n = 1; n <= 100; ++n) {
        REQUIRE(c->submit(query_status(a.vm)));
        poll_until(*c, a, [&] { return a.receipts == n; });
    }
    h.on_loop([&] { h.bus->remove_endpoint(h.vm); });
    CHECK(readable(*c, 5'000)); // the last thing that it did was to ask
}

TEST_CASE("thread: who polls is told of all that came while it did something else") {
    thread_host h;
    const auto c = h.join();
    asker a;
    a.asks = false;
    poll_until(*c, a, [&] { return a.vm; });
    const unsigned before = a.events;
    struct sensor {
        adapter_handle bus;
        void on_attach(adapter_handle b) { bus = b; }
    } talks;
    kind noise{};
    h.on_loop([&] {
        noise = h.bus->register_kind("noise", {.source = source::memory});
        h.bus->attach_adapter(talks, h.vm);
    });
    constexpr unsigned many = 90; // each in a datagram of its own, within the window
    for (unsigned n = 0; n < many; ++n) {
        h.on_loop([&] { talks.bus.emit(noise, n); });
        h.on_loop([] {}); // the turn that flushed it is over
    }
    poll_until(*c, a, [&] { return a.events - before >= many; });
    h.on_loop([&] { h.bus->detach(talks.bus.id()); });
}
