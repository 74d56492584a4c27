// audit_output: opening the file, and what a run begins with.
#include "audit_output.hpp"

#include <algorithm>
#include <cstring>
#include <ctime>
#include <fstream>

#include <fmt/format.h>
#include <unistd.h>

namespace host {
namespace {

std::string boot_id() {
    std::string id;
    std::getline(std::ifstream{"/proc/sys/kernel/random/boot_id"}, id);
    const auto odd = [](char c) {
        return (c < '0' || c > '9') && (c < 'a' || c > 'f') && c != '-';
    };
    std::erase_if(id, odd); // into a line of JSON
    return id;
}

/// As RFC 3339 has it.
std::string text_of(const ::timespec& wall) {
    std::tm utc{};
    ::gmtime_r(&wall.tv_sec, &utc);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", utc.tm_year + 1900,
                       utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                       wall.tv_nsec);
}

/// With a member that no record has, and with none of theirs.
std::string run_line(std::uint64_t next_number) {
    ::timespec wall{}, time{};
    ::clock_gettime(CLOCK_REALTIME, &wall);
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return fmt::format("{{\"run\":{{\"boot_id\":\"{}\",\"wall\":\"{}\",\"time_ns\":{},\"pid\":{},"
                       "\"next_number\":{}}}}}\n",
                       boot_id(), text_of(wall),
                       std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec, ::getpid(),
                       next_number);
}

} // namespace

bool audit_output::begin_run(std::uint64_t next_number) {
    if (!writes_) return true;
    const std::string line = run_line(next_number);
    return vmsig::line_calls::write(lines_.fd(), line.data(), line.size()) ==
           static_cast<ssize_t>(line.size());
}

vmsig::expected<vmsig::unique_fd, std::string> open_audit(const std::string& path) {
    if (path.empty()) return vmsig::unique_fd{};
    constexpr int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    vmsig::unique_fd fd{path == "-" ? ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
                                    : ::open(path.c_str(), flags, 0640)};
    if (!fd) return vmsig::unexpected<std::string>{path + ": " + std::strerror(errno)};
    return fd;
}

} // namespace host
