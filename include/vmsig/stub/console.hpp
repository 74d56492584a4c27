// console: the sensor of a stub machine's serial port: what the guest prints comes as events.
#pragma once

#include <vmsig/adapter/adapter.hpp>
#include <vmsig/stub/vm.hpp>

namespace vmsig::stub {

class console_adapter {
public:
    static constexpr roles serves = role::console;

    explicit console_adapter(vm& machine)
        : vm_{machine} {}

    void on_attach(adapter_handle bus) {
        vm_.lines.console = bus;
        vm_.script.enter(device::console, hook::on_attach);
    }
    void on_detached() {
        vm_.lines.console = {};
        vm_.script.enter(device::console, hook::on_detached);
    }

private:
    vm& vm_;
};

} // namespace vmsig::stub
