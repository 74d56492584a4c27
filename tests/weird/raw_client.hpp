// A client that speaks frames as it likes, over a blocking socket of its own. It runs in a process
// of a hostile user, so what it expects and does not get ends that process.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <vmsig/client/client.hpp>

namespace vmsig::test {

/// In the process of a hostile client.
inline void must(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "hostile client: %s\n", what);
    ::_exit(1);
}

inline unique_fd connected_to(const std::string& path) {
    ::sockaddr_un to{};
    to.sun_family = AF_UNIX;
    path.copy(to.sun_path, sizeof to.sun_path - 1);
    unique_fd s{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
    const auto* address = reinterpret_cast<const ::sockaddr*>(&to);
    if (::connect(s.get(), address, sizeof to) != 0) return {};
    return s;
}

class raw_client {
public:
    struct received {
        wire::frame_type type = wire::frame_type::none;
        std::vector<std::byte> body;
    };

    explicit raw_client(const std::string& path)
        : fd{connected_to(path)} {
        must(static_cast<bool>(fd), "can not connect");
    }

    template <class Frame>
    raw_client& put(const Frame& f, std::span<const std::byte> tail = {}) {
        const std::size_t before = out.size();
        out.resize(before + wire::frame_bytes<Frame>(tail.size()));
        wire::writer to{std::span{out}.subspan(before)};
        wire::put_frame(to, f, tail.size());
        to.bytes(tail.data(), tail.size());
        return *this;
    }
    /// One datagram, with so many descriptors.
    bool flush(std::span<const int> fds = {}) {
        ::iovec v{out.data(), out.size()};
        alignas(::cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * 253)> control{};
        ::msghdr m{};
        m.msg_iov = &v;
        m.msg_iovlen = 1;
        if (!fds.empty()) {
            m.msg_control = control.data();
            m.msg_controllen = CMSG_SPACE(fds.size_bytes());
            ::cmsghdr* c = CMSG_FIRSTHDR(&m);
            *c = {CMSG_LEN(fds.size_bytes()), SOL_SOCKET, SCM_RIGHTS};
            std::memcpy(CMSG_DATA(c), fds.data(), fds.size_bytes());
        }
        const ssize_t n = ::sendmsg(fd.get(), &m, MSG_NOSIGNAL);
        out.clear();
        return n >= 0;
    }
    bool send(std::span<const std::byte> bytes) {
        out.assign(bytes.begin(), bytes.end());
        return flush();
    }
    /// What is there, or comes within `ms`. False: nothing.
    bool read(int ms) {
        ::pollfd p{fd.get(), POLLIN, 0};
        if (closed || ::poll(&p, 1, ms) <= 0) return false;
        std::vector<std::byte> datagram(wire::max_datagram_bytes + 1);
        const ssize_t n = ::recv(fd.get(), datagram.data(), datagram.size(), MSG_DONTWAIT);
        if (n < 0 && errno == ECONNRESET && !std::exchange(reset, true)) return true;
        closed = n == 0 || (n < 0 && errno != EAGAIN);
        if (n <= 0) return false;
        std::span<const std::byte> left{datagram.data(), static_cast<std::size_t>(n)};
        wire::frame_view f;
        while (!left.empty()) {
            must(wire::next_frame(left, f), "the host sends no frame");
            frames.push_back({f.type, {f.body.begin(), f.body.end()}});
            events += f.type == wire::frame_type::event ? 1 : 0;
        }
        return true;
    }
    /// The next frame of that type; the connection must not end before.
    template <class Frame>
    Frame await() {
        for (int tries = 0; tries < 2000; ++tries) {
            for (; looked_at < frames.size(); ++looked_at) {
                if (frames[looked_at].type != Frame::type) continue;
                Frame f;
                must(wire::parse({Frame::type, false, frames[looked_at++].body}, f, rest),
                     "a frame that is none");
                return f;
            }
            if (!read(10)) must(!closed, "the connection has ended");
        }
        must(false, "nothing came");
        return {};
    }
    /// Whether the host has ended it, at last.
    bool is_closed() {
        for (int tries = 0; tries < 2000 && !closed; ++tries) read(10);
        return closed;
    }
    bool was_told(kind k) const {
        return std::any_of(frames.begin(), frames.end(), [k](const received& r) {
            event e;
            std::span<const std::byte> payload;
            return r.type == wire::frame_type::event &&
                   wire::get_event({r.type, false, r.body}, e, payload) && e.kind == k;
        });
    }
    /// Says hello and learns the handle of the machine that it may see.
    raw_client& join() {
        put(wire::hello{}).flush();
        me = await<wire::welcome>().origin;
        vm = await<wire::endpoint_named>().endpoint;
        while (!is_replayed()) must(read(10) || !closed, "closed while it was told of a machine");
        return *this;
    }
    template <class Reply, class Request>
    Reply ask(Request q, std::span<const std::byte> more = {}) {
        q.request = ++request;
        put(q, more).flush();
        return await<Reply>();
    }
    refusal acquire(serial_number& serial) {
        wire::acquire q;
        q.endpoint = vm;
        const auto a = ask<wire::acquired>(q);
        serial = a.serial;
        return a.why;
    }
    /// A key under that lease, at once or much later.
    wire::submit key(serial_number serial, std::uint16_t code, bool down,
                     std::vector<std::byte>& changes) const {
        wire::submit s;
        s.verb = verb::input;
        s.endpoint = vm;
        s.serial = serial;
        s.epoch = epoch;
        const input_change c = input_change::key(code, down);
        changes.resize(sizeof c);
        std::memcpy(changes.data(), &c, sizeof c);
        return s;
    }

    unique_fd fd;
    std::vector<std::byte> out;
    std::vector<received> frames;
    std::span<const std::byte> rest;
    std::size_t looked_at = 0;
    std::uint64_t events = 0;
    bool closed = false, reset = false;
    origin_id me;
    endpoint_id vm;
    epoch_number epoch;
    std::uint32_t request = 0;

private:
    bool is_replayed() {
        for (const received& r : frames) {
            event e;
            std::span<const std::byte> payload;
            if (r.type != wire::frame_type::event) continue;
            must(wire::get_event({r.type, false, r.body}, e, payload), "an event that is none");
            if (e.kind == kind::replay_end) epoch = e.epoch;
            if (e.kind == kind::replay_end && e.endpoint == vm) return true;
        }
        return false;
    }
};

} // namespace vmsig::test
