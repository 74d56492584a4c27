// service_manager: the two protocols.
#include "service_manager.hpp"

#include <cstdlib>
#include <ctime>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <fmt/format.h>

namespace host {
namespace {

constexpr int first_handed_down = 3; // SD_LISTEN_FDS_START

int option_of(int fd, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    return ::getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

} // namespace

void notify(std::string_view state) noexcept {
    const char* where = std::getenv("NOTIFY_SOCKET");
    if (!where || (where[0] != '/' && where[0] != '@')) return;
    const std::string_view path{where};
    ::sockaddr_un to{};
    to.sun_family = AF_UNIX;
    if (path.size() >= sizeof to.sun_path) return;
    path.copy(to.sun_path, path.size());
    if (to.sun_path[0] == '@') to.sun_path[0] = '\0'; // in the abstract namespace
    const auto size = static_cast<socklen_t>(offsetof(::sockaddr_un, sun_path) + path.size());
    const vmsig::unique_fd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    (void)::sendto(socket.get(), state.data(), state.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                   reinterpret_cast<const ::sockaddr*>(&to), size);
}

void notify_reloading() noexcept {
    ::timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    notify(fmt::format("RELOADING=1\nMONOTONIC_USEC={}",
                       now.tv_sec * 1'000'000 + now.tv_nsec / 1'000));
}

vmsig::expected<vmsig::unique_fd, std::string> handed_down_socket() {
    const auto taken = [](const char* name) {
        const char* value = std::getenv(name);
        std::string text = value ? value : "";
        ::unsetenv(name);
        return text;
    };
    const std::string pid = taken("LISTEN_PID");
    const std::string count = taken("LISTEN_FDS");
    (void)taken("LISTEN_FDNAMES");
    if (count.empty() || pid != std::to_string(::getpid())) return vmsig::unique_fd{};
    if (count != "1")
        return vmsig::unexpected<std::string>{count + " sockets were handed down, expected one"};
    const int fd = first_handed_down;
    if (option_of(fd, SO_DOMAIN) != AF_UNIX || option_of(fd, SO_TYPE) != SOCK_SEQPACKET ||
        option_of(fd, SO_ACCEPTCONN) != 1)
        return vmsig::unexpected<std::string>{
            "what was handed down is no listening unix socket of sequential packets"};
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        return vmsig::unexpected<std::string>{"what was handed down can not be kept"};
    return vmsig::unique_fd{fd};
}

} // namespace host
