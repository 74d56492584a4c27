// sim_calls, sim_fd_calls: the simulated kernel as the policies of the library, so that the real
// reactor and the real core run on it. What they ask is counted, and may fail by ill luck; what
// they allocate is not the core's.
#pragma once

#include <array>
#include <ctime>
#include <optional>

#include "../sim/meter.hpp"
#include "kernel.hpp"

namespace vmsig::simkernel {

/// What the library asked of the kernel, by call.
struct call_counts {
    std::array<std::uint32_t, call_count> made{};
    std::uint32_t& operator[](call c) { return made[static_cast<std::size_t>(c)]; }
    std::uint32_t operator[](call c) const { return made[static_cast<std::size_t>(c)]; }
};

/// Looks at the reactor's waits.
struct wait_watcher {
    virtual void begins(int epoll, int timeout_ms) = 0;
    virtual void ended(int epoll, std::span<const epoll_event> told, int room) = 0;

protected:
    ~wait_watcher() = default;
};

/// The side of the library: who asks, and who looks on. All may be null.
struct library {
    static inline call_counts counts;
    static inline sim::meter* cost = nullptr;
    static inline wait_watcher* watcher = nullptr;
    static inline std::uint32_t careless = 0; ///< made inheritable, or such that they can block

    static void demand(int flags, int all) { careless += (flags & all) == all ? 0u : 1u; }

    /// What `f` answers; or -1 and errno, by ill luck too.
    template <class F>
    static auto ask(call c, F&& f) {
        std::optional<sim::meter::side> ours;
        if (cost != nullptr) ours.emplace(*cost, false);
        using result = decltype(f(*kernel::current));
        ++counts[c];
        if (kernel::current->tick) kernel::current->advance(kernel::current->tick);
        result r = -kernel::current->luck.errno_of(c);
        if (r == 0) r = f(*kernel::current);
        if (r >= 0) return r;
        errno = static_cast<int>(-r);
        return result{-1};
    }
};

struct sim_calls {
    static int epoll_create1(int flags) noexcept {
        library::demand(flags, EPOLL_CLOEXEC);
        return library::ask(call::epoll_create1, [](kernel& k) { return k.epoll_create1(); });
    }
    static int epoll_ctl(int epoll, int operation, int fd, const epoll_event* event) noexcept {
        const call c = operation == EPOLL_CTL_ADD   ? call::epoll_add
                       : operation == EPOLL_CTL_MOD ? call::epoll_modify
                                                    : call::epoll_delete;
        return library::ask(c, [=](kernel& k) { return k.epoll_ctl(epoll, operation, fd, event); });
    }
    static int epoll_wait(int epoll, epoll_event* out, int room, int timeout_ms) noexcept {
        wait_watcher* const looks_on = library::watcher;
        if (looks_on != nullptr) looks_on->begins(epoll, timeout_ms);
        const int told = library::ask(call::epoll_wait, [=](kernel& k) {
            return k.epoll_wait(epoll, {out, static_cast<std::size_t>(std::max(room, 0))},
                                timeout_ms);
        });
        const int why = errno;
        if (looks_on != nullptr && told >= 0)
            looks_on->ended(epoll, {out, static_cast<std::size_t>(told)}, room);
        errno = why;
        return told;
    }
    static int eventfd(unsigned initial, int flags) noexcept {
        library::demand(flags, EFD_CLOEXEC | EFD_NONBLOCK);
        return library::ask(call::eventfd, [=](kernel& k) {
            return k.install(std::make_shared<event_counter>(initial));
        });
    }
    static int timerfd_create(clockid_t, int flags) noexcept {
        library::demand(flags, TFD_CLOEXEC | TFD_NONBLOCK);
        return library::ask(call::timerfd_create, [](kernel& k) { return k.timerfd_create(); });
    }
    static int timerfd_settime(int fd, int flags, const itimerspec* value) noexcept {
        return library::ask(call::timerfd_settime,
                            [=](kernel& k) { return k.timerfd_settime(fd, flags, *value); });
    }
    static ssize_t read(int fd, void* to, std::size_t size) noexcept {
        return library::ask(call::read, [=](kernel& k) -> ssize_t {
            file* f = k.find(fd);
            return f != nullptr ? f->read({static_cast<std::byte*>(to), size}) : -EBADF;
        });
    }
    static ssize_t write(int fd, const void* from, std::size_t size) noexcept {
        return library::ask(call::write, [=](kernel& k) -> ssize_t {
            file* f = k.find(fd);
            return f != nullptr ? f->write({static_cast<const std::byte*>(from), size}) : -EBADF;
        });
    }
    static int clock_gettime(clockid_t, timespec* out) noexcept {
        return library::ask(call::clock_gettime, [=](kernel& k) {
            out->tv_sec = static_cast<time_t>(k.now().ns / 1'000'000'000);
            out->tv_nsec = static_cast<long>(k.now().ns % 1'000'000'000);
            return 0;
        });
    }
};

/// In traits as `fd_calls`. Nothing that a core does maps memory.
struct sim_fd_calls {
    static int open(const char* path, int flags) {
        library::demand(flags, O_CLOEXEC | O_NONBLOCK);
        return library::ask(call::open, [=](kernel& k) { return k.open(path, flags); });
    }
    static int fcntl(int fd, int command) {
        return library::ask(call::fcntl, [=](kernel& k) { return k.fcntl(fd, command, 0); });
    }
    static int fstat(int fd, struct stat* status) {
        return library::ask(call::fstat, [=](kernel& k) { return k.fstat(fd, status); });
    }
    static ssize_t pread(int fd, void* into, std::size_t length, off_t offset) {
        return library::ask(call::pread, [=](kernel& k) -> ssize_t {
            auto* m = k.find_as<memory_file>(fd);
            if (m == nullptr) return k.find(fd) != nullptr ? -ESPIPE : -EBADF;
            const std::size_t n = k.luck.part_of(length);
            return m->read_at({static_cast<std::byte*>(into), n},
                              static_cast<std::uint64_t>(offset));
        });
    }
    static int dup(int fd) {
        return library::ask(call::dup, [=](kernel& k) { return k.dup(fd); });
    }
};

} // namespace vmsig::simkernel
