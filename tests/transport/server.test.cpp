// Peers on a socket: the handshake, the verbs through it, the ways in which a connection ends.
#include <vmsig/transport/server.hpp>

#include "peers.hpp"

#include <support/alloc_guard.hpp>
#include <support/fd_count.hpp>

using namespace vmsig;
using test::raw_peer;
using test::served;

namespace {

wire::submit press_key(endpoint_id at, serial_number s, epoch_number e) {
    wire::submit q;
    q.request = 5;
    q.verb = verb::input;
    q.endpoint = at;
    q.serial = s;
    q.epoch = e;
    return q;
}
std::vector<std::byte> key(std::uint16_t code, bool down) {
    std::vector<std::byte> out(wire::size_of<input_change>());
    wire::writer to{out};
    wire::put(to, input_change::key(code, down));
    return out;
}
wire::acquire take_lease(endpoint_id at, lease_class c) {
    wire::acquire q;
    q.request = 1;
    q.endpoint = at;
    q.lease_class = c;
    return q;
}

} // namespace

TEST_CASE("server: hello is answered with a welcome, then comes the snapshot of each endpoint") {
    served<> w;
    raw_peer p = w.join();
    CHECK(p.last<wire::welcome>().origin);
    CHECK(w.door->peer_count() == 1);
    const auto ends = p.events_of(kind::replay_end);
    REQUIRE(ends.size() == 2);
    CHECK(ends[0].endpoint != ends[1].endpoint);
    CHECK(p.events_of(kind::lifecycle).size() == 2);
    for (const event& e : ends) CHECK(e.sequence == 0); // snapshots consume no number
}

TEST_CASE("server: the same story as in process: lease, command, one receipt, release") {
    served<> w;
    raw_peer p = w.join();
    const endpoint_id at = w.handle_of(p, "build-7");
    p.put(take_lease(at, lease_class::input)).flush();
    w.settle();
    const auto got = p.last<wire::acquired>();
    REQUIRE(got.what == acquire_result::status::granted);
    CHECK(w.bus->lease_of(w.vm, lease_class::input).owner.who == p.last<wire::welcome>().origin);

    p.put(press_key(at, got.serial, w.bus->epoch_of(w.vm)), key(KEY_A, true)).flush();
    w.settle();
    const auto accepted = p.last<wire::submitted>();
    REQUIRE(accepted.why == refusal::none);
    const auto receipts = p.events_of(kind::receipt);
    REQUIRE(receipts.size() == 1);
    CHECK(receipts[0].correlation == accepted.correlation);
    CHECK(receipts[0].as<receipt>()->outcome == outcome::done);

    wire::release r;
    r.request = 9;
    r.endpoint = at;
    r.serial = got.serial;
    r.lease_class = lease_class::input;
    p.put(r).flush();
    w.settle();
    CHECK(p.last<wire::answer>().why == refusal::none);
    CHECK_FALSE(w.bus->lease_of(w.vm, lease_class::input).owner.who);
}

TEST_CASE("server: the answer to a submission comes before its receipt") {
    served<> w;
    raw_peer p = w.join();
    wire::submit q;
    q.request = 3;
    q.verb = verb::status;
    q.endpoint = w.handle_of(p, "db-1");
    p.frames.clear();
    p.put(q).flush();
    w.settle();
    std::vector<wire::frame_type> order;
    for (const auto& r : p.read()) order.push_back(r.type);
    REQUIRE(order.size() >= 2);
    CHECK(order[0] == wire::frame_type::submitted);
    CHECK(order[1] == wire::frame_type::event);
}

TEST_CASE("server: input without the epoch that one has seen is not ready, with an old one stale") {
    served<> w;
    raw_peer p = w.join();
    const endpoint_id at = w.handle_of(p, "build-7");
    p.put(take_lease(at, lease_class::input)).flush();
    w.settle();
    const serial_number serial = p.last<wire::acquired>().serial;
    p.put(press_key(at, serial, {}), key(KEY_A, true)).flush();
    w.settle();
    CHECK(p.last<wire::submitted>().why == refusal::not_ready);
    p.put(press_key(at, serial, {w.bus->epoch_of(w.vm).value + 5}), key(KEY_A, true)).flush();
    w.settle();
    CHECK(p.last<wire::submitted>().why == refusal::stale_epoch);
}

