// json_lines_sink: writes each audit record as one line of JSON to a descriptor, at once and
// without ever waiting. What the descriptor does not take stays in a bounded buffer, whole lines in
// order; once that is full, records are lost, and the auditor says how many when it goes on again.
//
// Not fail-closed: admission never depends on who reads the lines. To have that, let the host drain
// a fail_closed_sink into this one.
#pragma once

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <pthread.h>
#include <span>
#include <sys/types.h>
#include <unistd.h>
#include <utility>

#include <vmsig/audit/render.hpp>
#include <vmsig/audit/sink.hpp>
#include <vmsig/base/os_error.hpp>
#include <vmsig/base/unique_fd.hpp>

namespace vmsig {

/// The system call of the sink, as a policy: a test passes another one to make it fail.
struct line_calls {
    /// write(2) that leaves its errno but no SIGPIPE or SIGXFSZ, without touching the process's
    /// handlers: the signal is directed at this thread, which blocks it and takes it back.
    static ssize_t write(int fd, const void* bytes, std::size_t length) noexcept {
        sigset_t ours, pending, before;
        sigemptyset(&ours);
        sigaddset(&ours, SIGPIPE);
        sigaddset(&ours, SIGXFSZ);
        pthread_sigmask(SIG_BLOCK, &ours, &before);
        sigpending(&pending);
        const ssize_t n = ::write(fd, bytes, length);
        const int error = errno;
        const int raised = error == EPIPE ? SIGPIPE : SIGXFSZ;
        if (n < 0 && (error == EPIPE || error == EFBIG) && !sigismember(&pending, raised)) {
            const timespec at_once{};
            sigemptyset(&ours);
            sigaddset(&ours, raised);
            while (sigtimedwait(&ours, nullptr, &at_once) < 0 && errno == EINTR) {}
        }
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
        errno = error;
        return n;
    }
};

inline constexpr std::size_t default_json_lines_buffer_bytes = 64 * 1024;

template <class Calls = line_calls, std::size_t BufferBytes = default_json_lines_buffer_bytes>
class basic_json_lines_sink {
    static_assert(BufferBytes >= max_audit_line_bytes, "room for one line");

public:
    /// Consumes `fd` and makes it non-blocking (a regular file can still wait for its disk). One
    /// that can not be is closed at once, and `error` says why.
    explicit basic_json_lines_sink(unique_fd fd) { replace(std::move(fd)); }
    basic_json_lines_sink(const basic_json_lines_sink&) = delete;
    basic_json_lines_sink& operator=(const basic_json_lines_sink&) = delete;

    bool reserve(unsigned, unsigned) noexcept { return true; }
    void refund(unsigned, unsigned) noexcept {}
    /// False, and counted: the buffer is full. What is accepted is never dropped.
    bool write(const audit_record& r, audit_room) noexcept {
        char line[max_audit_line_bytes];
        const std::size_t length = render_json(r, line);
        if (BufferBytes - (end_ - start_) < length) flush();
        if (BufferBytes - (end_ - start_) < length) {
            ++lost_;
            return false;
        }
        make_room(length);
        std::memcpy(buffer_ + end_, line, length);
        end_ += length;
        flush();
        return true;
    }
    /// Tries to write what is buffered: after EAGAIN, when the descriptor is writable again, and
    /// before the end. The destructor does not: a forked child would repeat the lines.
    void flush() noexcept {
        if (refused_) return;
        while (start_ + sent_ < end_) {
            const ssize_t n =
                Calls::write(fd_.get(), buffer_ + start_ + sent_, end_ - start_ - sent_);
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) {
                error_ = n < 0 ? os_error::last("write") : os_error{ENOSPC, "write"};
                return;
            }
            advance(static_cast<std::size_t>(n));
        }
        error_ = {};
    }
    /// At the end of a turn. True: something is still buffered.
    bool end_turn() noexcept {
        flush();
        return buffered_bytes() != 0;
    }
    /// Goes on with another descriptor, as the constructor takes one, from the start of the first
    /// line not wholly written.
    void replace(unique_fd fd) noexcept {
        fd_ = std::move(fd);
        sent_ = 0;
        error_ = {};
        const int flags = fd_ ? ::fcntl(fd_.get(), F_GETFL) : 0;
        refused_ = fd_ && (flags < 0 || ::fcntl(fd_.get(), F_SETFL, flags | O_NONBLOCK) != 0);
        if (!refused_) return;
        error_ = os_error::last("fcntl");
        fd_.reset();
    }

    /// Of the last write: 0 when all is written, EAGAIN when the reader is slow.
    const os_error& error() const { return error_; }
    std::uint64_t lost() const { return lost_; }
    std::size_t buffered_bytes() const { return end_ - start_ - sent_; }
    /// Borrowed, to watch it.
    int fd() const { return fd_.get(); }

private:
    /// At the end of the buffer, if need be by moving what is in it to the front.
    void make_room(std::size_t length) noexcept {
        if (BufferBytes - end_ >= length) return;
        std::memmove(buffer_, buffer_ + start_, end_ - start_);
        end_ -= start_;
        start_ = 0;
    }
    /// Keeps a line until all of it is written.
    void advance(std::size_t written) noexcept {
        const std::size_t until = start_ + sent_ + written;
        for (std::size_t i = until; i > start_; --i) {
            if (buffer_[i - 1] != '\n') continue;
            start_ = i;
            break;
        }
        sent_ = until - start_;
        if (start_ == end_) start_ = end_ = 0;
    }

    unique_fd fd_;
    bool refused_ = false; ///< it can not be made non-blocking
    os_error error_;
    std::uint64_t lost_ = 0;
    std::size_t start_ = 0; ///< of the first line not wholly written
    std::size_t sent_ = 0;  ///< bytes of that line that are written
    std::size_t end_ = 0;
    char buffer_[BufferBytes];
};

using json_lines_sink = basic_json_lines_sink<>;
static_assert(audit_sink<json_lines_sink>);

} // namespace vmsig
