// Rule: signals in any number lose nothing and change no result, whether system calls are restarted
// after them or not; and the library installs no handler of its own.
#include <array>
#include <csignal>

#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "workload.hpp"

#include <support/sanitizers.hpp>

using namespace vmsig::test;

namespace {

std::atomic<std::uint64_t> handled{0};
std::atomic<std::uint64_t> children_over{0};

void count(int) { ++handled; }
void reap(int) {
    const int interrupted = errno;
    ++handled;
    while (::waitpid(-1, nullptr, WNOHANG) > 0) ++children_over;
    errno = interrupted;
}

struct disposition {
    void (*handler)(int) = nullptr;
    int flags = 0;
    bool operator==(const disposition&) const = default;
};
/// Of each signal that a process can handle.
std::array<disposition, 65> dispositions() {
    std::array<disposition, 65> all{};
    for (int n = 1; n <= 64; ++n) {
        struct sigaction is {};
        if (::sigaction(n, nullptr, &is) == 0)
            all[static_cast<unsigned>(n)] = {is.sa_handler, is.sa_flags};
    }
    return all;
}

/// A handler of the host's, until the end of the scope.
class handling {
public:
    handling(int number, void (*f)(int), int flags)
        : number_{number} {
        struct sigaction how {};
        how.sa_handler = f;
        how.sa_flags = flags;
        ::sigemptyset(&how.sa_mask);
        REQUIRE(::sigaction(number, &how, &before_) == 0);
    }
    handling(const handling&) = delete;
    ~handling() { ::sigaction(number_, &before_, nullptr); }

private:
    int number_;
    struct sigaction before_ {};
};

/// SIGALRM, 10,000 times a second.
struct alarm_storm {
    alarm_storm() { set({0, 100}); }
    alarm_storm(const alarm_storm&) = delete;
    ~alarm_storm() { set({0, 0}); }
    static void set(timeval every) {
        const itimerval t{every, every};
        ::setitimer(ITIMER_REAL, &t, nullptr);
    }
};

/// A process that sends its parent volleys of signals for as long as it lives. Between two of them
/// there is time for a fork, which the kernel begins anew when a signal comes.
class pest {
public:
    explicit pest(std::array<int, 3> numbers)
        : child_{::fork()} {
        if (child_ != 0) return;
        const pid_t victim = ::getppid();
        for (unsigned i = 0; ::getppid() == victim; ++i) {
            ::kill(victim, numbers[i % 3]);
            if (i % 64 == 63) ::usleep(3'000);
        }
        ::_exit(0);
    }
    pest(const pest&) = delete;
    ~pest() {
        ::kill(child_, SIGKILL);
        while (::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {}
    }

private:
    pid_t child_;
};

void fork_one() {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
}

} // namespace

TEST_CASE("the library installs no signal handler and changes none") {
    const handling mine{SIGUSR2, count, SA_RESTART};
    const auto before = dispositions();
    {
        workload w;
        CHECK(dispositions() == before);
        w.post_from_beside(100);
        w.run(20);
        CHECK(dispositions() == before);
        w.dispatch(20);
        w.check_all();
    }
    CHECK(dispositions() == before);
}

TEST_CASE("an alarm 10,000 times a second changes no result") {
    const int flags = GENERATE(0, +SA_RESTART);
    const bool own_loop = GENERATE(true, false);
    const std::uint64_t before = handled;
    const handling mine{SIGALRM, count, flags};
    workload w;
    w.post_from_beside(2'000);
    {
        const alarm_storm storm;
        for (int part = 0; part < 50 || handled - before < 100; ++part)
            own_loop ? w.run(5) : w.dispatch(5);
    }
    w.check_all();
    CHECK(handled - before >= 100);
}

TEST_CASE("children that die, broken pipes and a flood of signals change no result") {
    if (VMSIG_TEST_TSAN) VMSIG_SKIP("ThreadSanitizer of clang 14 fails when a signal meets a fork");
    const int flags = GENERATE(0, +SA_RESTART);
    const bool own_loop = GENERATE(true, false);
    const std::uint64_t before = handled;
    const handling child{SIGCHLD, reap, flags};
    const handling pipe{SIGPIPE, count, flags};
    const handling user{SIGUSR1, count, flags};
    std::uint64_t over = 0;
    {
        const pest sends{{SIGCHLD, SIGPIPE, SIGUSR1}};
        const std::uint64_t dead = children_over;
        workload w;
        w.drives.after_round = fork_one; // in the middle of a turn
        w.post_from_beside(2'000);
        for (int part = 0; part < 10 || handled - before < 100; ++part)
            own_loop ? w.run(5) : w.dispatch(5);
        w.check_all();
        over = children_over - dead;
    }
    CHECK(handled - before >= 100);
    CHECK(over > 0);
}
