// Rule: an event goes to the controls on the loop thread by a call: no system call, no allocation;
// and a turn of a host's own loop makes no call that could wait.
#include "harness.hpp"

#include <csignal>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <support/alloc_guard.hpp>

using namespace vmsig;
using namespace vmsig::test;

namespace {

#ifdef SYS_epoll_wait
constexpr long epoll_wait_number = SYS_epoll_wait;
#else
constexpr long epoll_wait_number = SYS_epoll_pwait;
#endif

/// System calls of the reactor.
std::uint64_t calls = 0;

struct counted_calls : linux_calls {
    static int epoll_ctl(int e, int op, int fd, epoll_event* ev) noexcept {
        ++calls;
        return linux_calls::epoll_ctl(e, op, fd, ev);
    }
    static int epoll_wait(int e, epoll_event* out, int room, int timeout_ms) noexcept {
        ++calls;
        return linux_calls::epoll_wait(e, out, room, timeout_ms);
    }
    static int timerfd_settime(int fd, int flags, const itimerspec* value) noexcept {
        ++calls;
        return linux_calls::timerfd_settime(fd, flags, value);
    }
    static ssize_t write(int fd, const void* from, std::size_t size) noexcept {
        ++calls;
        return linux_calls::write(fd, from, size);
    }
    static int clock_gettime(clockid_t clock, timespec* out) noexcept {
        ++calls;
        return linux_calls::clock_gettime(clock, out);
    }
};
struct metered_traits : test_traits {
    using reactor = epoll_reactor<counted_calls>;
};

struct counting {
    std::uint64_t events = 0;
    control_handle bus;
    counting() = default;
    counting(counting&&) = delete;
    ~counting() { bus.detach(); }
    void on_event(const event&, control_handle) { ++events; }
};

/// Three controls, one sensor with a descriptor that is ready when the test says so.
struct busy : bench<metered_traits> {
    counting c[3];
    sensor s;
    unique_fd bell{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    int each_time = 0;
    busy() {
        for (counting& one : c) one.bus = bus.attach(one, full(vm));
        bus.attach_adapter(s, vm);
        REQUIRE(s.bus.watch(bell.get(), interest::read, cookie{}).has_value());
        s.when_ready = [this](cookie, adapter_handle) {
            std::uint64_t rung = 0;
            (void)!::read(bell.get(), &rung, sizeof rung);
            emit(each_time);
        };
        settle();
    }
    void emit(int n) {
        for (int i = 0; i < n; ++i) s.bus.emit(console_output{});
    }
    void ring() {
        const std::uint64_t one = 1;
        REQUIRE(::write(bell.get(), &one, sizeof one) == sizeof one);
    }
    std::uint64_t events() const { return c[0].events + c[1].events + c[2].events; }
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true; // its runtime makes system calls of its own
#elif defined(__has_feature)
constexpr bool sanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool sanitized = false;
#endif

constexpr int no_filter = 99;

/// From here on the kernel kills this process at the first system call but exit_group, those in
/// `allowed`, and, if there are such, an epoll_wait that does not wait.
void enter_jail(std::initializer_list<long> allowed) {
    const auto load = [](std::size_t at) {
        return sock_filter{BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<std::uint32_t>(at)};
    };
    const auto unless = [](long value, std::uint8_t skip) {
        return sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 0, skip, static_cast<std::uint32_t>(value)};
    };
    const auto answer = [](std::uint32_t value) {
        return sock_filter{BPF_RET | BPF_K, 0, 0, value};
    };
    std::vector<sock_filter> rules{load(offsetof(seccomp_data, nr)), unless(SYS_exit_group, 1),
                                   answer(SECCOMP_RET_ALLOW)};
    for (const long number : allowed) {
        rules.push_back(unless(number, 1));
        rules.push_back(answer(SECCOMP_RET_ALLOW));
    }
    for (const long number : {epoll_wait_number, long{SYS_epoll_pwait}}) {
        if (allowed.size() == 0) break;
        rules.push_back(unless(number, 3));
        rules.push_back(load(offsetof(seccomp_data, args) + 3 * sizeof(std::uint64_t)));
        rules.push_back(unless(0, 1));
        rules.push_back(answer(SECCOMP_RET_ALLOW));
        rules.push_back(load(offsetof(seccomp_data, nr)));
    }
    rules.push_back(answer(SECCOMP_RET_KILL_PROCESS));
    const sock_fprog program{static_cast<unsigned short>(rules.size()), rules.data()};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        ::_exit(no_filter);
}
/// How a child ended that did `f`, which says whether it was content. A core of the parent's is
/// inert there: it makes its own, and never destroys it.
template <class F>
int child_status(F&& f) {
    const pid_t child = ::fork();
    if (child == 0) {
        try {
            ::_exit(f() ? 0 : 1);
        } catch (...) {
            ::_exit(2);
        }
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return status;
}
bool ended_well(int status) { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }
bool killed(int status) { return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS; }
bool not_filtered(int status) { return WIFEXITED(status) && WEXITSTATUS(status) == no_filter; }

/// What the loop does, and the test's own devices to allocate and to read their bell.
void enter_loop_jail() {
    enter_jail({SYS_epoll_ctl, SYS_write, SYS_timerfd_settime, SYS_clock_gettime, SYS_read,
                SYS_pread64, SYS_openat, SYS_fcntl, SYS_fstat, SYS_newfstatat, SYS_close,
                SYS_memfd_create, SYS_ftruncate, SYS_brk, SYS_mmap, SYS_munmap, SYS_madvise});
}

/// A little of everything.
struct worked : busy {
    agent a, b;
    machine m;
    worked() {
        m.republishes = true;
        bus.attach_adapter(m, vm);
        join(a, full(vm));
        join(b, full(vm, 9));
        REQUIRE(m.bus.publish(bus.epoch_of(vm)));
        settle();
    }
    bool work() {
        const auto keys = a.bus.acquire(vm, lease_class::input);
        const auto pressed = a.bus.submit(press(keys.lease, KEY_A).within(seconds(60)));
        const auto held = a.bus.submit(press(keys.lease, KEY_B).hold(duration{1}));
        const auto read = a.bus.submit(read_memory(vm, {0, 0}, 64));
        const bool exported = a.bus.memctx(vm).has_value();
        each_time = 10;
        ring();
        for (int turns = 0; turns < 100; ++turns) bus.dispatch();
        const auto taken = b.bus.acquire(vm, lease_class::input);
        s.happened(transition::reset);
        for (int turns = 0; turns < 100; ++turns) bus.dispatch();
        return exported && taken && a.outcome_of(pressed.id) == outcome::done &&
               a.outcome_of(held.id) == outcome::done && a.outcome_of(read.id) == outcome::done &&
               m.released.size() == 1;
    }
};

} // namespace

TEST_CASE("a direct delivery makes no system call of the reactor and allocates nothing") {
    busy w;
    const std::uint64_t before = calls, events = w.events();
    const auto allocated = allocations_in([&] { w.emit(1000); });
    CHECK(calls == before);
    CHECK(allocated == 0);
    CHECK(w.events() - events == 3000);
}

TEST_CASE("in a turn the number of system calls does not depend on how much is emitted") {
    busy w;
    std::vector<std::uint64_t> made;
    for (const int n : {0, 1, 1000}) {
        w.each_time = n;
        w.ring();
        const std::uint64_t before = calls, events = w.events();
        w.bus.dispatch();
        made.push_back(calls - before);
        CHECK(w.events() - events == 3u * static_cast<unsigned>(n));
    }
    CHECK(made[0] > 0);
    CHECK(made[1] == made[0]);
    CHECK(made[2] == made[0]);
}

TEST_CASE("a direct delivery makes no system call at all") {
    if (sanitized) VMSIG_SKIP("a sanitizer makes system calls");
    const int caught = child_status([] {
        enter_jail({});
        return ::getppid() != 0;
    });
    if (not_filtered(caught)) VMSIG_SKIP("the kernel takes no filter");
    REQUIRE(killed(caught));
    const int status = child_status([] {
        busy& w = *new busy;
        const std::uint64_t before = w.events();
        enter_jail({});
        w.emit(1000);
        return w.events() - before == 3000;
    });
    CHECK(ended_well(status));
}

TEST_CASE("the turns of a host's own loop make no call that could wait") {
    if (sanitized) VMSIG_SKIP("a sanitizer makes system calls");
    const int caught = child_status([] {
        worked& w = *new worked;
        enter_loop_jail();
        w.bus.run(); // which does
        return true;
    });
    if (not_filtered(caught)) VMSIG_SKIP("the kernel takes no filter");
    REQUIRE(killed(caught));
    const int status = child_status([] {
        worked& w = *new worked;
        enter_loop_jail();
        return w.work();
    });
    CHECK(ended_well(status));
}
