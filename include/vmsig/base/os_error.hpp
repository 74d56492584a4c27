// os_error: a fault of the system, with the call that met it. Conditions that a caller decides on
// are small enums of their own, never this.
#pragma once

#include <cerrno>

namespace vmsig {

struct os_error {
    int code = 0;               ///< errno
    const char* operation = ""; ///< the system call, a string literal

    /// errno of the call that has just failed.
    static os_error last(const char* operation) { return {errno, operation}; }
    friend constexpr bool operator==(const os_error& a, const os_error& b) {
        return a.code == b.code;
    }
};

} // namespace vmsig
