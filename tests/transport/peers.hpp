// A bus with two stub machines, a server on a socket in a folder of its own, and peers that write
// and read raw frames: everything on one thread, so that each step is where the test puts it.
#pragma once

#include <vmsig/transport/server.hpp>

#include <cstdlib>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <vmsig/stub/machine.hpp>
#include <vmsig/transport/listener.hpp>

#include "bridge.hpp"

#include <support/catch.hpp>

namespace vmsig::test {

inline const rights every_right = right::observe | right::memctx | right::memread |
                                  right::memwrite | right::input | right::power | right::admin;

/// A folder that goes away with what is in it.
class folder {
public:
    folder() {
        char name[] = "/tmp/vmsig-XXXXXX";
        REQUIRE(::mkdtemp(name) != nullptr);
        path_ = name;
    }
    ~folder() { ::rmdir(path_.c_str()); }
    folder(const folder&) = delete;
    folder& operator=(const folder&) = delete;
    std::string at(const char* name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

/// Says yes to everybody, unless told otherwise.
struct open_gate {
    std::function<std::optional<grant>(const peer_identity&)> rule;
    std::vector<std::pair<origin_id, wire::farewell>> gone;
    std::optional<grant> authenticate(const peer_identity& who) {
        return rule ? rule(who) : grant{}.on_every().allow(every_right);
    }
    void admitted(const peer_identity&, origin_id) {}
    void left(const peer_identity&, origin_id who, wire::farewell why) {
        gone.emplace_back(who, why);
    }
};

inline unique_fd connected_to(const std::string& path) {
    ::sockaddr_un to{};
    to.sun_family = AF_UNIX;
    path.copy(to.sun_path, sizeof to.sun_path - 1);
    unique_fd s{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    REQUIRE(s);
    if (::connect(s.get(), reinterpret_cast<::sockaddr*>(&to), sizeof to) != 0) return {};
    return s;
}

/// A peer that speaks frames, as an attacker would.
class raw_peer {
public:
    explicit raw_peer(const std::string& path)
        : fd{connected_to(path)} {}
    explicit raw_peer(unique_fd connected)
        : fd{std::move(connected)} {}

    struct received {
        wire::frame_type type = wire::frame_type::none;
        std::vector<std::byte> body;
    };

    template <class Frame>
    raw_peer& put(const Frame& f, std::span<const std::byte> tail = {}) {
        const std::size_t before = out.size();
        out.resize(before + wire::frame_bytes<Frame>(tail.size()));
        wire::writer to{std::span{out}.subspan(before)};
        wire::put_frame(to, f, tail.size());
        to.bytes(tail.data(), tail.size());
        return *this;
    }
    /// One datagram; whether the kernel took it.
    bool flush() {
        const ssize_t n = ::send(fd.get(), out.data(), out.size(), MSG_NOSIGNAL);
        out.clear();
        return n >= 0;
    }
    /// All that is there now.
    std::vector<received>& read() {
        std::vector<std::byte> datagram(wire::max_datagram_bytes + 1);
        for (;;) {
            const ssize_t n = ::recv(fd.get(), datagram.data(), datagram.size(), MSG_DONTWAIT);
            if (n < 0 && errno == ECONNRESET && !std::exchange(closed, true)) continue;
            closed = closed || n == 0 || (n < 0 && errno != EAGAIN);
            if (n <= 0) return frames;
            std::span<const std::byte> rest{datagram.data(), static_cast<std::size_t>(n)};
            wire::frame_view f;
            while (!rest.empty()) {
                REQUIRE(wire::next_frame(rest, f));
                frames.push_back({f.type, {f.body.begin(), f.body.end()}});
                if (f.type == wire::frame_type::event) ++events;
            }
        }
    }
    /// The last frame of that type.
    template <class Frame>
    Frame last() {
        Frame out_frame;
        bool any = false;
        for (const received& r : read()) {
            std::span<const std::byte> tail;
            if (r.type != Frame::type) continue;
            any = wire::parse({r.type, false, r.body}, out_frame, tail);
            REQUIRE(any);
        }
        REQUIRE(any);
        return out_frame;
    }
    std::vector<event> events_of(kind k) {
        std::vector<event> found;
        for (const received& r : read()) {
            event e;
            std::span<const std::byte> payload;
            if (r.type != wire::frame_type::event) continue;
            REQUIRE(wire::get_event({r.type, false, r.body}, e, payload));
            if (e.kind == k) found.push_back(e);
        }
        return found;
    }
    bool is_closed() { return read(), closed; }

    unique_fd fd;
    std::vector<std::byte> out;
    std::vector<received> frames;
    std::uint64_t events = 0;
    bool closed = false;
};

/// A served bus, driven turn by turn.
template <class Calls = socket_calls, class Traits = default_traits>
struct served {
    static constexpr bool manual = std::is_same_v<typename Traits::reactor, manual_reactor>;
    using core_type = core<Traits>;
    using server_type = server<core_type, open_gate, Calls>;

    explicit served(const server_options& o = {})
        : listening{std::move(*listening_socket::at(dir.at("socket"), 0600))}
        , bus{std::make_unique<core_type>()}
        , vm{bus->add_endpoint("build-7")}
        , other{bus->add_endpoint("db-1")} {
        machine.plug_into(*bus, vm);
        second.plug_into(*bus, other);
        door = std::make_unique<server_type>(*bus, gate, listening.take(), o);
    }
    ~served() {
        door.reset();
        bus.reset();
        ::unlink(dir.at("socket.lock").c_str());
    }
    /// Until nothing is left to do now.
    unsigned settle(unsigned at_most = 1000) {
        unsigned turns = 0;
        for (int quiet = 0; quiet < 3 && turns < at_most; ++turns) {
            bool more = false;
            if constexpr (manual) more = tell_readiness(*bus);
            quiet = bus->dispatch() || more ? 0 : quiet + 1;
        }
        return turns;
    }
    /// Turns until it is true, sleeping in between; at most some seconds.
    template <class Predicate>
    bool await(Predicate&& p) {
        for (int rounds = 0; rounds < 10'000; ++rounds) {
            settle();
            if (p()) return true;
            ::pollfd readable{bus->fd(), POLLIN, 0};
            ::poll(&readable, 1, 1);
        }
        return false;
    }
    /// So much time passes; for a core on the manual reactor.
    void advance(duration d) {
        bus->reactor().advance(d);
        Calls::pass_to(bus->reactor().now());
        settle();
    }
    std::string path() const { return dir.at("socket"); }
    /// One that has said hello and was told what there is.
    raw_peer join() {
        raw_peer p{path()};
        p.put(wire::hello{}).flush();
        settle();
        REQUIRE(p.last<wire::welcome>().version == wire::newest_version);
        return p;
    }
    /// The handle by which a peer knows that machine.
    static endpoint_id handle_of(raw_peer& p, std::string_view name) {
        endpoint_id found;
        for (const auto& r : p.read()) {
            wire::endpoint_named n;
            std::span<const std::byte> tail;
            if (r.type != n.type) continue;
            REQUIRE(wire::parse({r.type, false, r.body}, n, tail));
            if (wire::text_of(n.name) == name) found = n.endpoint;
        }
        REQUIRE(found);
        return found;
    }

    folder dir;
    listening_socket listening;
    stub::machine machine, second;
    open_gate gate;
    std::unique_ptr<core_type> bus;
    endpoint_id vm, other;
    std::unique_ptr<server_type> door;
};

} // namespace vmsig::test
