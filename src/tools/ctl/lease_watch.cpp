#include "lease_watch.hpp"

#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include <vmsig/audit/names.hpp>

#include "trouble.hpp"
#include "values.hpp"

using namespace vmsig;

namespace ctl {

namespace {

::sigset_t watched() {
    ::sigset_t s;
    ::sigemptyset(&s);
    for (const int n : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) ::sigaddset(&s, n);
    return s;
}

/// As a shell says it.
int code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

} // namespace

lease_watch::lease_watch() {
    const ::sigset_t s = watched();
    ::sigprocmask(SIG_BLOCK, &s, nullptr);
    signals_.reset(::signalfd(-1, &s, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals_) throw trouble{failed, fmt::format("signalfd: {}", std::strerror(errno))};
}

lease_watch::~lease_watch() {
    const ::sigset_t s = watched();
    ::sigprocmask(SIG_UNBLOCK, &s, nullptr);
}

void lease_watch::start(const machine& m, const lease& l) {
    ::setenv("VMSIG_ENDPOINT", m.name.c_str(), 1);
    ::setenv("VMSIG_LEASE_SERIAL", std::to_string(l.serial.value).c_str(), 1);
    std::vector<char*> words;
    for (std::string& each : argv) words.push_back(each.data());
    words.push_back(nullptr);
    ::posix_spawnattr_t how;
    ::posix_spawnattr_init(&how);
    ::sigset_t none;
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&how, &none);
    ::posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK);
    const int why = ::posix_spawnp(&child_, words[0], nullptr, &how, words.data(), environ);
    ::posix_spawnattr_destroy(&how);
    if (why == 0) return;
    child_ = 0;
    throw trouble{why == ENOENT ? 127 : 126, fmt::format("{}: {}", argv[0], std::strerror(why))};
}

/// Whether it is over. Who watches a command leaves SIGINT to it: the terminal has told it too.
bool lease_watch::signals_ended() {
    ::signalfd_siginfo s;
    bool over = false;
    while (::read(signals_.get(), &s, sizeof s) == static_cast<ssize_t>(sizeof s)) {
        const int n = static_cast<int>(s.ssi_signo);
        if (n != SIGCHLD && child_ == 0) over = true;
        if (n == SIGCHLD || n == SIGINT || child_ == 0) continue;
        ::kill(child_, n);
    }
    int status = 0;
    if (child_ != 0 && ::waitpid(child_, &status, WNOHANG) == child_) {
        code_ = code_of(status);
        child_ = 0;
        over = true;
    }
    return over;
}

void lease_watch::end_child() {
    if (child_ == 0) return;
    ::kill(child_, SIGTERM);
    int status = 0;
    while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) {}
    code_ = code_of(status);
    child_ = 0;
}

void lease_watch::look(const event& e, const machine& m, const lease& l) {
    const auto* lost = e.as<lease_lost>();
    if (lost && lost->serial == l.serial && lost->lease_class == l.lease_class &&
        e.endpoint == m.id)
        lost_ = name_of(lost->why);
    if (e.is(kind::endpoint_removed) && e.endpoint == m.id)
        lost_ = name_of(lease_end::endpoint_gone);
    const auto* asked = e.as<lease_asked>();
    if (asked && asked->serial == l.serial && e.endpoint == m.id)
        fmt::print(stderr, "vmsigctl: {}: somebody asks for the lease, and has it in {}\n", m.name,
                   text_of(std::max(duration{}, e.deadline - connection::now())));
}

instant lease_watch::next_look() const { return std::min(until_, renew_); }

int lease_watch::run(connection& bus, const machine& m, const lease_hold& hold) {
    const lease& l = hold.lease();
    const duration half{time_to_live.ns / 2};
    until_ = at_most ? connection::now() + at_most : instant::never();
    renew_ = time_to_live ? connection::now() + half : instant::never();
    if (!argv.empty()) start(m, l);
    try {
        while (!signals_ended()) {
            const instant now = connection::now();
            if (now >= until_) break;
            if (now >= renew_) {
                const refusal r = bus.client().renew(l, time_to_live);
                bus.check();
                if (r == refusal::none)
                    renew_ = now + half;
                else
                    renew_ = instant::never(); // its loss is on the way
            }
            while (const event* e = bus.next({})) look(*e, m, l);
            if (lost_) break;
            ::pollfd p[] = {{bus.client().fd(), POLLIN, 0}, {signals_.get(), POLLIN, 0}};
            const std::int64_t left = (next_look() - connection::now()).ns / 1'000'000 + 1;
            ::poll(p, 2, static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000)));
        }
    } catch (...) {
        end_child();
        throw;
    }
    end_child();
    if (!lost_) return code_;
    throw trouble{
        held, fmt::format("{}: the {} lease was lost: {}", m.name, name_of(l.lease_class), *lost_),
        fmt::format("`vmsigctl audit {}` tells who and when", escaped(m.name))};
}

} // namespace ctl
