// stream_by_hand: what the bus and its socket promise for an event that goes to other processes,
// done by hand with nothing beside it. Not the limit of rows 7b and 7c, which promises nothing: the
// floor below which the server and the client together cannot come. Each part says which promise
// it pays.
#pragma once

#include <vmsig/base/unique_fd.hpp>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

namespace bench {

/// What an event says, with a payload of four words: 104 bytes with its header.
struct stream_frame {
    std::uint32_t length = sizeof(stream_frame);
    std::uint16_t type = 68, flags = 0;
    std::uint16_t kind = 32;
    std::uint8_t source = 0, lane = 2;
    std::uint32_t payload_size = 0;
    std::uint64_t endpoint = 1, epoch = 1, sequence = 0, origin = 0, correlation = 0;
    std::int64_t timestamp = 0, deadline = 0;
    std::array<std::uint64_t, 4> payload{};
};
static_assert(sizeof(stream_frame) == 104);

struct stream_acknowledge {
    std::uint32_t length = sizeof(stream_acknowledge);
    std::uint16_t type = 20, flags = 0;
    std::uint64_t events = 0, memctxs = 0;
};

inline constexpr std::uint64_t stream_window = 96; ///< unacknowledged events
inline constexpr unsigned stream_lanes = 4;

/// First in, first out in each lane, the highest lane first.
class stream_queue {
public:
    void push(const stream_frame& f) {
        lane& l = lanes_[f.lane];
        if (l.tail - l.head == l.ring.size()) std::abort(); // bounded
        l.ring[l.tail++ % l.ring.size()] = f;
        waiting_ |= 1u << f.lane;
    }
    bool empty() const { return waiting_ == 0; }
    template <class F>
    void pop(F&& f) {
        const auto first = static_cast<unsigned>(std::countr_zero(waiting_));
        lane& l = lanes_[first];
        f(l.ring[l.head++ % l.ring.size()]);
        if (l.head == l.tail) waiting_ &= ~(1u << first);
    }

private:
    struct lane {
        std::array<stream_frame, 256> ring;
        std::uint64_t head = 0, tail = 0;
    };
    std::array<lane, stream_lanes> lanes_{};
    unsigned waiting_ = 0;
};

/// The host's side.
class stream_server {
public:
    stream_server() {
        watch(bell_.get(), EPOLLIN | EPOLLET, 0);
        deaf_ = true;
    }
    /// The client's end.
    vmsig::unique_fd join() {
        int fds[2];
        if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0) std::abort();
        peers_.push_back(std::make_unique<peer>());
        peers_.back()->socket.reset(fds[0]);
        watch(fds[0], EPOLLIN, peers_.size());
        subscribed_ |= std::uint64_t{1} << (peers_.size() - 1);
        return vmsig::unique_fd{fds[1]};
    }
    /// Between turns it is told in the next one; the host's own loop hears that there is one.
    [[gnu::noinline]] void emit(stream_frame& f) {
        f.timestamp = now_;
        emitted_.push(f);
        if (!deaf_) return;
        deaf_ = false;
        const std::uint64_t one = 1;
        if (::write(bell_.get(), &one, sizeof one) != sizeof one) std::abort();
    }
    [[gnu::noinline]] void turn() {
        epoll_event ready[64];
        const int n = ::epoll_wait(epoll_.get(), ready, 64, 0);
        timespec t{};
        ::clock_gettime(CLOCK_MONOTONIC, &t);
        now_ = std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
        std::uint64_t touched = 0;
        for (int i = 0; i < n; ++i)
            if (ready[i].data.u64 != 0) touched |= take(ready[i].data.u64 - 1);
        while (!emitted_.empty()) {
            emitted_.pop([&](stream_frame& f) { // who is subscribed; each has a queue of its own,
                for (std::uint64_t left = subscribed_; left != 0; left &= left - 1)
                    peers_[static_cast<unsigned>(std::countr_zero(left))]->queue.push(f);
            });
            touched |= subscribed_;
        }
        for (std::uint64_t left = touched; left != 0; left &= left - 1)
            flush(*peers_[static_cast<unsigned>(std::countr_zero(left))]); // once in a turn
        deaf_ = true;
    }

private:
    struct peer {
        vmsig::unique_fd socket;
        std::uint64_t sent = 0, acknowledged = 0, sequence = 0;
        stream_queue queue;
    };

    void watch(int fd, std::uint32_t what, std::uint64_t who) {
        epoll_event e{};
        e.events = what;
        e.data.u64 = who;
        if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &e) != 0) std::abort();
    }
    /// Only as many are under way as leave a higher one behind them waiting for so long.
    std::uint64_t take(std::uint64_t slot) {
        peer& p = *peers_[slot];
        stream_acknowledge a;
        if (::recv(p.socket.get(), &a, sizeof a, MSG_DONTWAIT) != sizeof a || a.length != sizeof a)
            std::abort();
        if (a.events > p.sent || a.events < p.acknowledged) std::abort(); // forged
        p.acknowledged = a.events;
        return std::uint64_t{1} << slot;
    }
    void flush(peer& p) {
        std::size_t size = 0;
        while (!p.queue.empty() && p.sent - p.acknowledged < stream_window &&
               size + sizeof(stream_frame) <= sizeof datagram_) {
            p.queue.pop([&](stream_frame& f) {
                f.sequence = ++p.sequence; // without holes
                std::memcpy(datagram_ + size, &f, sizeof f);
            });
            size += sizeof(stream_frame);
            ++p.sent;
        }
        if (size == 0) return;
        if (::send(p.socket.get(), datagram_, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) std::abort();
    }

    vmsig::unique_fd epoll_{::epoll_create1(EPOLL_CLOEXEC)};
    vmsig::unique_fd bell_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    bool deaf_ = false;
    std::int64_t now_ = 0;
    std::uint64_t subscribed_ = 0;
    stream_queue emitted_;
    std::vector<std::unique_ptr<peer>> peers_;
    std::byte datagram_[65'536];
};

/// The control's side: nothing that came is trusted, and each event is its own when it is told.
class stream_client {
public:
    explicit stream_client(vmsig::unique_fd socket)
        : socket_{std::move(socket)} {}

    template <class F>
    [[gnu::noinline]] void turn(F&& on_event) {
        const auto n = ::recv(socket_.get(), datagram_.get(), 65'536, MSG_DONTWAIT);
        for (ssize_t at = 0; at < n;) {
            stream_frame f;
            if (n - at < ssize_t{sizeof f}) std::abort();
            std::memcpy(&f, datagram_.get() + at, sizeof f);
            if (f.length != sizeof f || f.flags != 0 || f.type != 68 || f.source > 10 ||
                f.lane >= stream_lanes || f.payload_size != 0)
                std::abort();
            at += f.length;
            kept_.push(f); // a control that asks something meanwhile is answered first
        }
        while (!kept_.empty()) {
            kept_.pop([&](const stream_frame& f) { on_event(f); });
            ++taken_;
        }
        if (taken_ - acknowledged_ < stream_window / 4 * 3) return;
        stream_acknowledge a;
        a.events = acknowledged_ = taken_;
        if (::send(socket_.get(), &a, sizeof a, MSG_DONTWAIT | MSG_NOSIGNAL) != sizeof a)
            std::abort();
    }

private:
    vmsig::unique_fd socket_;
    std::unique_ptr<std::byte[]> datagram_{new std::byte[65'536]};
    stream_queue kept_;
    std::uint64_t taken_ = 0, acknowledged_ = 0;
};

} // namespace bench
