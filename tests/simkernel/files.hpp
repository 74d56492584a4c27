// files: what descriptors of the simulated kernel can refer to, besides an epoll: eventfd, timerfd,
// pipes, SOCK_SEQPACKET socket pairs, memfds. Each as Linux has it in what an epoll, a read and a
// write show; facts.hpp holds them to that.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <deque>
#include <limits>
#include <optional>

#include <vmsig/base/time.hpp>
#include <vmsig/guest/fd_calls.hpp>

#include "file.hpp"

namespace vmsig::simkernel {

using bytes = std::vector<std::byte>;

/// As many as fit.
inline std::size_t copy_bytes(std::span<const std::byte> from, std::span<std::byte> to) {
    const std::size_t n = std::min(from.size(), to.size());
    std::copy_n(from.begin(), n, to.begin());
    return n;
}

/// eventfd(2).
class event_counter final : public file {
public:
    explicit event_counter(std::uint64_t count)
        : count_{count} {}
    std::uint32_t poll() override {
        return (count_ > 0 ? EPOLLIN : 0u) | (count_ == most ? EPOLLERR : 0u) |
               (count_ < most - 1 ? EPOLLOUT : 0u);
    }
    long read(std::span<std::byte> to) override {
        if (to.size() < sizeof count_) return -EINVAL;
        if (count_ == 0) return -EAGAIN;
        copy_bytes(std::as_bytes(std::span{&count_, 1}), to);
        count_ = 0;
        wake(EPOLLOUT);
        return sizeof count_;
    }
    long write(std::span<const std::byte> from) override {
        std::uint64_t more = 0;
        if (from.size() < sizeof more) return -EINVAL;
        copy_bytes(from, std::as_writable_bytes(std::span{&more, 1}));
        if (more == most) return -EINVAL;
        if (most - count_ <= more) return -EAGAIN;
        count_ += more;
        wake(EPOLLIN); // each write is an edge
        return sizeof more;
    }

private:
    static constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t count_;
};

/// timerfd(2) of CLOCK_MONOTONIC. The kernel fires it.
class timer_file final : public file {
public:
    explicit timer_file(std::vector<timer_file*>& all)
        : all_{all} {
        all_.push_back(this);
    }
    ~timer_file() override { std::erase(all_, this); }

    std::uint32_t poll() override { return ticks_ > 0 ? EPOLLIN : 0u; }
    long read(std::span<std::byte> to) override {
        if (to.size() < sizeof ticks_) return -EINVAL;
        if (ticks_ == 0) return -EAGAIN;
        copy_bytes(std::as_bytes(std::span{&ticks_, 1}), to);
        ticks_ = 0;
        return sizeof ticks_;
    }
    /// `late` beyond `due`; an interval of 0 fires once.
    void set(instant due, duration interval, duration late) {
        ticks_ = 0;
        due_ = due;
        interval_ = interval;
        late_ = late;
    }
    instant fires() const { return due_ == instant::never() ? due_ : due_ + late_; }
    /// Its time has come: one wake-up, however many intervals have passed.
    void fire(instant now) {
        ticks_ += 1;
        if (interval_.ns > 0) {
            const auto more = static_cast<std::uint64_t>((now.ns - due_.ns) / interval_.ns);
            ticks_ += more;
            due_ = instant{due_.ns + static_cast<std::int64_t>(more + 1) * interval_.ns};
        } else {
            due_ = instant::never();
        }
        wake(EPOLLIN);
    }

private:
    std::vector<timer_file*>& all_;
    std::uint64_t ticks_ = 0;
    instant due_ = instant::never();
    duration interval_{};
    duration late_{};
};

/// What the two ends of a pipe share: sixteen pages, of which small writes share the last.
class pipe_end;
struct pipe_buffer {
    static constexpr std::size_t page = 4096;
    static constexpr std::size_t pages = 16;
    std::deque<bytes> filled;
    pipe_end* reader = nullptr;
    pipe_end* writer = nullptr;
};

class pipe_end final : public file {
public:
    pipe_end(std::shared_ptr<pipe_buffer> p, bool writes)
        : pipe_{std::move(p)}
        , writes_{writes} {
        (writes_ ? pipe_->writer : pipe_->reader) = this;
    }
    ~pipe_end() override {
        (writes_ ? pipe_->writer : pipe_->reader) = nullptr;
        if (other() != nullptr) other()->wake(0);
    }

