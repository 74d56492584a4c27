// server: lets controls in other processes attach, over a listening SOCK_SEQPACKET socket. Each
// peer that the authenticator lets in becomes a control of the core: one more slot behind the same
// admission, leases, audit and receipts. Nothing in the core knows of it.
//
// What a peer sends or leaves unread costs it its own connection at most: it is read once per
// readiness and written a bounded number of datagrams per turn; descriptors that come with a
// datagram are never received, and the datagram ends the connection; a peer that hangs up is gone
// in that turn, with whatever it had sent together with the hang-up. Descriptors of guest RAM go
// out in one message at a time, and the next one waits for its acknowledgement.
#pragma once

#include <memory>
#include <vector>

#include <vmsig/core/core.hpp>
#include <vmsig/transport/authenticator.hpp>
#include <vmsig/transport/same_process.hpp>
#include <vmsig/transport/session.hpp>
#include <vmsig/transport/socket_calls.hpp>

namespace vmsig {

struct server_options {
    std::uint16_t peers = 64;          ///< at a time; the core's limit of controls holds too
    std::uint16_t unauthenticated = 8; ///< at a time; beyond it nobody is accepted for a while
    std::uint16_t peers_per_user = 32; ///< connections of one uid
    duration greeting = seconds(5);    ///< from connecting to hello
    /// The same while others wait at the door and all places of unauthenticated peers are taken.
    duration crowded_greeting = milliseconds(250);
    duration keepalive{};        ///< silence until a ping, and again until it is gone; 0: off
    int send_buffer = 64 * 1024; ///< bytes, SO_SNDBUF: kept short, for priority ends there
};

/// What a server has seen. Counts since it was made.
struct server_statistics {
    std::uint64_t accepted = 0, admitted = 0, rejected = 0, gone = 0;
    std::uint64_t accept_pauses = 0; ///< no descriptors, no place, or no listener any more
    std::array<std::uint64_t, 16> farewells{};
};

template <class Core, authenticator Authenticator, class Calls = socket_calls>
class server {
public:
    /// `listener`: listening, SOCK_SEQPACKET. Everything that it will need is allocated here.
    /// `bus` and `gate` outlive it. Throws std::system_error or std::bad_alloc.
    server(Core& bus, Authenticator& gate, unique_fd listener, const server_options& o = {});
    /// Everybody is detached.
    ~server();
    server(const server&) = delete;
    server& operator=(const server&) = delete;

    std::size_t peer_count() const { return static_cast<std::size_t>(admitted_); }
    const server_statistics& statistics() const { return counts_; }
    /// Asks the authenticator again about everybody: after its rules have changed. Who has no grant
    /// any more is detached; narrowing has taken effect when this returns.
    void reauthenticate();

private:
    class peer;
    static constexpr unsigned datagrams_per_turn = 8;
    static constexpr unsigned accepts_per_turn = 16;

    // bodies: detail/server.ipp
    void listen(bool on);
    void on_connection();
    void pause_accepting();
    void hurry_greeters();
    void greet(unique_fd fd);
    expected<control_handle, wire::farewell> admit(peer& p, const wire::hello& h);
    void identify(peer& p);
    void drop(peer& p, wire::farewell why);
    void close(peer& p);
    void vacate(peer& p);
    void say(peer& p, wire::farewell why);
    void on_timer();
    void arm(instant when);
    instant check(peer& p, instant now);
    void on_greeting(peer& p, interests what);
    void receive(peer& p);
    void send(peer& p);
    bool send_one(peer& p, std::size_t size, std::span<const int> fds);
    std::size_t peers_of(uid_t uid) const;
    void note_rejected(const peer& p);

    Core& bus_;
    Authenticator& gate_;
    unique_fd listener_;
    const server_options options_;
    const same_process here_;
    watch_id listening_;
    watch_id timing_;
    int timer_ = -1; ///< the watch owns it
    instant armed_ = instant::never();
    instant accept_again_; ///< while accepting is paused
    duration back_off_{};
    std::uint16_t greeting_ = 0, admitted_ = 0;
    server_statistics counts_;
    std::vector<std::unique_ptr<peer>> peers_;
    std::array<std::byte, wire::max_datagram_bytes + 1> received_;
    std::array<std::byte, wire::max_datagram_bytes> to_send_;
};

} // namespace vmsig

#include <vmsig/transport/detail/peer.ipp>
#include <vmsig/transport/detail/server.ipp>
