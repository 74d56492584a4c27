// same_process: whether this is the process that made something, or a forked child with a copy of
// it. What the two share, a connection or a path, is for the parent to end.
#pragma once

#include <sys/types.h>
#include <unistd.h>

namespace vmsig {

class same_process {
public:
    explicit operator bool() const { return ::getpid() == maker_; }

private:
    pid_t maker_ = ::getpid();
};

} // namespace vmsig