TEST_CASE("server: an absent endpoint and a forbidden one answer alike, and so does another's") {
    served<> w;
    w.gate.rule = [&w](const peer_identity&) { return grant{}.on(w.vm).allow(test::every_right); };
    raw_peer p = w.join();
    const endpoint_id mine = w.handle_of(p, "build-7");
    wire::find q;
    q.request = 2;
    std::string_view{"db-1"}.copy(q.name.data(), 4); // there, and not for this one
    p.put(q).flush();
    w.settle();
    const refusal forbidden = p.last<wire::found>().why;
    std::string_view{"none"}.copy(q.name.data(), 4);
    p.put(q).flush();
    w.settle();
    CHECK(p.last<wire::found>().why == forbidden);
    CHECK(forbidden == refusal::denied);
    // Handles that were never given, whatever they would be elsewhere.
    for (const endpoint_id forged : {w.vm, w.other, endpoint_id::make(63, 1), endpoint_id{},
                                     endpoint_id::make(mine.slot(), mine.generation() + 1)}) {
        if (forged == mine) continue;
        p.put(take_lease(forged, lease_class::power)).flush();
        w.settle();
        CHECK(p.last<wire::acquired>().why == refusal::denied);
    }
    CHECK_FALSE(p.is_closed());
}

TEST_CASE("server: whoever the authenticator knows not is told so and closed") {
    served<> w;
    w.gate.rule = [](const peer_identity&) { return std::optional<grant>{}; };
    raw_peer p{w.path()};
    p.put(wire::hello{}).flush();
    w.settle();
    CHECK(p.last<wire::rejected>().why == wire::farewell::denied);
    CHECK(p.is_closed());
    CHECK(w.door->peer_count() == 0);
    CHECK(w.bus->audit().count(decision::attach_refused) == 1);
}

TEST_CASE("server: who a peer is, is the kernel's word") {
    served<> w;
    peer_identity seen;
    w.gate.rule = [&seen](const peer_identity& who) -> std::optional<grant> {
        seen.uid = who.uid;
        seen.gid = who.gid;
        seen.pid = who.pid;
        seen.name = who.name;
        seen.groups = who.groups;
        seen.group_count = who.group_count;
        return grant{};
    };
    raw_peer p{w.path()};
    wire::hello h;
    std::string_view{"operator"}.copy(h.name.data(), 8);
    p.put(h).flush();
    w.settle();
    CHECK(seen.uid == ::getuid());
    CHECK(seen.gid == ::getgid());
    CHECK(seen.pid == ::getpid());
    CHECK(wire::text_of(seen.name) == "operator");
    std::vector<gid_t> mine(max_peer_groups);
    const int count = ::getgroups(static_cast<int>(mine.size()), mine.data());
    mine.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    CHECK(std::vector<gid_t>(seen.groups.begin(), seen.groups.begin() + seen.group_count) == mine);
    for (const gid_t g : mine) CHECK(seen.in_group(g));
    CHECK(seen.in_group(::getgid()));
    CHECK_FALSE(seen.in_group(static_cast<gid_t>(-1)));
}

TEST_CASE("server: versions: any that overlap agree, others are told the range") {
    for (const auto& [oldest, newest, fits] :
         {std::tuple{1, 1, true}, std::tuple{1, 9, true}, std::tuple{0, 1, true},
          std::tuple{2, 9, false}, std::tuple{0, 0, false}}) {
        served<> w;
        raw_peer p{w.path()};
        wire::hello h;
        h.oldest = static_cast<std::uint16_t>(oldest);
        h.newest = static_cast<std::uint16_t>(newest);
        p.put(h).flush();
        w.settle();
        if (fits) {
            CHECK(p.last<wire::welcome>().version == 1);
        } else {
            const auto no = p.last<wire::rejected>();
            CHECK(no.why == wire::farewell::version);
            CHECK(no.oldest == wire::oldest_version);
            CHECK(no.newest == wire::newest_version);
            CHECK(p.is_closed());
        }
    }
}

TEST_CASE("server: what is not the protocol ends that connection and no other") {
    served<> w;
    raw_peer healthy = w.join();
    const auto ends = [&w](raw_peer p) {
        w.settle();
        return p.is_closed();
    };
    const auto say = [&w](auto&& write, bool greet) {
        raw_peer p{w.path()};
        if (greet) p.put(wire::hello{}).flush();
        if (greet) w.settle();
        write(p);
        return p;
    };
    const auto garbage = [](raw_peer& p) {
        p.out.assign(100, std::byte{0x5a});
        p.flush();
    };
    const auto command_first = [](raw_peer& p) { p.put(wire::cancel{}).flush(); };
    const auto hello_again = [](raw_peer& p) { p.put(wire::hello{}).flush(); };
    const auto swapped = [](raw_peer& p) {
        wire::hello h;
        h.byte_order = 0x0102'0304;
        p.put(h).flush();
    };
    const auto unknown = [](raw_peer& p) {
        p.put(wire::bye{});
        const std::uint16_t type = 50;
        std::memcpy(p.out.data() + 4, &type, 2);
        p.flush();
    };
    const auto empty = [](raw_peer& p) { ::send(p.fd.get(), nullptr, 0, MSG_NOSIGNAL); };
    const auto oversize = [](raw_peer& p) {
        p.out.assign(wire::max_datagram_bytes + 1, std::byte{0});
        p.flush();
    };
    const auto forged_ack = [](raw_peer& p) { p.put(wire::acknowledge{1'000'000, 0}).flush(); };
    CHECK(ends(say(garbage, false)));
    CHECK(ends(say(garbage, true)));
    CHECK(ends(say(command_first, false)));
    CHECK(ends(say(hello_again, true)));
    CHECK(ends(say(swapped, false)));
    CHECK(ends(say(unknown, true)));
    CHECK(ends(say(empty, false)));
    CHECK(ends(say(empty, true)));
    CHECK(ends(say(oversize, true)));
    CHECK(ends(say(forged_ack, true)));
    CHECK(w.door->peer_count() == 1);
    CHECK_FALSE(healthy.is_closed());
}

