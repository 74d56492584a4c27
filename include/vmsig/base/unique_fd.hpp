// unique_fd: owns one descriptor and closes it once. Taking one by value consumes it; an `int`
// parameter borrows.
#pragma once

#include <unistd.h>

namespace vmsig {

class unique_fd {
public:
    constexpr unique_fd() = default;
    constexpr explicit unique_fd(int fd)
        : fd_{fd} {}
    unique_fd(unique_fd&& other) noexcept
        : fd_{other.release()} {}
    unique_fd& operator=(unique_fd&& other) noexcept {
        if (this != &other) reset(other.release());
        return *this;
    }
    ~unique_fd() { reset(); }

    constexpr int get() const { return fd_; }
    constexpr explicit operator bool() const { return fd_ >= 0; }
    /// Gives the descriptor up without closing it.
    [[nodiscard]] constexpr int release() {
        const int fd = fd_;
        fd_ = -1;
        return fd;
    }
    /// Closes what is owned. EINTR is not retried: on Linux the descriptor is gone already.
    void reset(int fd = -1) {
        if (fd_ >= 0) ::close(fd_);
        fd_ = fd;
    }

private:
    int fd_ = -1;
};

} // namespace vmsig
