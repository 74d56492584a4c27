// audit_output: opening the file.
#include "audit_output.hpp"

#include <cstring>

namespace host {

vmsig::expected<vmsig::unique_fd, std::string> open_audit(const std::string& path) {
    if (path.empty()) return vmsig::unique_fd{};
    constexpr int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    vmsig::unique_fd fd{path == "-" ? ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
                                    : ::open(path.c_str(), flags, 0640)};
    if (!fd) return vmsig::unexpected<std::string>{path + ": " + std::strerror(errno)};
    return fd;
}

} // namespace host
