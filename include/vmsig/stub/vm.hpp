// vm: the machine behind the adapters of the stub: RAM, guest, power, pauses, a snapshot, and the
// lines by which it tells the bus. The adapters beside it are thin. Loop thread only.
//
// The order that keeps the contract: a reset by the guest is told first, which raises the epoch;
// then RAM changes; then the memctx of the new epoch is published. A commanded one was raised by
// the core: RAM changes, it is told (which raises nothing), completed, published.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include <vmsig/adapter/handle.hpp>
#include <vmsig/endpoint/pause_ledger.hpp>
#include <vmsig/stub/backlog.hpp>
#include <vmsig/stub/faults.hpp>
#include <vmsig/stub/guest.hpp>
#include <vmsig/stub/lines.hpp>
#include <vmsig/stub/options.hpp>
#include <vmsig/stub/ram.hpp>

namespace vmsig::stub {

class vm {
public:
    explicit vm(const machine_options& o)
        : options{o}
        , memory{o.low_ram, o.high_ram}
        , program{memory}
        , saved_{std::make_unique_for_overwrite<std::byte[]>(o.low_ram + o.high_ram), {}} {
        VMSIG_ASSERT(o.low_ram >= min_low_ram && o.high_ram >= min_high_ram);
        if (o.power_on) power_up();
    }
    vm(const vm&) = delete;
    vm& operator=(const vm&) = delete;

    bool powered() const { return powered_; }
    bool executing() const { return powered_ && !pauses.paused(); }
    vm_state state() const {
        if (!powered_) return vm_state::powered_off;
        return pauses.held(pause_reason::commanded) != 0 ? vm_state::paused : vm_state::running;
    }

    // The verbs of host management; each tells what happened.

    failure start() {
        if (powered_) return failure::refused_by_vm;
        power_up();
        lines.tell({transition::started, cause::host});
        return failure::none;
    }
    failure pause() {
        if (!powered_) return failure::refused_by_vm;
        const bool repeated = pauses.held(pause_reason::commanded) != 0;
        (void)pauses.take(pause_reason::commanded);
        if (!repeated) lines.tell({transition::paused, cause::host});
        return failure::none;
    }
    failure resume() {
        if (!powered_) return failure::refused_by_vm;
        const bool held = pauses.held(pause_reason::commanded) != 0;
        (void)pauses.drop(pause_reason::commanded);
        if (held) lines.tell({transition::resumed, cause::host});
        return failure::none;
    }
    failure reset() {
        if (!powered_) return failure::refused_by_vm;
        end_incarnation();
        program.boot();
        for (std::uint32_t i = 0; i < script.reset_tells; ++i)
            lines.tell({transition::reset, cause::host});
        return failure::none;
    }
    failure power_off() {
        if (!powered_) return failure::refused_by_vm;
        power_down();
        lines.tell({transition::powered_off, cause::host});
        return failure::none;
    }
    failure press_power_button() {
        if (!powered_) return failure::refused_by_vm;
        program.press_power_button();
        return failure::none;
    }
    failure save() {
        if (!powered_) return failure::refused_by_vm;
        std::copy(memory.low().begin(), memory.low().end(), saved_.memory.get());
        std::copy(memory.high().begin(), memory.high().end(),
                  saved_.memory.get() + memory.low().size());
        saved_.cpu = program.cpu;
        saved_.present = true;
        return failure::none;
    }
    failure restore() {
        if (!saved_.present) return failure::unavailable;
        end_incarnation();
        if (!powered_) (void)pauses.take(pause_reason::commanded); // it was not executing
        powered_ = true;
        std::copy_n(saved_.memory.get(), memory.low().size(), memory.low().data());
        std::copy_n(saved_.memory.get() + memory.low().size(), memory.high().size(),
                    memory.high().data());
        program.cpu = saved_.cpu;
        program.keys.clear();
        program.move();
        lines.tell({transition::restored, cause::host});
        return failure::none;
    }

    // What happens without a command.

