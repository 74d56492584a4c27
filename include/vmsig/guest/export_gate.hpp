// The export gate: which descriptor of guest RAM a receiver gets, and what stops it from writing.
//
// An O_RDONLY descriptor alone stops nobody: whoever holds one opens /proc/self/fd/N again for
// writing, if the inode's mode lets it (a memfd's is 0777). So a level is found out, not believed:
//   sealed   no new writer, for anyone: F_SEAL_FUTURE_WRITE (or F_SEAL_WRITE), and SHRINK, GROW,
//            and SEAL, without which a later holder could change the set;
//   guarded  the receiver is neither root nor the inode's owner, and nobody else may write it;
//   weak     neither; exported only when the host names that level itself.
// What is judged is the very descriptor that is handed out, opened afresh and read-only. An export
// can not be taken back. Not seen here: a receiver with CAP_DAC_OVERRIDE under another uid, and an
// owner who gives the mode bits back later.
#pragma once

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <string_view>
#include <utility>

#include <vmsig/base/assert.hpp>
#include <vmsig/base/expected.hpp>
#include <vmsig/base/os_error.hpp>
#include <vmsig/base/unique_fd.hpp>
#include <vmsig/guest/fd_calls.hpp>
#include <vmsig/memctx/locator.hpp>

namespace vmsig {

enum class export_fault : std::uint8_t {
    too_weak,   ///< the level found is below the least that the host accepts
    not_a_file, ///< no regular file, memfd or hugetlb file: a device, a socket, a path
    writable,   ///< what was opened is not read-only
    system,     ///< `cause`
};

struct export_error {
    export_fault fault{};
    os_error cause; ///< of `system`
};

/// What the receiver gets, and the level it was found to have.
struct exported_fd {
    unique_fd fd;
    export_level level = export_level::refused;
};

/// What stops `receiver` from writing to the RAM behind `fd`: never `refused`. Borrows `fd`.
template <class Calls = fd_calls>
expected<export_level, export_error> assess_export(int fd, uid_t receiver) {
    struct stat status {};
    if (Calls::fstat(fd, &status) != 0)
        return unexpected{export_error{export_fault::system, os_error::last("fstat")}};
    if (!S_ISREG(status.st_mode)) return unexpected{export_error{export_fault::not_a_file, {}}};
    const int seals = Calls::fcntl(fd, F_GET_SEALS);
    if (seals < 0 && errno != EINVAL) // EINVAL: a file that can not be sealed
        return unexpected{export_error{export_fault::system, os_error::last("fcntl")}};

    constexpr int fixed = seal::seal | seal::shrink | seal::grow;
    constexpr int no_writer = seal::write | seal::future_write;
    if (seals >= 0 && (seals & fixed) == fixed && (seals & no_writer) != 0)
        return export_level::sealed;
    const bool may_change_mode = receiver == 0 || receiver == status.st_uid;
    const bool may_write = (status.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    return may_change_mode || may_write ? export_level::weak : export_level::guarded;
}

/// A fresh read-only descriptor of the file behind `fd`, which is borrowed and may be writable.
/// Where the mode forbids even the owner to open (0 before the export), a duplicate of `fd`, if it
/// is read-only itself. Needs /proc.
template <class Calls = fd_calls>
expected<unique_fd, export_error> reopen_read_only(int fd) {
    const auto failed = [](const char* operation) {
        return unexpected{export_error{export_fault::system, os_error::last(operation)}};
    };
    const int given = Calls::fcntl(fd, F_GETFL);
    if (given < 0) return failed("fcntl");
    if (given & O_PATH) return unexpected{export_error{export_fault::not_a_file, {}}};

    constexpr std::string_view folder = "/proc/self/fd/";
    std::array<char, folder.size() + 12> path{};
    folder.copy(path.data(), folder.size());
    std::to_chars(path.data() + folder.size(), path.data() + path.size() - 1, fd);
    unique_fd fresh{Calls::open(path.data(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
    if (!fresh && errno == EACCES && (given & O_ACCMODE) == O_RDONLY) {
        fresh.reset(Calls::dup(fd));
        if (!fresh) return failed("dup");
    }
    if (!fresh) return failed("open");

    const int opened = Calls::fcntl(fresh.get(), F_GETFL);
    if (opened < 0) return failed("fcntl");
    if ((opened & O_ACCMODE) != O_RDONLY)
        return unexpected{export_error{export_fault::writable, {}}};
    return fresh;
}

/// The descriptor to hand to `receiver` (SO_PEERCRED's uid; the host's own for a control in its
/// process), or why not. `least` is the host's decision; `weak` allows everything read-only. The
/// level of several descriptors is the least of theirs. Borrows `fd`.
template <class Calls = fd_calls>
expected<exported_fd, export_error> export_ram(int fd, uid_t receiver,
                                               export_level least = export_level::guarded) {
    VMSIG_ASSERT(least != export_level::refused);
    auto fresh = reopen_read_only<Calls>(fd);
    if (!fresh) return unexpected{fresh.error()};
    const auto level = assess_export<Calls>(fresh->get(), receiver);
    if (!level) return unexpected{level.error()};
    if (*level < least) return unexpected{export_error{export_fault::too_weak, {}}};
    return exported_fd{std::move(*fresh), *level};
}

} // namespace vmsig
