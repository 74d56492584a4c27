// host: the adapter for host management. It watches the machine, tells the others beside it what
// happened, and completes each verb when the machine says that it truly did.
//
// The order that keeps the contract. A reset by the guest is told first, which raises the epoch;
// only then may the next incarnation begin. A commanded one was raised by the core: the machine
// goes through it, it is told, which raises nothing, and completed.
//
// Verbs are done one after the other; each takes the machine a few microseconds, not the guest.
#pragma once

#include <vmsig/adapter/adapter.hpp>
#include <vmsig/kvm/console.hpp>
#include <vmsig/kvm/doorbell.hpp>
#include <vmsig/kvm/fifo.hpp>
#include <vmsig/kvm/incarnation.hpp>
#include <vmsig/kvm/keyboard.hpp>
#include <vmsig/kvm/memory.hpp>
#include <vmsig/kvm/vm.hpp>

namespace vmsig::kvm {

/// Whom the host adapter tells.
struct neighbours {
    memory_adapter& memory;
    keyboard_adapter& keyboard;
    console_adapter& console;
};

class host_adapter {
public:
    static constexpr roles serves = role::host_management;

    host_adapter(vm& machine, incarnation& guest, const neighbours& beside)
        : vm_{machine}
        , guest_{guest}
        , beside_{beside}
        , doorbell_{machine} {}

    void on_attach(adapter_handle bus);
    void on_ready(cookie c, adapter_handle bus);
    void on_detached();
    void execute(fenced_command c, adapter_handle bus);

    vm_state state() const;
    doorbell& bell() { return doorbell_; }
    adapter_handle line() const { return bus_; }

private:
    static constexpr cookie status_ready{0};
    static constexpr cookie doorbell_rang{1};
    /// What one turn takes from one machine at most.
    static constexpr int records_per_call = 32;

    struct begun_verb {
        verb what = verb::none;
        correlation_id id;
    };

    // Verbs: host_verbs.cpp.
    void advance();
    void begin();
    void start();
    void pause();
    void resume();
    void finish(const completion& how = {});
    void refuse() { finish(completion::failed(failure::refused_by_vm)); }
    void paused();
    void resumed();
    void drop_commanded_pause();

    // Records: host_adapter.cpp.
    void watch(int fd, cookie c);
    void catch_up();
    void tell(transition what, cause why);
    void started();
    void on_record(const status& s);
    void on_device(status_kind kind);
    void on_begun(const status& s);
    void on_reset_requested(const status& s);
    void on_powered_off(const status& s);
    void on_failed(const status& s);

    vm& vm_;
    incarnation& guest_;
    neighbours beside_;
    doorbell doorbell_;
    adapter_handle bus_;
    fifo<begun_verb> waiting_;
    begun_verb active_;
    bool commanded_pause_ = false; ///< one pause of the machine is the power lease's
    bool told_started_ = false;    ///< to this bus
    bool told_paused_ = false;
};

} // namespace vmsig::kvm