    std::uint32_t poll() override {
        if (writes_) {
            const bool room = pipe_->filled.size() < pipe_buffer::pages;
            return (room ? EPOLLOUT | EPOLLWRNORM : 0u) | (other() == nullptr ? EPOLLERR : 0u);
        }
        return (pipe_->filled.empty() ? 0u : EPOLLIN | EPOLLRDNORM) |
               (other() == nullptr ? EPOLLHUP : 0u);
    }
    long read(std::span<std::byte> to) override {
        if (writes_) return -EBADF;
        if (to.empty()) return 0;
        if (pipe_->filled.empty()) return other() == nullptr ? 0 : -EAGAIN;
        const bool was_full = pipe_->filled.size() == pipe_buffer::pages;
        std::size_t got = 0;
        while (!pipe_->filled.empty() && got < to.size()) {
            bytes& first = pipe_->filled.front();
            const std::size_t n = copy_bytes(first, to.subspan(got));
            first.erase(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(n));
            got += n;
            if (first.empty()) pipe_->filled.pop_front();
        }
        const bool room = pipe_->filled.size() < pipe_buffer::pages;
        if (was_full && room && other() != nullptr) other()->wake(EPOLLOUT | EPOLLWRNORM);
        return static_cast<long>(got);
    }
    long write(std::span<const std::byte> from) override {
        if (!writes_) return -EBADF;
        if (other() == nullptr) return -EPIPE;
        if (from.empty()) return 0;
        const std::size_t put = append(from);
        if (put == 0) return -EAGAIN;
        other()->wake(EPOLLIN | EPOLLRDNORM); // each write is an edge once it was polled
        return static_cast<long>(put);
    }
    bool unread() const override { return !writes_ && !pipe_->filled.empty(); }
    mode_t mode() const override { return S_IFIFO | 0600; }
    int flags() const override { return writes_ ? O_WRONLY : O_RDONLY; }

private:
    pipe_end* other() const { return writes_ ? pipe_->reader : pipe_->writer; }
    /// Up to PIPE_BUF, which is a page, all or nothing.
    std::size_t append(std::span<const std::byte> from) {
        std::deque<bytes>& filled = pipe_->filled;
        std::size_t put = 0;
        const std::size_t rest = from.size() % pipe_buffer::page;
        if (rest != 0 && !filled.empty() && filled.back().size() + rest <= pipe_buffer::page) {
            filled.back().insert(filled.back().end(), from.begin(),
                                 from.begin() + static_cast<std::ptrdiff_t>(rest));
            put = rest;
        }
        while (put < from.size() && filled.size() < pipe_buffer::pages) {
            const std::size_t n = std::min(from.size() - put, pipe_buffer::page);
            const auto at = from.begin() + static_cast<std::ptrdiff_t>(put);
            filled.emplace_back(at, at + static_cast<std::ptrdiff_t>(n));
            put += n;
        }
        return put;
    }

    std::shared_ptr<pipe_buffer> pipe_;
    bool writes_;
};

/// One of a pair of SOCK_SEQPACKET sockets (net/unix/af_unix.c).
class packet_socket final : public file {
public:
    static constexpr std::size_t default_send_buffer = 212992;

    static void connect(packet_socket& a, packet_socket& b) {
        a.peer_ = &b;
        b.peer_ = &a;
    }
    ~packet_socket() override {
        if (peer_ == nullptr) return;
        peer_->peer_ = nullptr;
        peer_->gone_ = SHUT_RDWR;
        if (!frames_.empty()) peer_->error_ = ECONNRESET; // it will never read them
        peer_->used_ = 0;
        peer_->wake(0);
    }

