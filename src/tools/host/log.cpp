// log: writing a line.
#include "log.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace host {

void log_line(std::string_view what) noexcept {
    constexpr std::string_view who = "vmsig-host: ";
    std::array<char, 1024> line; // less than PIPE_BUF: whole or not at all
    std::size_t size = who.copy(line.data(), who.size());
    const auto printable = [](char c) { return c >= ' ' && c < '\x7f' ? c : '?'; };
    what = what.substr(0, line.size() - size - 1);
    std::transform(what.begin(), what.end(), line.begin() + size, printable);
    size += what.size();
    line[size++] = '\n';

    // A service manager hands down a socket, a shell a pipe or a terminal.
    if (::send(STDERR_FILENO, line.data(), size, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return;
    if (errno != ENOTSOCK) return;
    ::pollfd room{STDERR_FILENO, POLLOUT, 0};
    if (::poll(&room, 1, 0) == 1 && (room.revents & POLLOUT) != 0) [[maybe_unused]]
        const ssize_t n = ::write(STDERR_FILENO, line.data(), size);
}

} // namespace host
