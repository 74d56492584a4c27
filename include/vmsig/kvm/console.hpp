// console: the sensor of a machine's serial port: what the guest prints comes as events. So many
// per call; a guest that floods has the rest wait for the next turn.
#pragma once

#include <vmsig/adapter/adapter.hpp>
#include <vmsig/base/unique_fd.hpp>
#include <vmsig/kvm/vm.hpp>

namespace vmsig::kvm {

class console_adapter {
public:
    static constexpr roles serves = role::console;

    /// Throws std::system_error.
    explicit console_adapter(vm& machine);

    void on_attach(adapter_handle bus);
    void on_ready(cookie, adapter_handle bus);
    void on_detached() { bus_ = {}; }

    /// There may be output: emits it.
    void drain();

    adapter_handle line() const { return bus_; }

private:
    vm& vm_;
    adapter_handle bus_;
    unique_fd more_; ///< readable when a call ended before the output did
};

} // namespace vmsig::kvm
