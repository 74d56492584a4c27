// lease_watch: holds a lease while time passes, a signal has not come, or a command runs.
#pragma once

#include <optional>

#include <sys/types.h>

#include "lease_hold.hpp"

namespace ctl {

class lease_watch {
public:
    /// From now on the signals that end a program are for this object.
    lease_watch();
    ~lease_watch();
    lease_watch(const lease_watch&) = delete;
    lease_watch& operator=(const lease_watch&) = delete;

    vmsig::duration at_most{};      ///< 0: until a signal
    vmsig::duration time_to_live{}; ///< renewed at its half; 0: it needs no renewal
    std::vector<std::string> argv;  ///< what to run meanwhile; may be empty

    /// The code to exit with. Throws `trouble` when the lease is lost.
    int run(connection& bus, const machine& m, const lease_hold& hold);

private:
    void start(const machine& m, const vmsig::lease& l);
    bool signals_ended();
    void end_child();
    void look(const vmsig::event& e, const machine& m, const vmsig::lease& l);
    vmsig::instant next_look() const;

    vmsig::unique_fd signals_;
    pid_t child_ = 0;
    int code_ = 0;
    vmsig::instant until_, renew_;
    std::optional<std::string> lost_;
};

} // namespace ctl
