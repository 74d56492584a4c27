// trusted_file: opening, judging what was opened, reading.
#include "trusted_file.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vmsig/base/unique_fd.hpp>

namespace host {
namespace {

/// Why somebody else could have written it; "" if nobody could.
std::string doubt(const struct stat& s, mode_t harmless = 0) {
    if (s.st_uid != 0 && s.st_uid != ::geteuid())
        return "belongs to uid " + std::to_string(s.st_uid) + ", neither root nor the host";
    if ((s.st_mode & (S_IWGRP | S_IWOTH) & ~harmless) != 0)
        return "may be written by others: take that away";
    return {};
}

} // namespace

std::string folder_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

vmsig::expected<std::string, std::string> read_trusted(const std::string& path) {
    const auto refused = [](const std::string& why) { return vmsig::unexpected<std::string>{why}; };
    const auto failed = [&](const std::string& of) {
        return refused(of + ": " + std::strerror(errno));
    };
    struct stat s {};
    const std::string folder = folder_of(path);
    if (::stat(folder.c_str(), &s) != 0) return failed(folder);
    // In a folder like /tmp, with its sticky bit, others add files and do not replace them; but its
    // owner does.
    const mode_t others_add = (s.st_mode & S_ISVTX) != 0 ? S_IWGRP | S_IWOTH : 0;
    if (const auto why = doubt(s, others_add); !why.empty())
        return refused("the folder " + folder + " " + why);

    // What is judged is what is read. A FIFO is not waited for.
    const vmsig::unique_fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (!file || ::fstat(file.get(), &s) != 0) return failed(path);
    if (!S_ISREG(s.st_mode)) return refused(path + " is no regular file");
    if (const auto why = doubt(s); !why.empty()) return refused(path + " " + why);

    std::string text;
    char some[16 * 1024];
    for (;;) {
        const ssize_t n = ::read(file.get(), some, sizeof some);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return failed(path);
        if (n == 0) return text;
        text.append(some, static_cast<std::size_t>(n));
        if (text.size() > max_trusted_file_bytes) return refused(path + " is too long");
    }
}

} // namespace host
