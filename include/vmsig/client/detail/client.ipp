// client: connecting, reading, writing, waiting.
#pragma once

#include <algorithm>
#include <cerrno>
#include <ctime>

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <vmsig/client/socket_connection.hpp>
#include <vmsig/client/thread_connection.hpp>

namespace vmsig {

inline client::client(std::unique_ptr<connection> by, const client_options& o)
    : connection_{std::move(by)}
    , answer_{o.answer} {}

inline client::~client() {
    if (!connection_ || !here_) return;
    try {
        put(wire::bye{});
        (void)write({});
    } catch (...) { // no memory for a word: closing says it too
    }
}

inline expected<std::unique_ptr<client>, client_error> client::connect(std::string_view path,
                                                                       const client_options& o) {
    const auto failed = [](const char* what) {
        return unexpected{client_error{wire::farewell::none, os_error::last(what)}};
    };
    ::sockaddr_un to{};
    to.sun_family = AF_UNIX;
    if (path.size() >= sizeof to.sun_path) return errno = ENAMETOOLONG, failed("connect");
    path.copy(to.sun_path, path.size());
    unique_fd s{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
    if (!s) return failed("socket");
    // Where nobody accepts and the queue is full, connecting waits, for as long as sending may.
    const instant until = now() + o.answer;
    const std::int64_t us = std::max<std::int64_t>(1, o.answer.ns / 1'000);
    const ::timeval limit{us / 1'000'000, us % 1'000'000};
    if (::setsockopt(s.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0)
        return failed("setsockopt");
    while (::connect(s.get(), reinterpret_cast<const ::sockaddr*>(&to), sizeof to) != 0) {
        if (errno == EINTR && now() < until) continue;
        if (errno == EAGAIN) errno = ETIMEDOUT;
        return failed("connect");
    }
    return over(std::move(s), o);
}

inline expected<std::unique_ptr<client>, client_error> client::over(unique_fd socket,
                                                                    const client_options& o) {
    return begin(std::make_unique<socket_connection>(std::move(socket), o.answer), o);
}

inline expected<std::unique_ptr<client>, client_error> client::over(thread_end end,
                                                                    const client_options& o) {
    if (!end) return unexpected{client_error{wire::farewell::none, {EBADF, "over"}}};
    return begin(std::make_unique<thread_connection>(std::move(end)), o);
}

inline expected<std::unique_ptr<client>, client_error> client::begin(std::unique_ptr<connection> by,
                                                                     const client_options& o) {
    std::unique_ptr<client> c{new client{std::move(by), o}};
    if (!c->greet(o.name)) return unexpected{c->lost_};
    return c;
}

inline bool client::greet(std::string_view name) {
    wire::hello h;
    name.copy(h.name.data(), h.name.size() - 1);
    if (connection_->greets()) put(h);
    const instant until = now() + answer_;
    while (!inbox_.welcomed() && (read() || (write(until) != writing::lost && wait(until)))) {}
    if (connection_ && !inbox_.welcomed()) lose({wire::farewell::none, {ETIMEDOUT, "hello"}});
    rest();
    return connected();
}

inline instant client::now() {
    ::timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return {std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec};
}

inline void client::lose(client_error why) {
    if (!connection_) return;
    lost_ = why;
    connection_.reset();
}

/// False from `until` on, even if there is something, or when the connection is lost.
inline bool client::wait(instant until, bool for_room) {
    while (connection_) {
        const duration left = until - now();
        if (left <= duration{}) return false;
        const auto ready = connection_->wait(for_room, left);
        if (!ready) return lose({wire::farewell::none, ready.error()}), false;
        if (*ready) return true;
    }
    return false;
}

/// Sends what was put, as few datagrams as it takes, and waits for room until then; `{}`: not at
/// all, and what is left goes next time.
inline client::writing client::write(instant until) {
    writing how = writing::done;
    std::size_t at = 0;
    while (connection_ && at < to_send_.size() && how != writing::left) {
        std::span<const std::byte> rest = std::span<const std::byte>{to_send_}.subspan(at);
        std::size_t size = 0;
        unsigned frames = 0;
        for (wire::frame_view f; !rest.empty() && wire::next_frame(rest, f); ++frames) {
            const std::size_t end = to_send_.size() - rest.size() - at;
            if (end > wire::max_datagram_bytes || frames == wire::max_requests_per_datagram) break;
            size = end;
        }
        const auto sent = connection_->send(std::span<const std::byte>{to_send_}.subspan(at, size));
        if (!sent) {
            for (int n = 0; n < datagrams_per_receive && read(); ++n) {} // for its last word
            lose({inbox_.ended(), sent.error()});
        } else if (*sent) {
            at += size;
        } else if (!until) {
            how = writing::left;
        } else if (wait(until, true)) {
            how = writing::waited;
            read(); // the server may wait for that first
        } else {
            lose({wire::farewell::none, {ETIMEDOUT, "send"}});
        }
    }
    if (!connection_) return to_send_.clear(), writing::lost;
    to_send_.erase(to_send_.begin(), to_send_.begin() + static_cast<std::ptrdiff_t>(at));
    return how;
}

/// One datagram; false: none there, or lost. Without memory for it the connection is lost as well,
/// for what is to come would have a hole.
inline bool client::read(receiving how) {
    if (!connection_) return false;
    bool good = true;
    const auto take = [&](std::span<const std::byte> datagram, std::span<unique_fd> fds) {
        good = inbox_.receive(datagram, fds);
    };
    try {
        const auto got = connection_->receive(take, how);
        if (got && good) return *got;
        if (inbox_.ended() != wire::farewell::none) return lose({inbox_.ended(), {}}), false;
        const os_error cause = got ? os_error{EPROTO, "receive"} : got.error();
        const bool protocol = cause.code == EPROTO;
        lose({protocol ? wire::farewell::protocol : wire::farewell::none, cause});
    } catch (const std::bad_alloc&) {
        lose({wire::farewell::none, {ENOMEM, "receive"}});
        throw;
    }
    return false;
}

/// At the end of whatever has read, or waited.
inline void client::rest() {
    if (connection_) connection_->rest();
}

/// Descriptors at once, events before the server's window closes, though not often: it costs both
/// sides more than the events themselves.
inline void client::acknowledge() {
    const std::uint64_t events = inbox_.events_taken() - events_acknowledged_;
    const bool memctxs = inbox_.memctxs_taken() != memctxs_acknowledged_;
    if (!memctxs && events < inbox_.welcome().window / 4 * 3) return;
    events_acknowledged_ = inbox_.events_taken();
    memctxs_acknowledged_ = inbox_.memctxs_taken();
    put(wire::acknowledge{events_acknowledged_, memctxs_acknowledged_});
}

inline bool client::receive() {
    for (int n = 0; n < datagrams_per_receive && read(); ++n)
        if (connection_->level_triggered()) break;
    (void)reply();
    rest();
    return connected();
}

/// Whatever is owed after reading, as far as there is room; of pings the latest.
inline bool client::reply() {
    acknowledge();
    if (to_send_.empty())
        if (const std::uint64_t token = inbox_.take_ping()) put(wire::pong{token});
    if (!to_send_.empty()) (void)write({});
    return connected();
}

inline const event* client::next_event(duration at_most) {
    const inbox::item* got = inbox_.next();
    acknowledge();
    if (got && to_send_.empty()) return &got->event; // nothing was read
    const instant until = at_most && !got ? now() + at_most : instant{};
    for (int datagrams = 0; !got && connection_;) {
        const bool more = read() && ++datagrams < datagrams_per_receive;
        got = inbox_.next();
        if (got || more) continue;
        if (!reply() || !at_most || !wait(until, !to_send_.empty())) break;
        datagrams = 0;
    }
    (void)reply(); // which may take in more
    rest();
    got = inbox_.current();
    return got ? &got->event : nullptr;
}

inline std::span<const std::byte> client::payload() const {
    const inbox::item* of = inbox_.current();
    return of ? std::span<const std::byte>{of->payload} : std::span<const std::byte>{};
}

} // namespace vmsig
