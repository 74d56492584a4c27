// The functions of wrap.txt, between whoever calls them and the C library (ld --wrap).
#include "injection.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <ctime>
#include <mutex>

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace vmsig::test {
namespace {

struct armed_fault {
    std::atomic<const call_site*> site{nullptr};
    std::atomic<int> code{0};
    std::atomic<unsigned> first{0};
    std::atomic<bool> once{true};
    std::atomic<unsigned> made{0};
    std::atomic<unsigned> hits{0};
};
armed_fault armed;
std::array<std::atomic<std::uint64_t>, std::size(call_sites)> made{};

/// What is mapped now. An array, for nothing here may allocate.
struct live_mapping {
    const void* base = nullptr;
    std::size_t length = 0;
    bool anonymous = false;
};
std::mutex mappings_lock;
std::array<live_mapping, 256> mappings;

void note_mapping(const live_mapping& from, const live_mapping& to) {
    const std::lock_guard guard{mappings_lock};
    for (live_mapping& m : mappings) {
        if (m.base != from.base) continue;
        m = to;
        return;
    }
}

bool matches(const call_site& s, std::string_view function, std::uint64_t which) {
    return s.function == function && (s.which == call_site::any || s.which == which);
}

/// Whether this call fails; errno is set then.
bool fails(std::string_view function, std::uint64_t which = call_site::any) {
    for (std::size_t i = 0; i < std::size(call_sites); ++i)
        if (matches(call_sites[i], function, which)) ++made[i];
    const call_site* site = armed.site.load(std::memory_order_acquire);
    if (!site || !matches(*site, function, which)) return false;
    const unsigned n = ++armed.made;
    const unsigned first = armed.first.load();
    if (n < first || (n > first && armed.once.load())) return false;
    ++armed.hits;
    errno = armed.code.load();
    return true;
}

} // namespace

void injection::arm(const call_site& at, int code, unsigned kth, lasting how) {
    armed.code = code;
    armed.first = kth;
    armed.once = how == lasting::once;
    armed.made = 0;
    armed.hits = 0;
    armed.site.store(&at, std::memory_order_release);
}
void injection::disarm() { armed.site.store(nullptr, std::memory_order_release); }
unsigned injection::hits() const { return armed.hits.load(); }

std::uint64_t calls_made(std::string_view function, std::uint64_t which) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < std::size(call_sites); ++i) {
        const call_site& s = call_sites[i];
        if (s.function == function && (which == call_site::any || s.which == which))
            sum += made[i].load();
    }
    return sum;
}
std::size_t mapped_bytes(backing of) {
    const std::lock_guard guard{mappings_lock};
    std::size_t sum = 0;
    for (const live_mapping& m : mappings)
        if (m.anonymous == (of == backing::anonymous)) sum += m.length;
    return sum;
}

} // namespace vmsig::test

// Both names of a function: the C library's, and the one that the linker sends calls to.
#define CALL(result, name, ...)                                                                    \
    extern "C" result real_##name(__VA_ARGS__) asm("__real_" #name);                               \
    extern "C" result wrapped_##name(__VA_ARGS__) asm("__wrap_" #name)

