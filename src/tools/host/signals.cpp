// signals: a signalfd.
#include "signals.hpp"

#include <cerrno>
#include <csignal>
#include <system_error>

#include <sys/signalfd.h>
#include <unistd.h>

namespace host {

vmsig::unique_fd signal_descriptor() {
    sigset_t ours;
    sigemptyset(&ours);
    for (const int s : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&ours, s);
    std::signal(SIGPIPE, SIG_IGN);
    vmsig::unique_fd fd;
    if (::pthread_sigmask(SIG_BLOCK, &ours, nullptr) == 0)
        fd.reset(::signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!fd) throw std::system_error{errno, std::generic_category(), "signalfd"};
    return fd;
}

void read_signals(int descriptor, wishes& into) noexcept {
    signalfd_siginfo s{};
    while (::read(descriptor, &s, sizeof s) == sizeof s) {
        if (s.ssi_signo == SIGHUP)
            into.reload = true;
        else
            into.stop = true;
    }
}

} // namespace host
