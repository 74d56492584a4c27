// What goes out to a peer: once per turn, many frames in a datagram; descriptors one message at a
// time; what the kernel does not take goes again.
#include <vmsig/transport/server.hpp>

#include "peers.hpp"

#include <support/fd_count.hpp>

using namespace vmsig;
using test::raw_peer;
using test::served;

namespace {

/// Counts, and fails as it is told.
struct counting_calls : socket_calls {
    static inline unsigned sends = 0;
    static inline int fails_with = 0;   ///< errno, of sends
    static inline int fails_on = -1;    ///< only of those on this one; -1: of all
    static inline int accepted = -1;    ///< the last one
    static inline int accept_fails = 0; ///< errno
    static inline unsigned accepts = 0;

    static void reset() {
        sends = accepts = 0, fails_with = accept_fails = 0;
        fails_on = accepted = -1;
    }
    static ssize_t send(int fd, const msghdr* m) noexcept {
        ++sends;
        if (fails_with != 0 && (fails_on < 0 || fails_on == fd)) return errno = fails_with, -1;
        return socket_calls::send(fd, m);
    }
    static int accept(int listener) noexcept {
        ++accepts;
        if (accept_fails != 0) return errno = accept_fails, -1;
        const int fd = socket_calls::accept(listener);
        if (fd >= 0) accepted = fd;
        return fd;
    }
};
using counted = served<counting_calls>;

wire::take_memctx ask(endpoint_id e, std::uint32_t request) {
    wire::take_memctx q;
    q.request = request;
    q.endpoint = e;
    return q;
}

/// Receives one datagram and the descriptors that came with it.
std::size_t descriptors_of_next(raw_peer& p, wire::memctx& answer) {
    std::vector<std::byte> bytes(wire::max_datagram_bytes);
    alignas(::cmsghdr) char control[CMSG_SPACE(sizeof(int) * max_ram_fds)];
    for (;;) {
        ::iovec v{bytes.data(), bytes.size()};
        ::msghdr m{};
        m.msg_iov = &v;
        m.msg_iovlen = 1;
        m.msg_control = control;
        m.msg_controllen = sizeof control;
        const ssize_t n = ::recvmsg(p.fd.get(), &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (n <= 0) return 0;
        std::span<const std::byte> rest{bytes.data(), static_cast<std::size_t>(n)};
        std::size_t fds = 0;
        if (::cmsghdr* c = CMSG_FIRSTHDR(&m)) {
            fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            for (std::size_t i = 0; i < fds; ++i) {
                int fd = -1;
                std::memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
                ::close(fd);
            }
        }
        wire::frame_view f;
        while (!rest.empty() && wire::next_frame(rest, f)) {
            std::span<const std::byte> tail;
            if (f.type == wire::frame_type::event) ++p.events;
            if (f.type == answer.type && wire::parse(f, answer, tail)) return fds;
        }
    }
}

/// As many as the answer says, and some.
bool takes_descriptors(raw_peer& p, wire::memctx& answer) {
    const std::size_t fds = descriptors_of_next(p, answer);
    return fds != 0 && fds == answer.fd_count;
}

} // namespace

TEST_CASE("server: what waits for a peer goes out once per turn, many frames in a datagram") {
    counting_calls::reset();
    counted w;
    raw_peer p = w.join();
    wire::may q;
    q.endpoint = w.handle_of(p, "build-7");
    for (int n = 0; n < 100; ++n) p.put(q);
    p.flush();
    counting_calls::sends = 0;
    w.bus->dispatch();
    CHECK(counting_calls::sends == 1);
    std::size_t answers = 0;
    for (const auto& r : p.read()) answers += r.type == wire::frame_type::answer ? 1 : 0;
    CHECK(answers == 100);
}

TEST_CASE("server: a second message with descriptors waits for the acknowledgement of the first") {
    served<> w;
    raw_peer p = w.join();
    const endpoint_id first = w.handle_of(p, "build-7"), second = w.handle_of(p, "db-1");
    p.put(ask(first, 1)).put(ask(second, 2)).flush();
    w.settle();
    wire::memctx m;
    CHECK(takes_descriptors(p, m));
    CHECK(m.request == 1);
    CHECK(m.endpoint == first);
    CHECK(m.fds_included);
    CHECK(descriptors_of_next(p, m) == 0);
    CHECK(m.request == 1);                                       // the other one waits
    CHECK(w.bus->audit().count(decision::memctx_exported) == 1); // and was not taken from the bus
    p.put(wire::acknowledge{p.events, 1}).flush();
    w.settle();
    CHECK(takes_descriptors(p, m));
    CHECK(m.request == 2);
    CHECK(w.bus->audit().count(decision::memctx_exported) == 2);
}

TEST_CASE("server: a memctx that waited while the machine was reset is the new epoch's or none") {
    served<> w;
    raw_peer p = w.join();
    const endpoint_id second = w.handle_of(p, "db-1");
    p.put(ask(w.handle_of(p, "build-7"), 1)).put(ask(second, 2)).flush();
    w.settle();
    wire::memctx m;
    REQUIRE(takes_descriptors(p, m));
    struct guest_reset {
        adapter_handle bus;
        void on_attach(adapter_handle b) { bus = b; }
    } device;
    w.bus->attach_adapter(device, w.other);
    device.bus.emit(lifecycle{transition::reset, cause::guest});
    w.settle();
    p.put(wire::acknowledge{p.events, 1}).flush();
    w.settle();
    descriptors_of_next(p, m);
    REQUIRE(m.request == 2);
    if (m.why == refusal::none) CHECK(m.epoch == w.bus->epoch_of(w.other));
    w.bus->detach(device.bus.id());
}

TEST_CASE("server: an error of the kernel defers, and nothing is lost or sent twice") {
    for (const int error : {EAGAIN, EINTR, ENOBUFS, ENOMEM, ETOOMANYREFS}) {
        counting_calls::reset();
        counted w;
        raw_peer p = w.join();
        wire::may q;
        q.endpoint = w.handle_of(p, "build-7");
        for (std::uint32_t n = 1; n <= 10; ++n) {
            q.request = n;
            p.put(q);
        }
        p.frames.clear();
        counting_calls::fails_with = error;
        p.flush();
        for (int turns = 0; turns < 20; ++turns) w.bus->dispatch();
        CHECK(p.read().empty());
        counting_calls::fails_with = 0;
        REQUIRE(w.await([&] { return p.read().size() >= 10; }));
        std::uint32_t expected = 0;
        for (const auto& r : p.read()) {
            wire::answer a;
            std::span<const std::byte> tail;
            if (r.type != a.type) continue;
            REQUIRE(wire::parse({r.type, false, r.body}, a, tail));
            CHECK(a.request == ++expected);
        }
        CHECK(expected == 10);
    }
}

TEST_CASE("server: a connection that the kernel says is broken is gone, and no other") {
    for (const int error : {EPIPE, ECONNRESET, EMSGSIZE}) {
        counting_calls::reset();
        counted w;
        raw_peer healthy = w.join(), p = w.join();
        wire::may q;
        q.endpoint = w.handle_of(p, "build-7");
        counting_calls::fails_on = counting_calls::accepted; // the machine has news for both
        counting_calls::fails_with = error;
        p.put(q).flush();
        w.bus->dispatch();
        counting_calls::fails_with = 0;
        w.settle();
        CHECK(w.door->peer_count() == 1);
        CHECK_FALSE(healthy.is_closed());
    }
}

TEST_CASE("server: without descriptors nobody is accepted for a while, and peers are served") {
    for (const int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM}) {
        counting_calls::reset();
        counted w;
        raw_peer there = w.join();
        counting_calls::accept_fails = error;
        counting_calls::accepts = 0;
        raw_peer waits{w.path()};
        waits.put(wire::hello{}).flush();
        for (int turns = 0; turns < 1000; ++turns) w.bus->dispatch();
        CHECK(counting_calls::accepts < 20); // the listener is not asked all the time
        wire::may q;
        q.number = static_cast<std::uint32_t>(verb::status);
        q.endpoint = w.handle_of(there, "build-7");
        there.put(q).flush();
        w.settle();
        CHECK(there.last<wire::answer>().why == refusal::none);
        counting_calls::accept_fails = 0;
        CHECK(w.await([&] { return w.door->peer_count() == 2; }));
    }
}

