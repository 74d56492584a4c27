// operator_process: fork, exec, wait.
#include "operator_process.hpp"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include <fmt/format.h>

namespace demo {
namespace {

void must(int error, const char* operation) {
    if (error != 0) throw std::system_error{error, std::generic_category(), operation};
}

/// Every descriptor of the host closes at exec but the link's, which gets the number agreed upon.
pid_t start(const std::string& socket, int link) {
    posix_spawn_file_actions_t actions;
    must(::posix_spawn_file_actions_init(&actions), "posix_spawn_file_actions_init");
    int error = ::posix_spawn_file_actions_adddup2(&actions, link, operators_end);
    std::string name = "vmsig-demo", option = "--operator", path = socket;
    const std::array<char*, 4> arguments{name.data(), option.data(), path.data(), nullptr};
    pid_t pid = 0;
    if (error == 0)
        error = ::posix_spawn(&pid, "/proc/self/exe", &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    must(error, "posix_spawn");
    return pid;
}

} // namespace

operator_process::operator_process(const std::string& socket)
    : link_{vmsig::unique_fd{}} {
    ::signal(SIGCHLD, SIG_DFL); // whoever ignores it can not learn how a child ended
    auto [ours, theirs] = stage_link::pair();
    pid_ = start(socket, theirs.get());
    link_ = stage_link{std::move(ours)};
}

operator_process::~operator_process() { kill(); }

void operator_process::reap(int options) {
    if (reaped_) return;
    int status = 0;
    const pid_t got = ::waitpid(pid_, &status, options);
    if (got == pid_) status_ = status;
    reaped_ = got == pid_ || (got < 0 && errno == ECHILD); // ECHILD: somebody else has seen its end
}

bool operator_process::ended() {
    reap(WNOHANG);
    return reaped_;
}

void operator_process::kill() {
    if (ended()) return;
    ::kill(pid_, SIGKILL);
    while (!reaped_) reap(0);
}

std::string operator_process::end() const {
    if (!status_) return "nobody knows how";
    return WIFSIGNALED(*status_) ? fmt::format("killed by signal {}", WTERMSIG(*status_))
                                 : fmt::format("exit code {}", WEXITSTATUS(*status_));
}

} // namespace demo
