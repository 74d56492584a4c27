// process_start: /proc/<pid>/stat, and whether it was the right one.
#include "process_start.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <vmsig/base/unique_fd.hpp>

namespace host {
namespace {

/// While it is not reaped its number is nobody else's.
bool is_not_reaped(int pidfd) {
    return ::syscall(SYS_pidfd_send_signal, pidfd, 0, nullptr, 0) == 0 || errno == EPERM;
}

/// The 22nd field. The second is the name of the program in brackets, which may hold any of them.
std::optional<std::uint64_t> start_in(std::string_view stat) {
    const std::size_t name_ends = stat.rfind(')');
    if (name_ends == std::string_view::npos) return {};
    std::size_t at = name_ends + 1;
    for (unsigned field = 2; field < 22; ++field) {
        at = stat.find(' ', at);
        if (at == std::string_view::npos) return {};
        ++at;
    }
    std::uint64_t ticks = 0;
    const auto end = stat.data() + stat.size();
    if (std::from_chars(stat.data() + at, end, ticks).ec != std::errc{}) return {};
    return ticks;
}

} // namespace

std::optional<std::uint64_t> process_start(pid_t pid, int pidfd) {
    if (pid <= 0 || pidfd < 0) return {};
    const std::string path = "/proc/" + std::to_string(pid) + "/stat";
    const vmsig::unique_fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    std::array<char, 1024> text;
    const ssize_t n = file ? ::read(file.get(), text.data(), text.size()) : -1;
    if (n <= 0 || !is_not_reaped(pidfd)) return {};
    return start_in({text.data(), static_cast<std::size_t>(n)});
}

} // namespace host
