// What a hostile peer, a careless host or a fork could do to a server beside what is the protocol's
// business: keep its loop awake, keep its descriptors, be told too much, end somebody else.
#include <vmsig/transport/server.hpp>

#include "peers.hpp"

#include <sys/wait.h>

#include <support/fd_count.hpp>

using namespace vmsig;
using test::raw_peer;
using test::served;

namespace {

/// Fails as it is told, and counts.
struct hazard_calls : socket_calls {
    static inline int accept_fails = 0, send_fails = 0; ///< errno
    static inline unsigned accepts = 0, sends = 0;

    static void reset() { accepts = sends = 0, accept_fails = send_fails = 0; }
    static int accept(int listener) noexcept {
        ++accepts;
        if (accept_fails != 0) return errno = accept_fails, -1;
        return socket_calls::accept(listener);
    }
    static ssize_t send(int fd, const msghdr* m) noexcept {
        ++sends;
        if (send_fails != 0) return errno = send_fails, -1;
        return socket_calls::send(fd, m);
    }
};
using hazardous = served<hazard_calls>;

/// The listener of the only server of this process.
int listener_of_server() {
    int found = -1;
    test::for_each_open_fd([&found](int fd) {
        int listens = 0;
        socklen_t size = sizeof listens;
        if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens == 1)
            found = fd;
    });
    REQUIRE(found >= 0);
    return found;
}

/// Serves a memctx, and does something first when it is asked for it.
struct scheming_provider {
    static constexpr roles serves = role::memctx_provider;
    std::function<void()> scheme;
    adapter_handle bus;

    void on_attach(adapter_handle b) { bus = b; }
    expected<memctx_locator, os_error> describe() {
        scheme();
        return unexpected<os_error>{os_error{EIO, "describe"}};
    }
    expected<ram_fds, os_error> share_fds() {
        return unexpected<os_error>{os_error{EIO, "share_fds"}};
    }
    void invalidate(epoch_number, adapter_handle) {}
};

bool is_named(raw_peer& p, std::string_view name) {
    for (const auto& r : p.read()) {
        wire::endpoint_named n;
        std::span<const std::byte> tail;
        if (r.type == n.type && wire::parse({r.type, false, r.body}, n, tail) &&
            wire::text_of(n.name) == name)
            return true;
    }
    return false;
}

wire::take_memctx take(endpoint_id e) {
    wire::take_memctx q;
    q.request = 1;
    q.endpoint = e;
    return q;
}

} // namespace

TEST_CASE("server: a place that is free before the pause is over leaves no timer that is due") {
    server_options o;
    o.unauthenticated = 1;
    test::served<test::timed_calls, test::timed_traits> w{o};
    raw_peer idle{w.path()}, next{w.path()};
    w.settle();
    REQUIRE(w.door->statistics().accept_pauses == 1);
    idle.fd.reset(); // its place is free, and the listener is asked again before its time
    next.put(wire::hello{}).flush();
    w.settle();
    REQUIRE(w.door->peer_count() == 1);
    w.advance(milliseconds(20));
    CHECK(test::timed_calls::due > w.bus->reactor().now());
}

TEST_CASE("server: a listener that can not be watched again is tried again") {
    server_options o;
    o.unauthenticated = 1;
    test::served<test::timed_calls, test::timed_traits> w{o};
    raw_peer idle{w.path()}, next{w.path()};
    next.put(wire::hello{}).flush();
    w.settle();
    REQUIRE(w.door->statistics().accept_pauses == 1);
    w.bus->reactor().fail(manual_reactor::call::add, ENOSPC, 2);
    idle.fd.reset();
    for (int n = 0; n < 3; ++n) w.advance(seconds(1));
    CHECK(w.door->peer_count() == 1);
}

TEST_CASE("server: a listener that is broken does not keep the loop awake") {
    for (const int error : {EINVAL, EBADF, ENOTSOCK, EOPNOTSUPP}) {
        hazard_calls::reset();
        hazardous w;
        raw_peer waits{w.path()};
        hazard_calls::accept_fails = error;
        for (int turns = 0; turns < 1000; ++turns) w.bus->dispatch();
        CHECK(hazard_calls::accepts < 20);
        hazard_calls::accept_fails = 0;
        waits.put(wire::hello{}).flush();
        CHECK(w.await([&] { return w.door->peer_count() == 1; }));
    }
}

TEST_CASE("server: a peer for which the kernel has no room does not keep the loop awake") {
    for (const int error : {ETOOMANYREFS, ENOBUFS, ENOMEM}) {
        hazard_calls::reset();
        hazardous w;
        raw_peer p = w.join();
        wire::may q;
        q.endpoint = w.handle_of(p, "build-7");
        hazard_calls::send_fails = error;
        hazard_calls::sends = 0;
        p.put(q).flush();
        CHECK(w.settle() < 1000);
        CHECK(hazard_calls::sends < 20);
        hazard_calls::send_fails = 0;
        CHECK(w.await([&] {
            p.read();
            return std::any_of(p.frames.begin(), p.frames.end(),
                               [](const auto& r) { return r.type == wire::frame_type::answer; });
        }));
    }
}

