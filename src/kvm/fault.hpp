// system_fault: how set-up ends early. It keeps the os_error that std::system_error would flatten.
#pragma once

#include <system_error>

#include <vmsig/base/os_error.hpp>

namespace vmsig::kvm {

class system_fault : public std::system_error {
public:
    explicit system_fault(os_error error)
        : std::system_error{error.code, std::generic_category(), error.operation}
        , error_{error} {}
    os_error error() const { return error_; }

private:
    os_error error_;
};

/// The result of a system call, or a fault with its errno.
inline int checked(int result, const char* operation) {
    if (result < 0) throw system_fault{os_error::last(operation)};
    return result;
}

} // namespace vmsig::kvm
