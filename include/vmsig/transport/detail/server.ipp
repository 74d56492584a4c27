// server: accepting, reading, writing, and its one timer.
#pragma once

#include <cerrno>
#include <system_error>

namespace vmsig {

template <class Core, authenticator Authenticator, class Calls>
server<Core, Authenticator, Calls>::server(Core& bus, Authenticator& gate, unique_fd listener,
                                           const server_options& o)
    : bus_{bus}
    , gate_{gate}
    , listener_{std::move(listener)}
    , options_{o} {
    if (Calls::never_wait(listener_.get()) < 0)
        throw std::system_error{errno, std::generic_category(), "the listener"};
    peers_.reserve(o.peers);
    for (std::uint16_t n = 0; n < o.peers; ++n) peers_.push_back(std::make_unique<peer>(*this));
    unique_fd timer{Calls::timer()};
    if (!timer) throw std::system_error{errno, std::generic_category(), "timerfd_create"};
    timer_ = timer.get();
    const auto watched = bus_.watch(timer, interest::read, [this](interests) { on_timer(); });
    if (!watched)
        throw std::system_error{watched.error().code, std::generic_category(), "watch the timer"};
    timing_ = *watched;
    listen(true);
    if (!listening_) {
        bus_.unwatch(timing_);
        throw std::system_error{EMFILE, std::generic_category(), "watch the listener"};
    }
}

template <class Core, authenticator Authenticator, class Calls>
server<Core, Authenticator, Calls>::~server() {
    if (!here_) return; // a forked child's copy: the connections are its parent's
    for (const auto& p : peers_)
        if (p->socket) drop(*p, wire::farewell::detached);
    listen(false); // the last, for each free place makes it listen again
    bus_.unwatch(timing_);
}

template <class Core, authenticator Authenticator, class Calls>
void server<Core, Authenticator, Calls>::listen(bool on) {
    if (on == static_cast<bool>(listening_)) return;
    if (!on) {
        bus_.unwatch(listening_);
        listening_ = {};
    } else if (const auto w = bus_.watch(listener_.get(), interest::read,
                                         [this](interests) { on_connection(); })) {
        listening_ = *w;
    }
}

template <class Core, authenticator Authenticator, class Calls>
void server<Core, Authenticator, Calls>::on_connection() {
    for (unsigned n = 0; n < accepts_per_turn; ++n) {
        const bool crowded = greeting_ >= options_.unauthenticated;
        if (crowded && n == 0) hurry_greeters(); // somebody waits
        if (crowded || greeting_ + admitted_ >= options_.peers) return pause_accepting();
        unique_fd fd{Calls::accept(listener_.get())};
        if (fd) {
            back_off_ = {};
            greet(std::move(fd));
            continue;
        }
        switch (errno) {
        case EAGAIN: return; // nobody waits any more
        case EINTR:
        case ECONNABORTED:
        case EPERM: break;                 // this one is lost, the next one is not
        default: return pause_accepting(); // no room in the kernel, or it is no listener any more
        }
    }
}

/// Not asked again before a while: a listener that can not be served is ready all the time.
template <class Core, authenticator Authenticator, class Calls>
void server<Core, Authenticator, Calls>::pause_accepting() {
    ++counts_.accept_pauses;
    listen(false);
    back_off_ = std::min(std::max(milliseconds(10), duration{back_off_.ns * 2}), seconds(1));
    accept_again_ = bus_.now() + back_off_;
    arm(accept_again_);
}

/// Who says hello does so at once: nobody keeps others out by connecting and saying nothing.
template <class Core, authenticator Authenticator, class Calls>
void server<Core, Authenticator, Calls>::hurry_greeters() {
    for (const auto& p : peers_) {
        if (!p->socket || p->origin) continue;
        p->deadline = std::min(p->deadline, p->connected + options_.crowded_greeting);
        arm(p->deadline);
    }
}

template <class Core, authenticator Authenticator, class Calls>
void server<Core, Authenticator, Calls>::greet(unique_fd fd) {
    ++counts_.accepted;
    peer* place = nullptr;
    for (const auto& p : peers_)
        if (!p->socket && !place) place = p.get();
    VMSIG_ASSERT(place);
    peer& p = *place;
    Calls::set_option(fd.get(), SO_SNDBUF, &options_.send_buffer, sizeof options_.send_buffer);
    // A listener that somebody else made may pass these on; what the kernel then adds to a datagram
    // would look like descriptors.
    constexpr int pass_pidfd = 76; // SO_PASSPIDFD, asm-generic/socket.h since Linux 6.5
    for (const int added : {SO_PASSCRED, SO_PASSSEC, pass_pidfd}) {
        const int off = 0;
        Calls::set_option(fd.get(), added, &off, sizeof off);
    }
    p.session.reset();
    p.socket = std::move(fd);
    p.pinged = false;
    p.why = wire::farewell::none;
    identify(p);
    const auto w = bus_.watch(p.socket.get(), interest::read,
                              [this, &p](interests what) { on_greeting(p, what); });
    if (!w) return vacate(p);
    p.greeting = *w;
    ++greeting_;
    p.connected = bus_.now();
    p.deadline = p.connected + options_.greeting;
    arm(p.deadline);
    if (peers_of(p.identity.uid) > options_.peers_per_user) drop(p, wire::farewell::full);
}

template <class Core, authenticator Authenticator, class Calls>
void server<Core, Authenticator, Calls>::identify(peer& p) {
    p.identity = {};
    ::ucred who{};
    socklen_t size = sizeof who;
    if (Calls::get_option(p.socket.get(), SO_PEERCRED, &who, &size) == 0) {
        p.identity.uid = who.uid;
        p.identity.gid = who.gid;
        p.identity.pid = who.pid;
    }
    size = static_cast<socklen_t>(sizeof p.identity.groups);
    if (Calls::get_option(p.socket.get(), SO_PEERGROUPS, p.identity.groups.data(), &size) == 0)
        p.identity.group_count = size / sizeof(gid_t);
    else
        p.identity.groups_unknown = true;
    size = static_cast<socklen_t>(p.identity.label.size() - 1);
    if (Calls::get_option(p.socket.get(), SO_PEERSEC, p.identity.label.data(), &size) != 0)
        p.identity.label = {};
    constexpr int peer_pidfd = 77; // SO_PEERPIDFD, asm-generic/socket.h since Linux 6.5
    int pidfd = -1;
    size = sizeof pidfd;
    if (Calls::get_option(p.socket.get(), peer_pidfd, &pidfd, &size) == 0)
        p.identity.pidfd.reset(pidfd);
}

template <class Core, authenticator Authenticator, class Calls>
std::size_t server<Core, Authenticator, Calls>::peers_of(uid_t uid) const {
    std::size_t count = 0;
    for (const auto& p : peers_) count += p->socket && p->identity.uid == uid ? 1 : 0;
    return count;
}

template <class Core, authenticator Authenticator, class Calls>
void server<Core, Authenticator, Calls>::on_greeting(peer& p, interests what) {
    if (what.has(interest::hangup) || what.has(interest::error))
        return drop(p, wire::farewell::by_request);
    receive(p);
    if (p.socket && p.origin) send(p);
}

/// It has said hello.
template <class Core, authenticator Authenticator, class Calls>
expected<control_handle, wire::farewell>
server<Core, Authenticator, Calls>::admit(peer& p, const wire::hello& h) {
    p.identity.name = h.name;
    const std::optional<grant> given = gate_.authenticate(p.identity);
    if (!given) return unexpected{wire::farewell::denied};
    bus_.unwatch(p.greeting);
    p.greeting = {};
    --greeting_;
    try {
        const control_handle handle = bus_.attach(p, *given);
        p.origin = handle.origin();
        ++admitted_;
        ++counts_.admitted;
        p.deadline = options_.keepalive ? bus_.now() + options_.keepalive : instant{};
        if (p.deadline) arm(p.deadline);
        if constexpr (authenticator_with_record<Authenticator>)
            gate_.admitted(p.identity, p.origin);
        listen(true);
        return handle;
    } catch (const setup_error&) {
        ++greeting_; // `drop` counts it down
        return unexpected{wire::farewell::full};
    }
}

template <class Core, authenticator Authenticator, class Calls>
void server<Core, Authenticator, Calls>::reauthenticate() {
    for (const auto& p : peers_) {
        if (!p->origin) continue;
        if (const std::optional<grant> g = gate_.authenticate(p->identity))
            bus_.set_grant(p->origin, *g);
        else
            drop(*p, wire::farewell::denied);
    }
}

/// Ends a connection; total.
template <class Core, authenticator Authenticator, class Calls>
void server<Core, Authenticator, Calls>::drop(peer& p, wire::farewell why) {
    p.why = why;
    if (p.origin) return bus_.detach(p.origin); // which closes it
    note_rejected(p);
    say(p, why);
    if (p.greeting) bus_.unwatch(p.greeting);
    p.greeting = {};
    --greeting_;
    ++counts_.rejected;
    vacate(p);
}

/// Its place is free. Its session may be on the stack and is made new with the next peer.
template <class Core, authenticator Authenticator, class Calls>
void server<Core, Authenticator, Calls>::vacate(peer& p) {
    ++counts_.farewells[static_cast<unsigned>(p.why) % counts_.farewells.size()];
    p.origin = {};
    p.deadline = p.retry = {};
    p.session.drop_export();
    p.socket.reset();
    p.identity.pidfd.reset();
    listen(true);
}

template <class Core, authenticator Authenticator, class Calls>
void server<Core, Authenticator, Calls>::note_rejected(const peer& p) {
    audit_record r = audit_record::of(decision::attach_refused).with(refusal::denied);
    r.time = bus_.now();
    r.detail = p.identity.uid;
    bus_.audit().note(r);
}

/// The core has detached it.
template <class Core, authenticator Authenticator, class Calls>
void server<Core, Authenticator, Calls>::close(peer& p) {
    if (p.why == wire::farewell::none) p.why = wire::farewell::detached;
    say(p, p.why);
    --admitted_;
    ++counts_.gone;
    if constexpr (authenticator_with_record<Authenticator>) gate_.left(p.identity, p.origin, p.why);
    vacate(p);
}

/// As a last word, if there is room for it.
template <class Core, authenticator Authenticator, class Calls>
void server<Core, Authenticator, Calls>::say(peer& p, wire::farewell why) {
    std::array<std::byte, 64> bytes;
    wire::writer to{bytes};
    if (p.session.greeted()) {
        wire::put_frame(to, wire::goodbye{why, {}});
    } else {
        wire::rejected r;
        r.why = why;
        wire::put_frame(to, r);
    }
    iovec v{bytes.data(), to.size()};
    msghdr m{};
    m.msg_iov = &v;
    m.msg_iovlen = 1;
    (void)Calls::send(p.socket.get(), &m);
}

/// One datagram per readiness. No room is given for descriptors: the kernel drops them and says so.
template <class Core, authenticator Authenticator, class Calls>
void server<Core, Authenticator, Calls>::receive(peer& p) {
    if (!p.session.can_receive()) return;
    iovec v{received_.data(), received_.size()};
    msghdr m{};
    m.msg_iov = &v;
    m.msg_iovlen = 1;
    const ssize_t n = Calls::receive(p.socket.get(), &m);
    if (n < 0) {
        const bool harmless = errno == EAGAIN || errno == EINTR || errno == ENOMEM;
        return harmless ? void() : drop(p, wire::farewell::by_request);
    }
    if ((m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) return drop(p, wire::farewell::protocol);
    p.pinged = false;
    if (p.origin && options_.keepalive) p.deadline = bus_.now() + options_.keepalive;
    const std::span<const std::byte> datagram{received_.data(), static_cast<std::size_t>(n)};
    const wire::farewell why = p.session.receive(datagram);
    if (why != wire::farewell::none && p.socket) drop(p, why);
}

/// What a turn has left to send, as far as the kernel takes it.
template <class Core, authenticator Authenticator, class Calls>
void server<Core, Authenticator, Calls>::send(peer& p) {
    bool room = true;
    for (unsigned n = 0; n < datagrams_per_turn && room && p.socket && !p.retry; ++n) {
        std::array<int, max_ram_fds> fds{};
        std::size_t fd_count = 0;
        std::size_t size = p.session.fill_memctx(to_send_, fds, fd_count);
        if (!p.socket) return; // its provider was asked for a memctx, and detached it
        if (size == 0) size = p.session.fill(to_send_);
        if (size == 0) break;
        room = send_one(p, size, std::span{fds}.first(fd_count));
    }
    if (!p.socket || !p.origin) return;
    interests wanted;
    if (p.session.can_receive()) wanted = wanted | interest::read;
    // What waits for a time does not wait for room in the socket, of which there may be plenty.
    if (!p.retry && (!room || p.session.wants_to_send())) wanted = wanted | interest::write;
    (void)p.session.bus().want(wanted);
}

/// False: not now.
template <class Core, authenticator Authenticator, class Calls>
bool server<Core, Authenticator, Calls>::send_one(peer& p, std::size_t size,
                                                  std::span<const int> fds) {
    iovec v{to_send_.data(), size};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * max_ram_fds)> control;
    msghdr m{};
    m.msg_iov = &v;
    m.msg_iovlen = 1;
    if (!fds.empty()) {
        control.fill(0); // its padding too
        m.msg_control = control.data();
        m.msg_controllen = CMSG_SPACE(fds.size_bytes());
        cmsghdr* c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(fds.size_bytes());
        std::memcpy(CMSG_DATA(c), fds.data(), fds.size_bytes());
    }
    if (Calls::send(p.socket.get(), &m) >= 0) {
        p.session.sent();
        return true;
    }
    const int error = errno;
    p.session.not_sent();
    switch (error) {
    case EAGAIN:
    case EINTR: return false;
    case ENOBUFS:
    case ENOMEM:
    case ETOOMANYREFS: // too many descriptors on their way: this peer waits, others do not
        p.retry = bus_.now() + milliseconds(10);
        arm(p.retry);
        return false;
    default: drop(p, wire::farewell::by_request); return false;
    }
}

template <class Core, authenticator Authenticator, class Calls>
void server<Core, Authenticator, Calls>::arm(instant when) {
    if (when >= armed_) return;
    armed_ = when;
    itimerspec value{};
    value.it_value.tv_sec = static_cast<time_t>(when.ns / 1'000'000'000);
    value.it_value.tv_nsec = static_cast<long>(when.ns % 1'000'000'000);
    Calls::set_timer(timer_, &value);
}

template <class Core, authenticator Authenticator, class Calls>
void server<Core, Authenticator, Calls>::on_timer() {
    std::uint64_t expiries = 0;
    (void)Calls::read(timer_, &expiries, sizeof expiries);
    armed_ = instant::never();
    const instant now = bus_.now();
    if (accept_again_ && accept_again_ <= now) {
        accept_again_ = {};
        listen(true); // unless it listens since a place was free
        if (!listening_) pause_accepting();
    }
    instant next = accept_again_ ? accept_again_ : instant::never();
    for (const auto& p : peers_)
        if (p->socket) next = std::min(next, check(*p, now));
    if (next != instant::never()) arm(next);
}

/// What is due for one peer; when to look again.
template <class Core, authenticator Authenticator, class Calls>
instant server<Core, Authenticator, Calls>::check(peer& p, instant now) {
    const auto due = [now](instant& at) { return at && at <= now ? (at = {}, true) : false; };
    if (due(p.retry)) send(p);
    if (p.socket && due(p.deadline)) {
        if (!p.origin) {
            drop(p, wire::farewell::late);
        } else if (std::exchange(p.pinged, true)) {
            drop(p, wire::farewell::silent);
        } else {
            p.session.ping(static_cast<std::uint64_t>(now.ns));
            p.deadline = now + options_.keepalive;
            send(p);
        }
    }
    if (!p.socket) return instant::never();
    return std::min(p.retry ? p.retry : instant::never(),
                    p.deadline ? p.deadline : instant::never());
}

} // namespace vmsig
