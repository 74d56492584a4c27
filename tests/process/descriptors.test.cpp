// Rule: a descriptor that hangs up, fails, or is closed behind the bus is told or forgotten, and
// never keeps the loop awake; whoever gets its number next is served, and nobody else's is touched.
#include <poll.h>
#include <sys/socket.h>

#include "workload.hpp"

using namespace vmsig;
using namespace vmsig::test;

namespace {

struct owner {
    adapter_handle bus;
    unique_fd fd;
    watch_id watched;
    int ready = 0, farewells = 0;
    std::function<void()> when_ready;

    void on_attach(adapter_handle b) { bus = b; }
    void on_ready(cookie, adapter_handle) {
        ++ready;
        if (when_ready) when_ready();
    }
    void on_detached() { ++farewells; }
    void watch(interests what) {
        const auto w = bus.watch(fd.get(), what, {});
        REQUIRE(w);
        watched = *w;
    }
    void drain_some() {
        char byte = 0;
        (void)!::read(fd.get(), &byte, 1);
    }
};

/// The owner of a descriptor on a bus that is otherwise silent.
struct alone {
    owner o;
    workload_core bus;
    endpoint_id vm = bus.add_endpoint("vm");
    alone() { bus.attach_adapter(o, vm); }
    ~alone() { o.bus.detach(); }
    bool readable() {
        pollfd p{bus.fd(), POLLIN, 0};
        return ::poll(&p, 1, 0) == 1;
    }
    /// Turns until the host's loop would sleep.
    void settle() {
        for (int turns = 0; readable() || turns == 0; ++turns) {
            REQUIRE(turns < 200);
            bus.dispatch();
        }
    }
};

unique_fd bell() { return unique_fd{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)}; }
void ring(const unique_fd& fd) {
    const std::uint64_t one = 1;
    REQUIRE(::write(fd.get(), &one, sizeof one) == sizeof one);
}

} // namespace

TEST_CASE(
    "a hang-up or an error of any kind of descriptor ends its adapter, and then it is quiet") {
    const int what = GENERATE(range(0, 6));
    int ends[2];
    if (what < 4)
        REQUIRE(::socketpair(AF_UNIX, (what % 2 ? SOCK_STREAM : SOCK_SEQPACKET) | SOCK_NONBLOCK, 0,
                             ends) == 0);
    else
        REQUIRE(::pipe2(ends, O_NONBLOCK) == 0);
    alone a;
    a.o.fd = unique_fd{ends[what == 5 ? 1 : 0]};
    unique_fd peer{ends[what == 5 ? 0 : 1]};
    a.o.when_ready = [&a] { a.o.drain_some(); };
    if (what == 5) { // a full pipe whose reader goes
        const char some[4096] = {};
        while (::write(a.o.fd.get(), some, sizeof some) > 0) {}
        a.o.watch(interest::write);
    } else {
        a.o.watch(interest::read);
        const char byte = 1; // what was sent before it hung up is read first
        REQUIRE(::write(peer.get(), &byte, 1) == 1);
    }
    if (what == 2 || what == 3) { // unread bytes of the peer's make the end a reset
        const char byte = 1;
        REQUIRE(::write(a.o.fd.get(), &byte, 1) == 1);
    }
    peer.reset();
    a.settle();
    CHECK(a.o.farewells == 1);
    CHECK(a.o.ready >= (what == 5 ? 0 : 1));
}

TEST_CASE("a descriptor closed behind the bus is silent, and its number serves the next owner") {
    alone a;
    a.o.fd = bell();
    const int number = a.o.fd.get();
    a.o.watch(interest::read);
    const bool in_callback = GENERATE(true, false);
    ring(a.o.fd);
    if (in_callback) {
        a.o.when_ready = [&a] { a.o.fd.reset(); };
        a.bus.dispatch();
    } else {
        a.o.fd.reset();
    }
    a.settle();
    CHECK(a.o.ready == (in_callback ? 1 : 0));

    unique_fd next = bell();
    REQUIRE(next.get() == number);
    int rung = 0;
    ring(next);
    REQUIRE(a.bus.watch(next, interest::read, [&](interests) {
        std::uint64_t n = 0;
        rung += ::read(number, &n, sizeof n) == sizeof n ? 1 : 0;
    }));
    a.settle();
    CHECK(rung == 1);
    a.o.bus.unwatch(a.o.watched); // of the number that is another's now
    ring(unique_fd{::dup(number)});
    a.settle();
    CHECK(rung == 2);
}
