// machine: a kvm::vm and its adapters, to be plugged into an endpoint of a bus.
//
//     kvm::machine machine;             // powered off
//     machine.plug_into(bus, vm);       // then verb::start under the power lease, or start()
//
// Loop thread only. It may be destroyed before the bus or after it, but must outlive the turn in
// which it is unplugged from inside a callback.
#pragma once

#include <vmsig/kvm/console.hpp>
#include <vmsig/kvm/host.hpp>
#include <vmsig/kvm/keyboard.hpp>
#include <vmsig/kvm/memory.hpp>
#include <vmsig/kvm/vm.hpp>

namespace vmsig::kvm {

class machine {
public:
    /// Powered off. Throws std::system_error; ENOTSUP when KVM lacks a capability.
    explicit machine(const vm_options& options = {});
    machine(const machine&) = delete;
    machine& operator=(const machine&) = delete;
    ~machine();

    /// Attaches its adapters, all or none, and keeps them attached until `unplug`. Of a machine
    /// that is plugged in already: moves it. Throws `setup_error`.
    template <class Core>
    void plug_into(Core& bus, endpoint_id at) {
        unplug();
        host_.bell().announce_as(bus.register_kind(doorbell::traits.name, doorbell::traits));
        try {
            for_each_adapter([&](auto& adapter) { bus.attach_adapter(adapter, at); });
        } catch (...) {
            unplug();
            throw;
        }
    }
    /// Total; the guest goes on, and the machine can be plugged in again.
    void unplug();
    bool plugged() const { return static_cast<bool>(host_.line().endpoint()); }
    /// In the order in which they are attached: for a host that attaches them itself.
    template <class F>
    void for_each_adapter(F&& f) {
        f(memory_);
        f(keyboard_);
        f(console_);
        f(host_);
    }

    /// Power on, without a lease. False when it is on already.
    bool start() { return vm_.start(); }
    vm_state state() const { return host_.state(); }
    vm_counters counters() const { return vm_.counters(); }

private:
    vm vm_;
    incarnation guest_;
    memory_adapter memory_;
    keyboard_adapter keyboard_;
    console_adapter console_;
    host_adapter host_;
};

} // namespace vmsig::kvm
