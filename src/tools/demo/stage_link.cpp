// stage_link: one datagram for each word.
#include "stage_link.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace demo {

std::pair<vmsig::unique_fd, vmsig::unique_fd> stage_link::pair() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
        throw std::system_error{errno, std::generic_category(), "socketpair"};
    return {vmsig::unique_fd{ends[0]}, vmsig::unique_fd{ends[1]}};
}

void stage_link::send(word::tag what, std::string_view text) {
    std::string datagram{static_cast<char>(what)};
    datagram += text;
    while (end_ && ::send(end_.get(), datagram.data(), datagram.size(), MSG_NOSIGNAL) < 0)
        if (errno != EINTR) hang_up();
}

std::optional<word> stage_link::receive() {
    std::array<char, 1024> datagram; // longer than any line
    while (end_) {
        const ssize_t n = ::recv(end_.get(), datagram.data(), datagram.size(), MSG_DONTWAIT);
        if (n > 0)
            return word{static_cast<word::tag>(datagram[0]),
                        std::string{datagram.data() + 1, static_cast<std::size_t>(n) - 1}};
        if (n < 0 && errno == EAGAIN) break;
        if (n == 0 || errno != EINTR) hang_up();
    }
    return std::nullopt;
}

} // namespace demo
