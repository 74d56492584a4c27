// socket_connection: the connection over a connected SOCK_SEQPACKET socket.
#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include <poll.h>

#include <vmsig/client/connection.hpp>
#include <vmsig/memctx/locator.hpp>
#include <vmsig/transport/socket_calls.hpp>
#include <vmsig/transport/wire.hpp>

namespace vmsig {

class socket_connection final : public connection {
public:
    /// `answer`: how long a verb waits.
    explicit socket_connection(unique_fd connected, duration answer = seconds(10))
        : socket_{std::move(connected)} {
        const std::int64_t us = std::max<std::int64_t>(1, answer.ns / 1'000);
        const ::timeval limit{us / 1'000'000, us % 1'000'000};
        waits_ = socket_calls::set_option(socket_.get(), SO_RCVTIMEO, &limit, sizeof limit) == 0;
    }

    int fd() override { return socket_.get(); }
    bool level_triggered() const override { return true; }
    void rest() override {} // the kernel does
    bool greets() const override { return true; }

    expected<bool, os_error> send(std::span<const std::byte> datagram) override {
        ::iovec v{const_cast<std::byte*>(datagram.data()), datagram.size()};
        ::msghdr m{};
        m.msg_iov = &v;
        m.msg_iovlen = 1;
        for (;;) {
            if (socket_calls::send(socket_.get(), &m) >= 0) return true;
            if (errno == EAGAIN) return false;
            if (errno != EINTR) return unexpected{os_error::last("send")};
        }
    }

    /// What is awaited costs one call, where `wait` and `receive` are two.
    expected<bool, os_error> receive(taker take, receiving how = {}) override {
        const std::span<std::byte> room{received_.get(), wire::max_datagram_bytes};
        std::array<unique_fd, max_ram_fds + 1> fds{}; // alignment may let one more in
        std::size_t count = 0;
        const bool wait = how.awaited && waits_;
        const ssize_t n = how.descriptors ? receive_with(fds, count, wait)
                                          : socket_calls::receive_bytes(socket_.get(), room, wait);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
        // Told first, though what the server said before it closed is still there.
        if (n < 0 && errno == ECONNRESET && !std::exchange(reset_, true))
            return receive(take, {false, how.descriptors});
        if (n <= 0) return unexpected{os_error{n < 0 ? errno : ECONNRESET, "receive"}};
        if (static_cast<std::size_t>(n) > room.size())
            return unexpected{os_error{EPROTO, "receive"}};
        take(room.first(static_cast<std::size_t>(n)), std::span{fds}.first(count));
        return true;
    }

    expected<bool, os_error> wait(bool for_room, duration at_most) override {
        ::pollfd p{socket_.get(), static_cast<short>(for_room ? POLLIN | POLLOUT : POLLIN), 0};
        const std::int64_t ms = std::max<std::int64_t>(0, (at_most.ns + 999'999) / 1'000'000);
        const int n = ::poll(&p, 1, static_cast<int>(std::min<std::int64_t>(ms, 1'000'000)));
        if (n < 0 && errno != EINTR) return unexpected{os_error::last("poll")};
        return n > 0;
    }

private:
    /// With all the descriptors that came, or none. How long the datagram was.
    ssize_t receive_with(std::span<unique_fd> fds, std::size_t& count, bool wait) {
        alignas(::cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * max_ram_fds)> control;
        ::iovec v{received_.get(), wire::max_datagram_bytes};
        ::msghdr m{};
        m.msg_iov = &v;
        m.msg_iovlen = 1;
        m.msg_control = control.data();
        m.msg_controllen = control.size();
        const ssize_t n = wait ? socket_calls::wait_and_receive(socket_.get(), &m)
                               : socket_calls::receive(socket_.get(), &m);
        if (n < 0) return n;
        count = take_fds(m, fds); // with nothing beside them too
        const bool lost_some = (m.msg_flags & MSG_CTRUNC) != 0;
        for (; lost_some && count != 0; --count) fds[count - 1].reset();
        return (m.msg_flags & MSG_TRUNC) != 0 ? n + 1 : n; // it filled the room
    }

    static std::size_t take_fds(::msghdr& m, std::span<unique_fd> fds) {
        std::size_t count = 0;
        for (::cmsghdr* c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
            if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
            for (std::size_t at = CMSG_LEN(0); at + sizeof(int) <= c->cmsg_len; at += sizeof(int)) {
                int fd = -1;
                std::memcpy(&fd, reinterpret_cast<const char*>(c) + at, sizeof fd);
                if (count < fds.size()) fds[count++].reset(fd);
            }
        }
        return count;
    }

    const unique_fd socket_;
    bool reset_ = false;
    bool waits_ = false; ///< in the kernel, no longer than for an answer
    const std::unique_ptr<std::byte[]> received_{new std::byte[wire::max_datagram_bytes]};
};

} // namespace vmsig
