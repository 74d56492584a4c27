// Rule: no cost of an event, a command, a lease, an epoch or a turn grows with a limit that is not
// used. Counted in instructions, one by one, in a child that is traced: no clock is asked,
// not even by the core, for reading it is a loop that ticks of the kernel make longer.
#include "harness.hpp"

#include <csignal>

#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vmsig/reactor/epoll_reactor.hpp>

using namespace vmsig;
using namespace vmsig::test;

namespace {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define VMSIG_TEST_SANITIZED
#endif
#endif
#if defined(VMSIG_TEST_SANITIZED) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

struct least : default_limits {
    static constexpr std::uint16_t endpoints = 1;
    static constexpr std::uint16_t adapters = 2;
    static constexpr std::uint16_t watches_per_adapter = 1;
    static constexpr std::uint16_t controls = 1;
    static constexpr std::uint16_t commands_per_control = 64;
    static constexpr std::uint16_t host_watches = 1;
    static constexpr std::uint16_t posts = 4;
    static constexpr std::uint16_t waiters_per_cell = 1;
    static constexpr std::uint16_t deferred_events = 32;
    static constexpr std::uint16_t payload_blocks = 1;
    static constexpr std::uint32_t payload_bytes = 64;
};
struct most : default_limits {
    static constexpr std::uint16_t deferred_events = 4096;
    static constexpr std::uint16_t posts = 16384;
    static constexpr std::uint16_t payload_blocks = 1024;
    static constexpr std::uint32_t payload_bytes = 64 * 1024;
};
struct no_clock : linux_calls {
    static int clock_gettime(clockid_t, timespec* out) noexcept {
        static long calls = 0;
        *out = {1, ++calls};
        return 0;
    }
};
template <class Limits>
struct limited : default_traits {
    using reactor = epoll_reactor<no_clock>;
    using limits = Limits;
};

/// What is counted, each by itself.
const char* const deeds[] = {"an event", "a command", "a lease", "an epoch", "an idle turn"};
constexpr std::size_t deed_count = 5;

/// In the child: all is set up and warm, and each deed is done between two signals.
template <class Limits>
[[noreturn]] void act() {
    bench<limited<Limits>> w;
    machine m;
    agent a;
    w.bus.attach_adapter(m, w.vm);
    const lease keys = w.own(a, lease_class::input);
    a.log.reserve(4096);
    m.executed.reserve(4096);
    const auto deed = [&](std::size_t n) {
        if (n == 0) m.bus.emit(console_output{});
        if (n == 1) (void)a.bus.submit(press(keys, KEY_A));
        if (n == 2) a.bus.release(a.bus.acquire(w.vm, lease_class::power).lease);
        if (n == 3) m.bus.emit(lifecycle{transition::reset, cause::guest, {}, 0});
        while (w.bus.dispatch()) {}
    };
    for (std::size_t n = 0; n < 2 * deed_count; ++n) deed(n % deed_count);
    for (std::size_t n = 0; n < deed_count; ++n) {
        ::raise(SIGSTOP);
        deed(n);
        ::raise(SIGUSR1);
    }
    ::_exit(0);
}

/// Instructions of each deed; nothing where nobody may trace.
template <class Limits>
std::vector<long> instructions() {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(1);
        act<Limits>();
    }
    std::vector<long> counted;
    int status = 0;
    const auto go_on = [&](bool step) {
        return ::ptrace(step ? PTRACE_SINGLESTEP : PTRACE_CONT, child, nullptr, nullptr) == 0 &&
               ::waitpid(child, &status, 0) == child && WIFSTOPPED(status);
    };
    bool there = ::waitpid(child, &status, 0) == child && WIFSTOPPED(status);
    while (there && WSTOPSIG(status) == SIGSTOP) {
        long n = 0;
        while ((there = go_on(true)) && WSTOPSIG(status) == SIGTRAP) ++n;
        if (!there || WSTOPSIG(status) != SIGUSR1) break;
        counted.push_back(n);
        there = go_on(false);
    }
    if (!WIFEXITED(status)) {
        ::kill(child, SIGKILL);
        ::waitpid(child, &status, 0);
    }
    return counted;
}

} // namespace

TEST_CASE("what is done for an event, a command, a lease and a turn is the same for any limits") {
    if (sanitized) VMSIG_SKIP("a sanitizer counts for itself");
    const std::vector<long> few = instructions<least>();
    const std::vector<long> many = instructions<most>();
    if (few.empty() || many.empty()) VMSIG_SKIP("nothing may be traced here");
    REQUIRE(few.size() == deed_count);
    REQUIRE(many.size() == deed_count);
    for (std::size_t n = 0; n < deed_count; ++n) {
        INFO(deeds[n] << ": " << few[n] << " and " << many[n] << " instructions");
        CHECK(few[n] > 100);
        // Another constant may be folded in another way; a loop over a limit is far beyond that.
        CHECK(many[n] <= few[n] + few[n] / 50 + 40);
    }
}