TEST_CASE("server: a connection that was lost in accept keeps nobody else out") {
    for (const int error : {ECONNABORTED, EINTR, EPERM}) {
        counting_calls::reset();
        counted w;
        counting_calls::accept_fails = error;
        raw_peer p{w.path()};
        p.put(wire::hello{}).flush();
        w.bus->dispatch();
        counting_calls::accept_fails = 0;
        w.settle();
        CHECK(w.door->peer_count() == 1);
    }
}

TEST_CASE("server: a machine whose name is gone before a peer was told of it is not told of") {
    counting_calls::reset();
    counted w;
    raw_peer p = w.join();
    const origin_id who = p.last<wire::welcome>().origin;
    p.frames.clear();
    counting_calls::fails_with = EAGAIN;
    const endpoint_id gone = w.bus->add_endpoint("gone");
    w.bus->set_grant(who, grant{}.on(gone).allow(right::observe));
    w.settle(20); // its state waits for the peer
    w.bus->post([&] { w.bus->remove_endpoint(gone); });
    w.bus->dispatch(1); // a turn that is over before it has told anybody
    REQUIRE(w.bus->add_endpoint("here").slot() == gone.slot());
    counting_calls::fails_with = 0;
    w.settle();
    for (const auto& r : p.read()) CHECK(r.type != wire::frame_type::endpoint_named);
    CHECK(p.events_of(kind::endpoint_removed).empty());
    CHECK(p.events_of(kind::replay_begin).empty());
    CHECK(p.events_of(kind::grant_changed).size() == 2); // of the machines that it knows
}
