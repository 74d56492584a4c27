// kernel: the simulated one: a table of descriptors that hands out the lowest number first, a clock
// that moves when it is told to, and the calls of the reactor, the export gate, memory reads, and
// those who act on the other ends. One at a time is the machine's: `current`.
#pragma once

#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include <charconv>
#include <cstring>
#include <string_view>

#include <vmsig/base/function_ref.hpp>

#include "epoll_file.hpp"
#include "files.hpp"
#include "mishaps.hpp"

namespace vmsig::simkernel {

/// Results are those of the call, or -errno.
class kernel {
public:
    /// Beyond any number of the kernel below, so that a close finds out whose it is.
    static constexpr int first_fd = 1 << 24;
    static inline kernel* current = nullptr;

    explicit kernel(std::uint64_t seed = 1)
        : luck{seed}
        , before_{current} {
        current = this;
    }
    kernel(const kernel&) = delete;
    kernel& operator=(const kernel&) = delete;
    ~kernel() {
        for (auto& f : table_) f.reset();
        current = before_;
    }

    // --- the machine ---

    instant now() const { return now_; }
    void advance(duration d) {
        const instant until = now_ + d;
        while (next_expiry() <= until) {
            now_ = std::max(now_, next_expiry());
            fire_due();
        }
        now_ = until;
    }
    /// When the next timer fires; `never()`: none is set.
    instant next_expiry() const {
        instant first = instant::never();
        for (const timer_file* t : timers_) first = std::min(first, t->fires());
        return first;
    }
    std::size_t open_count() const { return static_cast<std::size_t>(open_); }
    file* find(int fd) const {
        const auto n = static_cast<std::size_t>(fd - first_fd);
        return fd >= first_fd && n < table_.size() ? table_[n].get() : nullptr;
    }
    template <class F>
    F* find_as(int fd) const {
        return dynamic_cast<F*>(find(fd));
    }
    std::uint32_t poll(int fd) const {
        file* f = find(fd);
        return f != nullptr ? f->poll() : std::uint32_t{POLLNVAL_};
    }
    bool readable(int fd) const { return (poll(fd) & EPOLLIN) != 0; }

    mishaps luck;
    int fd_limit = 1024;
    duration tick;                  ///< how long a call of the library takes
    std::size_t watch_limit = 4096; ///< of /proc/sys/fs/epoll/max_user_watches
    /// Called by a wait that would sleep for ever; else it wakes at the next expiry.
    function_ref<void()>* on_sleep = nullptr;

    // --- descriptors ---

    int install(std::shared_ptr<file> f) {
        for (std::size_t n = 0; n < static_cast<std::size_t>(fd_limit); ++n) {
            if (n == table_.size()) table_.emplace_back();
            if (table_[n]) continue;
            table_[n] = std::move(f);
            ++open_;
            return first_fd + static_cast<int>(n);
        }
        return -EMFILE;
    }
    int close(int fd) {
        if (find(fd) == nullptr) return -EBADF;
        --open_;
        // Its number is free before the last words of the file are said.
        const std::shared_ptr<file> last =
            std::move(table_[static_cast<std::size_t>(fd - first_fd)]);
        return 0;
    }
    int dup(int fd) { return find(fd) != nullptr ? install(shared(fd)) : -EBADF; }
    int pair(std::shared_ptr<file> a, std::shared_ptr<file> b, int ends[2]) {
        const int one = install(std::move(a));
        if (one < 0) return one;
        const int other = install(std::move(b));
        if (other < 0) {
            close(one);
            return other;
        }
        ends[0] = one;
        ends[1] = other;
        return 0;
    }
    int pipe(int ends[2]) {
        const auto shared = std::make_shared<pipe_buffer>();
        return pair(std::make_shared<pipe_end>(shared, false),
                    std::make_shared<pipe_end>(shared, true), ends);
    }
    int socketpair(int ends[2]) {
        const auto a = std::make_shared<packet_socket>();
        const auto b = std::make_shared<packet_socket>();
        packet_socket::connect(*a, *b);
        return pair(a, b, ends);
    }
    int memfd() {
        return install(std::make_shared<memory_file>(std::make_shared<memory>(), O_RDWR));
    }
    /// Only what the export gate opens: /proc/self/fd/N.
    int open(const char* path, int flags) {
        constexpr std::string_view folder = "/proc/self/fd/";
        const std::string_view name{path};
        int fd = -1;
        if (!name.starts_with(folder)) return -ENOENT;
        std::from_chars(path + folder.size(), path + name.size(), fd);
        if (find(fd) == nullptr) return -ENOENT;
        const auto* m = find_as<memory_file>(fd);
        if (m == nullptr) return -ENXIO;
        return install(std::make_shared<memory_file>(m->at, flags & O_ACCMODE));
    }
    int fcntl(int fd, int command, int argument) {
        file* f = find(fd);
        if (f == nullptr) return -EBADF;
        auto* m = dynamic_cast<memory_file*>(f);
        switch (command) {
        case F_GETFL: return f->flags();
        case F_GETFD: return FD_CLOEXEC;
        case F_GET_SEALS: return m != nullptr ? m->at->seals : -EINVAL;
        case F_ADD_SEALS: return m != nullptr ? m->add_seals(argument) : -EINVAL;
        default: return -EINVAL;
        }
    }
    int fstat(int fd, struct stat* out) {
        const file* f = find(fd);
        if (f == nullptr) return -EBADF;
        *out = {};
        out->st_mode = f->mode();
        if (const auto* m = dynamic_cast<const memory_file*>(f))
            out->st_size = static_cast<off_t>(m->at->content.size());
        return 0;
    }

