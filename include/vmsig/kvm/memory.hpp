// memory: the adapter that shows a machine's RAM and writes to it.
//
// The memctx of an incarnation is published when the registers of its vCPU show tables of its own:
// ones that map the state of the built-in guest. Nobody waits for that: the registers are asked for
// when an incarnation begins and when its doorbell rings.
//
// Writes are done in the order in which they are handed over. A `paused` one stops the vCPU, and
// the others behind it wait; while they wait they are not begun.
#pragma once

#include <optional>

#include <vmsig/adapter/adapter.hpp>
#include <vmsig/kvm/fifo.hpp>
#include <vmsig/kvm/incarnation.hpp>
#include <vmsig/kvm/vm.hpp>

namespace vmsig::kvm {

class memory_adapter {
public:
    static constexpr roles serves = role::memctx_provider | role::memory_writer;

    memory_adapter(vm& machine, const incarnation& guest)
        : vm_{machine}
        , guest_{guest} {}

    void on_attach(adapter_handle bus);
    void on_detached();
    void execute(fenced_command c, adapter_handle bus);
    expected<memctx_locator, os_error> describe() const;
    expected<ram_fds, os_error> share_fds() const;
    void invalidate(epoch_number e, adapter_handle bus);

    // What the host adapter hears of the machine. Those that say so can complete commands.

    void begun();
    void ended(); ///< completes
    void registers_read();
    /// The guest has got further; its tables may be its own now.
    void look_again();
    /// The vCPU may stand still. Completes.
    void advance();

    adapter_handle line() const { return bus_; }

private:
    struct begun_write {
        correlation_id id;
        taken_command taken;
        bool pauses() const { return taken.command.mode == write_mode::paused; }
    };

    bool take(const fenced_command& c);
    void finish(const completion& how);
    bool maps_state(const registers& now) const;

    vm& vm_;
    const incarnation& guest_;
    adapter_handle bus_;
    fifo<fenced_command> waiting_;
    std::optional<begun_write> active_;
    registers shown_; ///< of incarnation 0: nothing to show
    instant taken_;
    epoch_number asked_;
    bool owed_ = false; ///< a publication
};

} // namespace vmsig::kvm
