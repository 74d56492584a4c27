// fd_trials: what somebody would try with a descriptor of guest RAM that he should only read.
#pragma once

namespace demo {

struct fd_trials {
    bool write_refused = false;
    bool mapping_refused = false;
    bool truncation_refused = false;
    bool reopened_write_refused = false;

    bool all() const {
        return write_refused && mapping_refused && truncation_refused && reopened_write_refused;
    }
};

/// Tries each; borrows `fd`. Harmless: should one succeed, it writes back what was there.
fd_trials try_to_write(int fd);

} // namespace demo
