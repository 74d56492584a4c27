// A machine takes its descriptors, threads and signals with it, whatever it was doing.
#include <vmsig/kvm/vm.hpp>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <list>
#include <string>

#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "machine.hpp"
#include "support/fd_count.hpp"

using namespace vmsig;
using kvm::status_kind;
using test::machine;

namespace {

int thread_count() {
    int count = 0;
    for ([[maybe_unused]] const auto& task : std::filesystem::directory_iterator{"/proc/self/task"})
        ++count;
    return count;
}

/// The kernel's helpers of a machine may be seen for an instant after it is gone.
bool thread_count_falls_to(int count) {
    for (int i = 0; i < 2000; ++i) {
        if (thread_count() <= count) return true;
        ::poll(nullptr, 0, 5);
    }
    return false;
}

bool maps_ram() {
    std::ifstream maps{"/proc/self/maps"};
    for (std::string line; std::getline(maps, line);)
        if (line.find("memfd:vmsig-kvm") != std::string::npos) return true;
    return false;
}

volatile std::sig_atomic_t handled_elsewhere = 0;
pid_t main_thread = 0;
void note_thread(int) {
    if (::gettid() != main_thread) handled_elsewhere = 1;
}

} // namespace

TEST_CASE("sixteen machines at once") {
    VMSIG_NEEDS_KVM();
    std::list<machine> all;
    for (int i = 0; i < 16; ++i) CHECK(all.emplace_back().vm.start());
    std::uint64_t n = 100;
    for (machine& m : all) REQUIRE(m.ready(1));
    for (machine& m : all) REQUIRE(m.mail(++n));
    n = 100;
    for (machine& m : all) CHECK(m.acknowledged(++n));
}

TEST_CASE("fifty machines one after the other leave nothing behind") {
    VMSIG_NEEDS_KVM();
    const int fds = test::open_fd_count();
    const int threads = thread_count();
    for (int i = 0; i < 50; ++i) {
        machine m;
        switch (i % 5) {
        case 0: break; // never started
        case 1: CHECK(m.vm.start()); break;
        case 2: REQUIRE(m.boot()); break;
        case 3:
            REQUIRE(m.boot());
            REQUIRE(m.pause());
            break;
        case 4:
            REQUIRE(m.boot());
            m.proceed_at_once = false;
            REQUIRE(m.after([&] { m.mail(VMSIG_GUEST_RESET); }, status_kind::reset_requested));
            break;
        }
    }
    CHECK(test::open_fd_count() == fds);
    CHECK(thread_count_falls_to(threads));
}

TEST_CASE("a machine that cannot be made leaves nothing behind") {
    VMSIG_NEEDS_KVM();
    const int fds = test::open_fd_count();
    const int threads = thread_count();
    CHECK_FALSE(kvm::vm::create({.low_ram = 1}));
    CHECK(test::open_fd_count() == fds);
    CHECK(thread_count_falls_to(threads));
}

TEST_CASE("a machine can be moved, also over a running one") {
    VMSIG_NEEDS_KVM();
    machine a, b;
    REQUIRE(a.boot());
    REQUIRE(b.boot());
    a.vm = std::move(b.vm);
    REQUIRE(a.mail(5));
    CHECK(a.acknowledged(5));
}

TEST_CASE("a busy guest can be ended") {
    VMSIG_NEEDS_KVM();
    machine m;
    REQUIRE(m.boot());
    REQUIRE(m.mail(VMSIG_GUEST_SET_MODE | VMSIG_GUEST_MODE_BUSY));
    CHECK(m.acknowledged(VMSIG_GUEST_SET_MODE | VMSIG_GUEST_MODE_BUSY));
}

TEST_CASE("no signal disposition is changed and no handler runs on the machine's thread") {
    VMSIG_NEEDS_KVM();
    struct sigaction mine {
    }, kept{};
    mine.sa_handler = note_thread;
    main_thread = ::gettid();
    for (const int signal : {SIGALRM, SIGSTKFLT}) REQUIRE(::sigaction(signal, &mine, &kept) == 0);
    const itimerval often{{0, 500}, {0, 500}}, never{};
    ::setitimer(ITIMER_REAL, &often, nullptr);
    {
        machine m;
        REQUIRE(m.boot());
        for (int i = 0; i < 50; ++i) {
            REQUIRE(m.pause());
            m.vm.request_resume();
        }
        REQUIRE(m.mail(9));
        CHECK(m.acknowledged(9));
    }
    ::setitimer(ITIMER_REAL, &never, nullptr);
    CHECK(handled_elsewhere == 0);
    struct sigaction now {};
    ::sigaction(SIGSTKFLT, nullptr, &now);
    CHECK(now.sa_handler == note_thread);
    for (const int signal : {SIGALRM, SIGSTKFLT}) ::signal(signal, SIG_DFL);
}

TEST_CASE("a stray kick signal to the process does not make the machine spin") {
    VMSIG_NEEDS_KVM();
    machine m;
    REQUIRE(m.boot());
    sigset_t kick, before;
    ::sigemptyset(&kick);
    ::sigaddset(&kick, SIGSTKFLT);
    ::sigprocmask(SIG_BLOCK, &kick, &before); // only the vCPU's thread can be interrupted by it
    ::kill(::getpid(), SIGSTKFLT);
    REQUIRE(m.mail(3));
    CHECK(m.acknowledged(3));
    sigset_t pending;
    CHECK(
        m.wait([&] { return ::sigpending(&pending) == 0 && !::sigismember(&pending, SIGSTKFLT); }));
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
}

TEST_CASE("a forked child's copy is inert") {
    VMSIG_NEEDS_KVM();
    auto m = std::make_unique<machine>();
    REQUIRE(m->boot());
    REQUIRE(m->pause());
    m->vm.request_resume();
    REQUIRE(maps_ram());
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        m.reset();
        ::_exit(maps_ram() ? 1 : 0);
    }
    int status = -1;
    CHECK(m->wait([&] { return ::waitpid(child, &status, WNOHANG) == child; }));
    CHECK(status == 0);
    REQUIRE(m->mail(4));
    CHECK(m->acknowledged(4));
}