    std::uint32_t poll() override {
        std::uint32_t now = error_ != 0 ? EPOLLERR : 0u;
        if (receives_no_more()) now |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM;
        if (gone_ == SHUT_RDWR) now |= EPOLLHUP;
        if (!frames_.empty()) now |= EPOLLIN | EPOLLRDNORM;
        if (writable()) now |= EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
        return now;
    }
    long read(std::span<std::byte> to) override { return to.empty() ? 0 : receive(to, 0); }
    long write(std::span<const std::byte> from) override { return send(from); }
    /// MSG_TRUNC says how long the frame was; what does not fit is lost either way.
    long receive(std::span<std::byte> to, int how) {
        if (error_ != 0) return -std::exchange(error_, 0);
        if (frames_.empty()) return receives_no_more() ? 0 : -EAGAIN;
        const bytes frame = std::move(frames_.front());
        frames_.pop_front();
        const std::size_t n = copy_bytes(frame, to);
        if (peer_ != nullptr) peer_->refund(cost_of(frame.size()));
        return static_cast<long>(how & MSG_TRUNC ? frame.size() : n);
    }
    long send(std::span<const std::byte> frame) {
        if (error_ != 0) return -std::exchange(error_, 0);
        if (peer_ == nullptr || sends_no_more()) return -EPIPE;
        if (frame.size() + overhead > send_buffer) return -EMSGSIZE;
        if (used_ >= send_buffer) return -EAGAIN;
        used_ += cost_of(frame.size());
        peer_->frames_.emplace_back(frame.begin(), frame.end());
        peer_->wake(EPOLLIN | EPOLLPRI | EPOLLRDNORM | EPOLLRDBAND);
        return static_cast<long>(frame.size());
    }
    int shut(int how) {
        const bool reads = how == SHUT_RD || how == SHUT_RDWR;
        const bool writes = how == SHUT_WR || how == SHUT_RDWR;
        if (!reads && !writes) return -EINVAL;
        close_directions(reads, writes);
        if (peer_ == nullptr) return 0;
        peer_->close_directions(writes, reads);
        peer_->wake(0);
        return 0;
    }
    bool unread() const override { return !frames_.empty(); }
    mode_t mode() const override { return S_IFSOCK | 0777; }

    std::size_t send_buffer = default_send_buffer;

private:
    static constexpr std::size_t overhead = 32;
    static constexpr int none = -1;

    /// The truesize of a small buffer: its head, and a power of two for the data.
    static std::size_t cost_of(std::size_t size) {
        std::size_t data = 512;
        while (data < size + 320) data *= 2;
        return data + 256;
    }
    bool receives_no_more() const { return gone_ == SHUT_RD || gone_ == SHUT_RDWR; }
    bool sends_no_more() const { return gone_ == SHUT_WR || gone_ == SHUT_RDWR; }
    bool writable() const { return used_ * 4 <= send_buffer; }
    void close_directions(bool reads, bool writes) {
        reads = reads || receives_no_more();
        writes = writes || sends_no_more();
        gone_ = reads && writes ? SHUT_RDWR : reads ? SHUT_RD : writes ? SHUT_WR : none;
    }
    void refund(std::size_t cost) {
        used_ -= std::min(used_, cost);
        if (writable()) wake(EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
    }

    packet_socket* peer_ = nullptr;
    std::deque<bytes> frames_;
    std::size_t used_ = 0; ///< of the send buffer
    int gone_ = none;      ///< the directions that are shut
    int error_ = 0;
};

/// The inode of a memfd.
struct memory {
    bytes content;
    int seals = 0;
};

/// A descriptor's way to it: `O_RDONLY` or `O_RDWR`.
class memory_file final : public file {
public:
    memory_file(std::shared_ptr<memory> m, int access)
        : at{std::move(m)}
        , access_{access} {}

    std::uint32_t poll() override { return EPOLLIN | EPOLLOUT; }
    bool pollable() const override { return false; }
    long read_at(std::span<std::byte> to, std::uint64_t offset) {
        if (offset >= at->content.size()) return 0;
        return static_cast<long>(copy_bytes(std::span{at->content}.subspan(offset), to));
    }
    long write_at(std::span<const std::byte> from, std::uint64_t offset) {
        if (access_ == O_RDONLY) return -EBADF;
        if ((at->seals & (seal::write | seal::future_write)) != 0) return -EPERM;
        if (offset + from.size() > at->content.size()) {
            if ((at->seals & seal::grow) != 0) return -EPERM;
            at->content.resize(offset + from.size());
        }
        return static_cast<long>(copy_bytes(from, std::span{at->content}.subspan(offset)));
    }
    int truncate(std::size_t size) {
        if (access_ == O_RDONLY) return -EINVAL;
        if (size < at->content.size() && (at->seals & seal::shrink) != 0) return -EPERM;
        if (size > at->content.size() && (at->seals & seal::grow) != 0) return -EPERM;
        at->content.resize(size);
        return 0;
    }
    int add_seals(int more) {
        if (access_ == O_RDONLY || (at->seals & seal::seal) != 0) return -EPERM;
        at->seals |= more;
        return 0;
    }
    mode_t mode() const override { return S_IFREG | 0777; }
    int flags() const override { return access_; }

    std::shared_ptr<memory> at;

private:
    int access_;
};

} // namespace vmsig::simkernel
