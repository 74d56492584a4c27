// scripted_driver: what the suite of reactors needs besides a model of the manual reactor, whose
// script stands for descriptors and time.
#pragma once

#include <vmsig/reactor/manual_reactor.hpp>

namespace vmsig::test {

template <class Reactor>
class scripted_driver {
public:
    scripted_driver() = default;
    scripted_driver(scripted_driver&&) = delete;
    Reactor& reactor() { return reactor_; }
    int open() { return next_fd_++; }
    void make_readable(int fd) { reactor_.make_ready(fd, interest::read); }
    void make_unreadable(int fd) { reactor_.clear_ready(fd, interest::read); }
    void hang_up(int fd) { reactor_.make_ready(fd, interest::hangup); }
    void pass(duration length) { reactor_.advance(length); }
    bool readable() { return reactor_.readable(); }

private:
    struct advancing : Reactor {
        advancing() { this->auto_advance(true); }
    };
    advancing reactor_;
    int next_fd_ = 100;
};

} // namespace vmsig::test