    // --- epoll ---

    int epoll_create1() { return install(std::make_shared<epoll_file>()); }
    int epoll_ctl(int epoll, int operation, int fd, const epoll_event* event) {
        file* set = find(epoll);
        file* target = find(fd);
        if (set == nullptr || target == nullptr) return -EBADF;
        if (!target->pollable()) return -EPERM;
        auto* e = dynamic_cast<epoll_file*>(set);
        if (e == nullptr || e == target) return -EINVAL;
        switch (operation) {
        case EPOLL_CTL_ADD:
            if (e->entries().size() >= watch_limit && e->find(target, fd) == nullptr)
                return -ENOSPC;
            return e->add(shared(fd), fd, *event);
        case EPOLL_CTL_MOD: return e->modify(target, fd, *event);
        case EPOLL_CTL_DEL: return e->remove(target, fd);
        default: return -EINVAL;
        }
    }
    /// `timeout_ms`: 0 does not wait, less than 0 waits for ever.
    int epoll_wait(int epoll, std::span<epoll_event> out, int timeout_ms) {
        if (find(epoll) == nullptr) return -EBADF;
        auto* e = find_as<epoll_file>(epoll);
        if (e == nullptr || out.empty()) return -EINVAL;
        if (!e->entries().empty() && luck.spurious())
            e->pretend(*e->entries()[luck.below(e->entries().size())]);
        std::size_t told = e->collect(out);
        if (told == 0 && timeout_ms != 0) {
            sleep(timeout_ms);
            told = e->collect(out);
            if (told == 0 && timeout_ms < 0) return -EINTR;
        }
        return static_cast<int>(told);
    }

    // --- time ---

    int timerfd_create() { return install(std::make_shared<timer_file>(timers_)); }
    int timerfd_settime(int fd, int flags, const itimerspec& value) {
        if (find(fd) == nullptr) return -EBADF;
        auto* t = find_as<timer_file>(fd);
        const auto valid = [](const timespec& s) {
            return s.tv_sec >= 0 && s.tv_nsec >= 0 && s.tv_nsec < 1'000'000'000;
        };
        if (t == nullptr || !valid(value.it_value) || !valid(value.it_interval)) return -EINVAL;
        const duration first = length_of(value.it_value);
        instant due = instant::never();
        if (first) due = flags & TFD_TIMER_ABSTIME ? instant{first.ns} : now_ + first;
        t->set(due, length_of(value.it_interval), luck.lateness());
        fire_due();
        return 0;
    }

private:
    static constexpr std::uint32_t POLLNVAL_ = 0x20;

    static duration length_of(const timespec& s) {
        return duration{std::int64_t{s.tv_sec} * 1'000'000'000 + s.tv_nsec};
    }
    std::shared_ptr<file> shared(int fd) const {
        return table_[static_cast<std::size_t>(fd - first_fd)];
    }
    void fire_due() {
        for (std::size_t i = 0; i < timers_.size(); ++i)
            if (timers_[i]->fires() <= now_) timers_[i]->fire(now_);
    }
    void sleep(int timeout_ms) {
        if (timeout_ms > 0) return advance(milliseconds(timeout_ms));
        if (on_sleep != nullptr) return (*on_sleep)();
        if (next_expiry() != instant::never()) advance(next_expiry() - now_);
    }

    std::vector<timer_file*> timers_;
    std::vector<std::shared_ptr<file>> table_;
    int open_ = 0;
    instant now_{1'000'000'000};
    kernel* before_;
};

} // namespace vmsig::simkernel
