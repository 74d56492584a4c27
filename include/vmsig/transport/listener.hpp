// listener: makes the listening socket of a server at a path, with care for what is there already.
// A socket that was handed down (systemd's socket activation) needs none of this.
//
// The folder must be the host's own, or root's, and writable by nobody else; so nobody can put
// another socket in the way. A lock file beside the socket says whether its owner lives: only a
// socket whose lock is free is left over, and only that is removed. Nothing else ever is.
#pragma once

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <vmsig/base/expected.hpp>
#include <vmsig/base/os_error.hpp>
#include <vmsig/base/unique_fd.hpp>
#include <vmsig/transport/same_process.hpp>

namespace vmsig {

/// A listening socket and the lock that goes with its path. The socket is for the server; the lock
/// is held as long as this lives, and the path is removed with it, if it is still this socket's;
/// not by the copy of a forked child.
class listening_socket {
public:
    /// `mode`: of the socket, who may connect at all. EPERM: the folder or what is at the path is
    /// not the host's own; EADDRINUSE: another host serves it; else errno of what failed.
    static expected<listening_socket, os_error> at(std::string_view path, mode_t mode = 0660) {
        listening_socket made;
        made.path_ = path;
        if (const auto bad = folder_fault(made.path_)) return unexpected{*bad};
        const std::string lock = made.path_ + ".lock";
        made.lock_.reset(::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (!made.lock_) return unexpected{os_error::last("open the lock")};
        if (::flock(made.lock_.get(), LOCK_EX | LOCK_NB) != 0)
            return unexpected{os_error{EADDRINUSE, "lock"}};
        if (const auto bad = made.remove_left_over()) return unexpected{*bad};
        made.socket_.reset(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (!made.socket_) return unexpected{os_error::last("socket")};
        ::sockaddr_un here{};
        here.sun_family = AF_UNIX;
        if (made.path_.size() >= sizeof here.sun_path)
            return unexpected{os_error{ENAMETOOLONG, "bind"}};
        made.path_.copy(here.sun_path, made.path_.size());
        // The mode at birth is the descriptor's: there is no moment with another one.
        if (::fchmod(made.socket_.get(), mode & 0777) != 0)
            return unexpected{os_error::last("fchmod")};
        if (::bind(made.socket_.get(), reinterpret_cast<::sockaddr*>(&here), sizeof here) != 0)
            return unexpected{os_error::last("bind")};
        // Keeps the inode, so that its number says at the end whether it is still the same.
        made.bound_.reset(::open(made.path_.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
        if (!made.bound_) {
            const auto failed = os_error::last("open the socket");
            ::unlink(made.path_.c_str());
            return unexpected{failed};
        }
        if (::chmod(made.path_.c_str(), mode & 0777) != 0)
            return unexpected{os_error::last("chmod")};
        if (::listen(made.socket_.get(), 64) != 0) return unexpected{os_error::last("listen")};
        return made;
    }
    listening_socket(listening_socket&& other) noexcept { *this = std::move(other); }
    listening_socket& operator=(listening_socket&& other) noexcept {
        std::swap(here_, other.here_);
        std::swap(path_, other.path_);
        std::swap(bound_, other.bound_);
        std::swap(lock_, other.lock_);
        std::swap(socket_, other.socket_);
        return *this;
    }
    ~listening_socket() {
        struct stat mine {
        }, there{};
        const bool known = here_ && bound_ && ::fstat(bound_.get(), &mine) == 0 &&
                           ::lstat(path_.c_str(), &there) == 0;
        if (known && mine.st_dev == there.st_dev && mine.st_ino == there.st_ino)
            ::unlink(path_.c_str());
    }

    /// The socket, given away.
    unique_fd take() { return std::move(socket_); }

private:
    listening_socket() = default;

    static std::string folder_of(const std::string& path) {
        const std::size_t slash = path.rfind('/');
        if (slash == std::string::npos) return ".";
        return slash == 0 ? "/" : path.substr(0, slash);
    }
    struct found {
        bool bad = false;
        os_error why;
        explicit operator bool() const { return bad; }
        const os_error& operator*() const { return why; }
    };
    static found folder_fault(const std::string& path) {
        struct stat s {};
        if (::stat(folder_of(path).c_str(), &s) != 0) return {true, os_error::last("stat")};
        const bool own = s.st_uid == ::geteuid() || s.st_uid == 0;
        const bool open_to_others = (s.st_mode & (S_IWGRP | S_IWOTH)) != 0;
        if (!S_ISDIR(s.st_mode) || !own || open_to_others)
            return {true, {EPERM, "the folder of the socket"}};
        return {};
    }
    /// The lock is ours, so nobody serves it any more.
    found remove_left_over() const {
        struct stat s {};
        if (::lstat(path_.c_str(), &s) != 0)
            return errno == ENOENT ? found{} : found{true, os_error::last("lstat")};
        if (!S_ISSOCK(s.st_mode) || s.st_uid != ::geteuid())
            return {true, {EPERM, "what is at the path"}};
        if (::unlink(path_.c_str()) != 0) return {true, os_error::last("unlink")};
        return {};
    }

    same_process here_;
    std::string path_;
    unique_fd bound_; ///< what is at the path, once it is the socket
    unique_fd lock_;
    unique_fd socket_;
};

} // namespace vmsig
