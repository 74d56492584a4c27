// mishaps: the ill luck of a simulated kernel: calls that fail with an errno that their manual page
// names, timers that are late, readiness that is none. Seeded; off until a level is set.
#pragma once

#include <array>
#include <cerrno>
#include <span>

#include <vmsig/base/time.hpp>

#include "../sim/random.hpp"

namespace vmsig::simkernel {

enum class call : std::uint8_t {
    epoll_create1,
    epoll_add,
    epoll_modify,
    epoll_delete,
    epoll_wait,
    eventfd,
    timerfd_create,
    timerfd_settime,
    clock_gettime,
    read,
    write,
    open,
    fcntl,
    fstat,
    pread,
    dup,
};
inline constexpr std::size_t call_count = 16;

class mishaps {
public:
    /// Of one call, more in a row than a doorbell tries are the death of the machine, not ill luck.
    static constexpr unsigned most_in_a_row = 3;
    static constexpr duration latest = milliseconds(3);

    explicit mishaps(std::uint64_t seed)
        : dice_{seed, 0x6b65726e} {}

    /// Of a thousand calls, about so many fail.
    void set_level(unsigned permille) { permille_ = permille; }

    /// The errno that this call fails with, or 0.
    int errno_of(call c) {
        const std::span<const int> codes = documented(c);
        unsigned& row = in_a_row_[static_cast<std::size_t>(c)];
        if (codes.empty() || !happens() || row == most_in_a_row) {
            row = 0;
            return 0;
        }
        ++row;
        ++counted;
        return codes[dice_.below(codes.size())];
    }
    duration lateness() { return happens(8) ? duration{dice_.between(1, latest.ns)} : duration{}; }
    bool spurious() { return happens(4); }
    std::uint32_t below(std::size_t n) { return dice_.below(n); }
    /// How much of `n` bytes one call moves: at least one.
    std::size_t part_of(std::size_t n) { return n > 1 && happens(4) ? 1 + dice_.below(n - 1) : n; }

    std::uint64_t counted = 0;

private:
    bool happens(unsigned times = 1) {
        return permille_ != 0 && dice_.below(1000) < permille_ * times;
    }
    static std::span<const int> documented(call c) {
        static constexpr std::array create{EMFILE, ENFILE, ENOMEM};
        static constexpr std::array add{ENOMEM, ENOSPC};
        static constexpr std::array memory{ENOMEM};
        static constexpr std::array interrupted{EINTR};
        static constexpr std::array ring{EINTR, EAGAIN};
        static constexpr std::array open{EMFILE, ENFILE, ENOMEM, EINTR};
        static constexpr std::array too_many{EMFILE};
        static constexpr std::array transfer{EINTR, EIO};
        switch (c) {
        case call::epoll_create1:
        case call::eventfd:
        case call::timerfd_create: return create;
        case call::epoll_add: return add;
        case call::epoll_modify:
        case call::timerfd_settime:
        case call::fstat: return memory;
        case call::epoll_wait:
        case call::read: return interrupted;
        case call::write: return ring;
        case call::open: return open;
        case call::dup: return too_many;
        case call::pread: return transfer;
        case call::epoll_delete: // of what is there: never
        case call::clock_gettime:
        case call::fcntl: return {};
        }
        return {};
    }

    sim::random dice_;
    unsigned permille_ = 0;
    std::array<unsigned, call_count> in_a_row_{};
};

} // namespace vmsig::simkernel