CALL(int, clock_gettime, clockid_t, timespec*);
CALL(int, close, int);
CALL(int, epoll_create1, int);
CALL(int, epoll_ctl, int, int, int, epoll_event*);
CALL(int, epoll_wait, int, epoll_event*, int, int);
CALL(int, eventfd, unsigned, int);
CALL(int, eventfd_read, int, eventfd_t*);
CALL(int, eventfd_write, int, eventfd_t);
CALL(int, fcntl, int, int, ...);
CALL(int, fstat, int, struct stat*);
CALL(int, ftruncate, int, off_t);
CALL(int, ioctl, int, unsigned long, ...);
CALL(off_t, lseek, int, off_t, int);
CALL(int, madvise, void*, size_t, int);
CALL(int, memfd_create, const char*, unsigned);
CALL(void*, mmap, void*, size_t, int, int, int, off_t);
CALL(int, munmap, void*, size_t);
CALL(int, open, const char*, int, ...);
CALL(int, pipe2, int*, int);
CALL(int, poll, pollfd*, nfds_t, int);
CALL(ssize_t, pread, int, void*, size_t, off_t);
CALL(int, pthread_create, pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
CALL(ssize_t, read, int, void*, size_t);
CALL(ssize_t, sendto, int, const void*, size_t, int, const sockaddr*, socklen_t);
CALL(int, socket, int, int, int);
CALL(int, timerfd_create, int, int);
CALL(int, timerfd_settime, int, int, const itimerspec*, itimerspec*);
CALL(ssize_t, write, int, const void*, size_t);

using vmsig::test::fails;

/// The one optional argument of open, fcntl and ioctl, as wide as any of theirs.
#define OPTIONAL(last)                                                                             \
    va_list rest;                                                                                  \
    va_start(rest, last);                                                                          \
    const auto argument = va_arg(rest, unsigned long);                                             \
    va_end(rest)

int wrapped_clock_gettime(clockid_t clock, timespec* out) {
    return fails("clock_gettime") ? -1 : real_clock_gettime(clock, out);
}
int wrapped_close(int fd) {
    const int closed = real_close(fd);
    return fails("close") ? -1 : closed;
}
int wrapped_epoll_create1(int flags) {
    return fails("epoll_create1") ? -1 : real_epoll_create1(flags);
}
int wrapped_epoll_ctl(int epoll, int operation, int fd, epoll_event* event) {
    const bool refused = fails("epoll_ctl", static_cast<std::uint64_t>(operation));
    return refused ? -1 : real_epoll_ctl(epoll, operation, fd, event);
}
int wrapped_epoll_wait(int epoll, epoll_event* out, int room, int timeout) {
    return fails("epoll_wait") ? -1 : real_epoll_wait(epoll, out, room, timeout);
}
int wrapped_eventfd(unsigned initial, int flags) {
    return fails("eventfd") ? -1 : real_eventfd(initial, flags);
}
int wrapped_eventfd_read(int fd, eventfd_t* value) {
    return fails("eventfd_read") ? -1 : real_eventfd_read(fd, value);
}
int wrapped_eventfd_write(int fd, eventfd_t value) {
    return fails("eventfd_write") ? -1 : real_eventfd_write(fd, value);
}
int wrapped_fcntl(int fd, int command, ...) {
    OPTIONAL(command);
    const bool refused = fails("fcntl", static_cast<std::uint64_t>(command));
    return refused ? -1 : real_fcntl(fd, command, argument);
}
int wrapped_fstat(int fd, struct stat* out) { return fails("fstat") ? -1 : real_fstat(fd, out); }
int wrapped_ftruncate(int fd, off_t length) {
    return fails("ftruncate") ? -1 : real_ftruncate(fd, length);
}
int wrapped_ioctl(int fd, unsigned long request, ...) {
    OPTIONAL(request);
    return fails("ioctl", request) ? -1 : real_ioctl(fd, request, argument);
}
off_t wrapped_lseek(int fd, off_t offset, int whence) {
    return fails("lseek") ? -1 : real_lseek(fd, offset, whence);
}
int wrapped_madvise(void* base, size_t length, int advice) {
    return fails("madvise") ? -1 : real_madvise(base, length, advice);
}
int wrapped_memfd_create(const char* name, unsigned flags) {
    return fails("memfd_create") ? -1 : real_memfd_create(name, flags);
}
void* wrapped_mmap(void* where, size_t length, int protection, int flags, int fd, off_t offset) {
    if (fails("mmap")) return MAP_FAILED;
    void* const base = real_mmap(where, length, protection, flags, fd, offset);
    if (base != MAP_FAILED)
        vmsig::test::note_mapping({}, {base, length, (flags & MAP_ANONYMOUS) != 0});
    return base;
}
int wrapped_munmap(void* base, size_t length) {
    if (fails("munmap")) return -1;
    vmsig::test::note_mapping({.base = base}, {});
    return real_munmap(base, length);
}
int wrapped_open(const char* path, int flags, ...) {
    OPTIONAL(flags);
    return fails("open") ? -1 : real_open(path, flags, argument);
}
int wrapped_pipe2(int* ends, int flags) { return fails("pipe2") ? -1 : real_pipe2(ends, flags); }
int wrapped_poll(pollfd* fds, nfds_t count, int timeout) {
    return fails("poll") ? -1 : real_poll(fds, count, timeout);
}
ssize_t wrapped_pread(int fd, void* into, size_t length, off_t offset) {
    return fails("pread") ? -1 : real_pread(fd, into, length, offset);
}
int wrapped_pthread_create(pthread_t* thread, const pthread_attr_t* how, void* (*body)(void*),
                           void* argument) {
    return fails("pthread_create") ? errno : real_pthread_create(thread, how, body, argument);
}
ssize_t wrapped_read(int fd, void* into, size_t length) {
    return fails("read") ? -1 : real_read(fd, into, length);
}
ssize_t wrapped_sendto(int fd, const void* bytes, size_t length, int flags, const sockaddr* to,
                       socklen_t size) {
    return fails("sendto") ? -1 : real_sendto(fd, bytes, length, flags, to, size);
}
int wrapped_socket(int domain, int type, int protocol) {
    return fails("socket") ? -1 : real_socket(domain, type, protocol);
}
int wrapped_timerfd_create(int clock, int flags) {
    return fails("timerfd_create") ? -1 : real_timerfd_create(clock, flags);
}
int wrapped_timerfd_settime(int fd, int flags, const itimerspec* value, itimerspec* old) {
    return fails("timerfd_settime") ? -1 : real_timerfd_settime(fd, flags, value, old);
}
ssize_t wrapped_write(int fd, const void* bytes, size_t length) {
    return fails("write") ? -1 : real_write(fd, bytes, length);
}
