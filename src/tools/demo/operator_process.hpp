// operator_process: this program once more, as the operator: started, killed if need be, and
// reaped.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "stage_link.hpp"

namespace demo {

class operator_process {
public:
    /// Starts it; it will find the bus at `socket`. Throws std::system_error.
    explicit operator_process(const std::string& socket);
    /// Whoever is still there is killed.
    ~operator_process();
    operator_process(const operator_process&) = delete;
    operator_process& operator=(const operator_process&) = delete;

    pid_t pid() const { return pid_; }
    stage_link& link() { return link_; }
    /// Whether it has ended; reaps it then.
    bool ended();
    /// Whether it had nothing to complain of, once it has ended.
    bool ended_well() const { return status_ == 0; }
    void kill();
    /// How it ended.
    std::string end() const;

private:
    void reap(int options);

    pid_t pid_ = 0;
    bool reaped_ = false;
    std::optional<int> status_; ///< as of waitpid
    stage_link link_;
};

/// What the other process does: `main` for `vmsig-demo --operator <socket>`.
int run_operator(const std::string& socket);

} // namespace demo