TEST_CASE("server: an unknown frame that says it may be skipped is skipped") {
    served<> w;
    raw_peer p = w.join();
    p.put(wire::bye{});
    const std::uint16_t type = 50, flags = wire::flag_optional;
    std::memcpy(p.out.data() + 4, &type, 2);
    std::memcpy(p.out.data() + 6, &flags, 2);
    p.flush();
    w.settle();
    CHECK_FALSE(p.is_closed());
}

TEST_CASE("server: descriptors are never received, and whoever sends one is gone") {
    served<> w;
    for (const bool greeted : {false, true}) {
        const int before = test::open_fd_count();
        raw_peer p = greeted ? w.join() : raw_peer{w.path()};
        w.settle();
        p.put(wire::hello{});
        ::iovec v{p.out.data(), p.out.size()};
        alignas(::cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
        ::msghdr m{};
        m.msg_iov = &v;
        m.msg_iovlen = 1;
        m.msg_control = control;
        m.msg_controllen = sizeof control;
        ::cmsghdr* c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        const int own = p.fd.get();
        std::memcpy(CMSG_DATA(c), &own, sizeof own);
        REQUIRE(::sendmsg(p.fd.get(), &m, MSG_NOSIGNAL) > 0);
        w.settle();
        CHECK(p.is_closed());
        CHECK(test::open_fd_count() == before + 1); // our end of the connection
    }
    CHECK(w.door->peer_count() == 0);
}

TEST_CASE("server: a peer that hangs up is gone in that turn, its leases free and its keys up") {
    served<> w;
    {
        raw_peer p = w.join();
        const endpoint_id at = w.handle_of(p, "build-7");
        p.put(take_lease(at, lease_class::input)).flush();
        w.settle();
        const auto got = p.last<wire::acquired>();
        p.put(press_key(at, got.serial, w.bus->epoch_of(w.vm)), key(KEY_A, true)).flush();
        w.settle();
        REQUIRE(w.bus->lease_of(w.vm, lease_class::input).owner.who);
        // Sent together with the hang-up: discarded.
        p.put(press_key(at, got.serial, w.bus->epoch_of(w.vm)), key(KEY_B, true)).flush();
    }
    const auto admitted = w.bus->audit().count(decision::command_admitted);
    w.bus->dispatch();
    CHECK(w.door->peer_count() == 0);
    CHECK_FALSE(w.bus->lease_of(w.vm, lease_class::input).owner.who);
    CHECK(w.bus->audit().count(decision::neutral) == 1);
    CHECK(w.bus->audit().count(decision::command_admitted) == admitted);
    REQUIRE(w.gate.gone.size() == 1);
}

TEST_CASE("server: an orderly bye is processed with what came before it") {
    served<> w;
    raw_peer p = w.join();
    p.put(take_lease(w.handle_of(p, "build-7"), lease_class::power)).put(wire::bye{}).flush();
    w.settle();
    CHECK(w.bus->audit().count(decision::lease_granted) == 1);
    CHECK(w.door->peer_count() == 0);
    CHECK(p.last<wire::goodbye>().why == wire::farewell::by_request);
}

TEST_CASE("server: a user has so many connections, and another user's are not counted") {
    server_options o;
    o.peers_per_user = 2;
    served<> w{o};
    raw_peer a = w.join(), b = w.join(), c{w.path()};
    c.put(wire::hello{}).flush();
    w.settle();
    CHECK(c.last<wire::rejected>().why == wire::farewell::full);
    CHECK(w.door->peer_count() == 2);
}

TEST_CASE("server: 1,000 peers that come and go leave no descriptor and no place taken") {
    served<> w;
    w.join();
    w.settle();
    const int before = test::open_fd_count();
    for (int n = 0; n < 1000; ++n) {
        raw_peer p{w.path()};
        REQUIRE(p.fd);
        if (n % 3 != 0) p.put(wire::hello{}).flush();
        if (n % 2 != 0) w.bus->dispatch();
        if (n % 16 == 0) w.settle();
    }
    w.settle();
    CHECK(test::open_fd_count() == before);
    CHECK(w.door->peer_count() == 0);
    CHECK(w.join().events > 0);
}
