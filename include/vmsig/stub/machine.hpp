// machine: a virtual machine without a virtual machine, the default back end. Real sealed RAM with
// real page tables, a keyboard, a console, power verbs, snapshots, and a scripted guest; no thread
// of its own, and with a manual clock no time either: what happens is what the script says.
//
//     stub::machine machine;
//     machine.plug_into(bus, vm);
//
// It must outlive the turn in which it is unplugged from inside one of its own callbacks; loop
// thread only.
#pragma once

#include <vmsig/stub/console.hpp>
#include <vmsig/stub/host.hpp>
#include <vmsig/stub/keyboard.hpp>
#include <vmsig/stub/memory.hpp>
#include <vmsig/stub/vm.hpp>

namespace vmsig::stub {

class machine {
public:
    machine()
        : machine{machine_options{}} {}
    /// Throws std::system_error.
    explicit machine(const machine_options& options)
        : vm_{options}
        , memory_{vm_}
        , keyboard_{vm_}
        , console_{vm_}
        , host_{vm_} {}
    machine(const machine&) = delete;
    machine& operator=(const machine&) = delete;
    ~machine() { unplug(); }

    /// Attaches its adapters, all or none, and keeps them attached until `unplug`. Of a machine
    /// that is plugged in already: moves it. Throws `setup_error`.
    template <class Core>
    void plug_into(Core& bus, endpoint_id at) {
        unplug();
        vm_.forget_pending();
        vm_.lines.doorbell =
            bus.register_kind("doorbell", {.source = source::memory, .coalesces = true});
        try {
            for_each_adapter([&](auto& adapter) { bus.attach_adapter(adapter, at); });
        } catch (...) {
            unplug();
            throw;
        }
        vm_.publish_due();
    }
    /// Total; the machine itself goes on, and can be plugged in again.
    void unplug() { vm_.lines.cut(); }
    bool plugged() const { return static_cast<bool>(vm_.lines.memory.endpoint()); }
    /// In the order in which they are attached: for a host that attaches them itself.
    template <class F>
    void for_each_adapter(F&& f) {
        f(memory_);
        f(keyboard_);
        f(console_);
        f(host_);
    }

    /// The guest executes for a while: heartbeat, keys, mailbox. With `clocking::timer` this comes
    /// by itself.
    void step() { vm_.step(); }
    /// What the bus that it is plugged into calls the guest's `doorbell_rung`.
    kind doorbell() const { return vm_.lines.doorbell; }
    vm_state state() const { return vm_.state(); }
    /// Whether the guest believes that a key is down.
    bool holds(std::uint16_t key) const { return vm_.program.holds(key); }
    /// A word of `vmsig_guest_state`, at an offset.
    std::uint64_t word(std::size_t offset) const { return vm_.program.word(offset); }
    const cpu_state& cpu() const { return vm_.program.cpu; }
    const stub::ram& ram() const { return vm_.memory; }

    /// How it misbehaves, from now on.
    faults& script() { return vm_.script; }
    std::size_t pending() const { return vm_.pending.size(); }
    /// Ends a stall: performs and completes what is pending, in order.
    void complete_pending() {
        vm_.complete_pending();
        vm_.publish_due();
    }
    /// One of its adapters leaves.
    void detach(device d) {
        const adapter_handle lines[] = {vm_.lines.memory, vm_.lines.keyboard, vm_.lines.console,
                                        vm_.lines.host};
        lines[static_cast<unsigned>(d)].detach();
    }
    /// The machine dies: `life_fd` hangs up. A manual reactor has to be told so.
    void hang_up() { host_.hang_up(); }
    int life_fd() const { return host_.life_fd(); }

private:
    vm vm_;
    memory_adapter memory_;
    keyboard_adapter keyboard_;
    console_adapter console_;
    host_adapter host_;
};

} // namespace vmsig::stub