TEST_CASE("server: one that has ended watches nothing, though its listener lives on elsewhere") {
    test::served<test::timed_calls, test::timed_traits> w;
    const int listener = listener_of_server();
    const unique_fd elsewhere{::fcntl(listener, F_DUPFD_CLOEXEC, 0)};
    raw_peer p = w.join();
    w.door.reset();
    CHECK(p.is_closed());
    CHECK_FALSE(w.bus->reactor().watched(listener));
}

TEST_CASE("server: a peer that leaves a memctx unread leaves none of its descriptors behind") {
    hazard_calls::reset();
    hazardous w;
    const int before = test::open_fd_count();
    raw_peer p = w.join();
    const int joined = test::open_fd_count();
    hazard_calls::send_fails = EAGAIN;
    p.put(take(w.handle_of(p, "build-7"))).flush();
    for (int turns = 0; turns < 5; ++turns) w.bus->dispatch();
    REQUIRE(test::open_fd_count() > joined); // taken from the bus, and not sent
    p.fd.reset();
    hazard_calls::send_fails = 0;
    w.settle();
    REQUIRE(w.door->peer_count() == 0);
    CHECK(test::open_fd_count() == before);
}

TEST_CASE("server: one that is detached while its memctx is asked for is gone once") {
    server_options o;
    o.unauthenticated = 2;
    served<> w{o};
    const endpoint_id third = w.bus->add_endpoint("third");
    scheming_provider provider;
    w.bus->attach_adapter(provider, third);
    REQUIRE(provider.bus.publish(w.bus->epoch_of(third)));
    raw_peer p = w.join();
    const origin_id who = p.last<wire::welcome>().origin;
    provider.scheme = [&] { w.bus->detach(who); };
    p.put(take(w.handle_of(p, "third"))).flush();
    w.settle();
    CHECK(p.is_closed());
    CHECK(w.door->statistics().gone == 1);
    CHECK(w.door->statistics().rejected == 0);
    for (int n = 0; n < 3; ++n) w.join(); // there is room at the door
    w.bus->detach(provider.bus.id());
}

TEST_CASE("server: a machine that was never told of is not named when its grant has gone") {
    hazard_calls::reset();
    hazardous w;
    raw_peer p = w.join();
    const origin_id who = p.last<wire::welcome>().origin;
    hazard_calls::send_fails = EAGAIN; // it does not read
    w.bus->add_endpoint("secret-3");
    for (int turns = 0; turns < 5; ++turns) w.bus->dispatch();
    CHECK(w.bus->set_grant(who, grant{}.on(w.vm).allow(right::observe)));
    hazard_calls::send_fails = 0;
    w.settle();
    CHECK_FALSE(is_named(p, "secret-3"));
    CHECK_FALSE(p.is_closed());
}

TEST_CASE("server: what was lost of a machine is not told when its grant has gone") {
    hazard_calls::reset();
    hazardous w;
    raw_peer p = w.join();
    const origin_id who = p.last<wire::welcome>().origin;
    hazard_calls::send_fails = EAGAIN;
    struct sensor {
        adapter_handle bus;
        void on_attach(adapter_handle b) { bus = b; }
    } talks;
    w.bus->attach_adapter(talks, w.other);
    const kind noise = w.bus->register_kind("noise", {.source = source::memory});
    for (int n = 0; n < 1000; ++n) talks.bus.emit(noise, n);
    CHECK(w.bus->set_grant(who, grant{}.on(w.vm).allow(right::observe)));
    hazard_calls::send_fails = 0;
    w.settle();
    CHECK(p.events_of(kind::gap).empty());
    w.bus->detach(talks.bus.id());
}

TEST_CASE("server: a listener that asks for credentials keeps nobody out") {
    served<> w;
    const int on = 1;
    REQUIRE(::setsockopt(listener_of_server(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0);
    raw_peer p{w.path()};
    p.put(wire::hello{}).flush();
    w.settle();
    CHECK(w.door->peer_count() == 1);
    CHECK_FALSE(p.is_closed());
}

TEST_CASE("server: a forked child that destroys its copy ends nobody's greeting, and no socket") {
    auto listening = std::make_unique<served<>>();
    served<>& w = *listening;
    raw_peer greets{w.path()};
    w.settle();
    REQUIRE(w.door->statistics().accepted == 1);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        w.door.reset();
        { const listening_socket gone{std::move(w.listening)}; }
        ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK(greets.read().empty());
    CHECK_FALSE(greets.closed);
    w.join();
}