    /// The guest executes for a while. Repeating it from a callback that it caused does nothing.
    void step(bool beat = true) {
        if (std::exchange(stepping_, true)) return;
        if (script.completes != completing::on_demand) complete_pending();
        neutral_accepted = 0;
        if (std::exchange(owes_room, false)) lines.keyboard.input_ready();
        while (script.guest_resets != 0) {
            --script.guest_resets;
            reset_by_guest();
        }
        const guest_wish wish = executing() ? program.step(beat) : guest_wish::nothing;
        if (wish == guest_wish::moved) published_ = {};
        report();
        publish_due();
        if (wish == guest_wish::reset) reset_by_guest();
        if (wish == guest_wish::power_off) power_off_by_guest();
        stepping_ = false;
    }
    /// Input or mail has come; a machine with a clock of its own looks at once.
    void react() {
        if (options.clock == clocking::timer) step(false);
    }
    /// The process that ran it is gone.
    void die() {
        power_down();
        lines.tell({transition::crashed, cause::unknown});
        lines.cut();
    }

    // Commands.

    void accept(performer& by, fenced_command c, adapter_handle bus) {
        if (script.lies) return bus.complete(c.id());
        errand e{&by, bus, c};
        if (script.completes == completing::at_once) return finish(e);
        if (!script.takes_late && !e.take()) return;
        if (pending.push(e)) return publish_due(); // what gave way may have held it up
        if (e.taken) e.fail(failure::unavailable);
        bus.complete(c.id(), completion::failed(failure::unavailable));
    }
    void complete_pending() {
        for (std::size_t n = pending.size(); n != 0; --n)
            if (auto e = pending.pop()) finish(*e);
    }
    /// Whatever `by` has begun acts now, before what comes next.
    void perform_open(const performer& by) {
        pending.for_each_open([&by](errand& e) {
            if (e.by == &by) e.perform();
        });
    }
    /// Whatever `by` has begun does not act any more.
    void fail_open(const performer& by) {
        pending.for_each_open([&by](errand& e) {
            if (e.by == &by) e.fail(failure::unavailable);
        });
    }
    /// Forgets what is pending on a bus that was left.
    void forget_pending() {
        while (auto e = pending.pop())
            if (e->open()) e->fail(failure::unavailable);
    }

    // The memctx.

    /// The epoch in which the memory is to be published.
    void ask(epoch_number e) {
        const bool again = published_ == e;
        asked_ = e;
        published_ = {};
        if (again) publish_due();
    }
    epoch_number asked() const { return asked_; }
    /// Not before the command that raised the epoch was performed, nor while there is no memory.
    void publish_due() {
        if (!powered_ || changing_ || !asked_ || published_ == asked_) return;
        if (host_side && pending.holds_any(*host_side)) return;
        const epoch_number said{asked_.value + script.publishes_ahead};
        const epoch_number wanted = asked_;
        if (lines.memory.publish(said)) published_ = wanted;
    }

    machine_options options;
    faults script;
    ram memory;
    guest program;
    pause_ledger pauses;
    backlog pending;
    performer* host_side = nullptr; ///< whose commands may change the memory

    stub::lines lines;
    std::uint32_t neutral_accepted = 0; ///< releases since the last step
    bool owes_room = false;

private:
    /// The room for it comes with the machine, so that saving can not fail; until it is used it
    /// takes no memory.
    struct snapshot {
        std::unique_ptr<std::byte[]> memory; ///< low, then high
        cpu_state cpu;
        bool present = false;
    };

    void power_up() {
        program.power_on();
        powered_ = true;
    }
    void power_down() {
        end_incarnation();
        powered_ = false;
        (void)pauses.drop(pause_reason::commanded);
    }
    /// What was begun in it acts no more.
    void end_incarnation() {
        pending.for_each_open([this](errand& e) {
            if (e.by != host_side) e.fail(failure::unavailable);
        });
    }
    void reset_by_guest() {
        if (!powered_) return;
        changing_ = true;
        lines.tell({transition::reset, cause::guest}); // the epoch rises in here
        end_incarnation();
        program.boot();
        changing_ = false;
        report();
        publish_due();
    }
    void power_off_by_guest() {
        changing_ = true;
        lines.tell({transition::powered_off, cause::guest});
        power_down();
        changing_ = false;
    }

    void report() { lines.report(program, powered_, script); }

    void finish(errand& e) {
        if (!e.taken && !e.take()) return e.by->over();
        if (!e.result) e.perform();
        e.bus.complete(e.command.id(), *e.result);
        if (script.completes_twice) e.bus.complete(e.command.id(), *e.result);
        e.by->over();
    }

    snapshot saved_;
    epoch_number asked_;
    epoch_number published_;
    bool powered_ = false;
    bool stepping_ = false;
    bool changing_ = false; ///< told, but not done: no memory to show
};

} // namespace vmsig::stub
