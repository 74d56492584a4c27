// operator_part: what the operator does and checks, cue by cue. It is played on a seat in the
// host's process in the first half of the story, and in a process of its own in the second: the
// same lines.
#pragma once

#include <array>

#include <vmsig/audit/names.hpp>

#include "cue.hpp"
#include "watching.hpp"

namespace demo {

template <class Bus>
class operator_part {
public:
    /// `who` outlives it.
    explicit operator_part(seat<Bus>& who)
        : op_{who} {}

    void play(cue c) {
        switch (c) {
        case cue::attach: return attach();
        case cue::start: return start();
        case cue::look: return look_into(op_, vm(), window_);
        case cue::watch: return watch();
        case cue::overreach: return overreach();
        case cue::preempt: return preempt();
        case cue::reset: return reset();
        case cue::type: return type(KEY_Z, "types a key");
        case cue::let_go: return let_go();
        }
    }

private:
    /// The machine that the story is about; the other one is `at_[1]`.
    vmsig::endpoint_id vm() const { return at_[0]; }

    void attach() {
        bool found = true;
        for (std::size_t i = 0; i < at_.size(); ++i) {
            const auto id = op_.bus.find(machine_names[i]);
            found = found && id;
            if (id) at_[i] = *id;
        }
        if (!op_.check(found, fmt::format("finds {} and {}", machine_names[0], machine_names[1])))
            return;
        const auto replayed = [&](vmsig::endpoint_id e) {
            return op_.find(kind::replay_end, e) != nullptr;
        };
        const bool all = op_.until([&] { return replayed(at_[0]) && replayed(at_[1]); });
        op_.check(all && op_.log()[0].is(kind::replay_begin),
                  "is first told what there is: its replay");
    }

    void start() {
        for (const auto at : at_) {
            const auto i = static_cast<std::size_t>(at == at_[1]);
            const auto power = op_.bus.acquire(at, lease_class::power);
            const auto started = op_.bus.submit(vmsig::power(power.lease, vmsig::verb::start));
            if (!op_.check(power && op_.done(started),
                           fmt::format("{} started under the power lease", machine_names[i])))
                return;
            op_.bus.release(power.lease);
            const auto ready = [&] {
                return said(op_.text(at), "ready") != 0 && op_.find(kind::memctx_published, at);
            };
            if (!op_.check(op_.until(ready), fmt::format("{} says it is ready, its memctx is "
                                                         "published",
                                                         machine_names[i])))
                return;
        }
    }

    void watch() {
        const auto held = op_.bus.status(vm(), lease_class::input);
        const bool told = held && std::string_view{held->reason.data()} == agent_reason;
        op_.check(told && held->holder && held->holder != op_.bus.origin(),
                  fmt::format("sees that another has the input lease, serial {}: \"{}\"",
                              held ? held->serial.value : 0, held ? held->reason.data() : ""));
        op_.check(op_.until([&] { return said(op_.text(vm()), "key 9e\n") == keys_typed; }),
                  fmt::format("saw the guest echo all {} keys", keys_typed));
    }

    void overreach() {
        op_.check(op_.bus.may(vmsig::verb::mem_write, vm()) == refusal::denied &&
                      op_.bus.may(vmsig::verb::reset, vm()) == refusal::none,
                  "its grant lets it reset the machine, and not write its memory");
        const auto lease = op_.bus.acquire(vm(), lease_class::memwrite);
        op_.check(!lease && lease.why == refusal::denied, "the memwrite lease is denied");
        const vmsig::lease none{vm(), {}, lease_class::memwrite};
        const auto wrote = op_.bus.submit(
            vmsig::store(none, window_.place(offsetof(vmsig_guest_state, mailbox)), 1));
        op_.check(!wrote && wrote.why == refusal::denied, "and so is a write without one");
    }

    void preempt() {
        const auto held = op_.bus.status(vm(), lease_class::input);
        const std::size_t mark = op_.mark();
        const auto got = op_.bus.acquire(vm(), lease_class::input);
        if (!op_.check(got && held && got.lease.serial > held->serial,
                       fmt::format("preempts: serial {} -> {}", held ? held->serial.value : 0,
                                   got.lease.serial.value)))
            return;
        input_ = got.lease;
        type(KEY_O, "types its first key");
        const auto taken = [&] {
            const vmsig::event* e = op_.find(kind::lease_changed, vm(), mark);
            const auto* change = e ? e->as<vmsig::lease_changed>() : nullptr;
            return change && change->why == vmsig::lease_end::preempted;
        };
        op_.check(op_.until([&] { return op_.find(kind::lease_granted, vm(), mark) && taken(); }),
                  "is told that the lease was preempted, and granted");
    }

    void reset() {
        const std::size_t mark = op_.mark();
        const auto power = op_.bus.acquire(vm(), lease_class::power);
        power_ = power.lease;
        if (!op_.check(power && op_.done(op_.bus.submit(vmsig::power(power_, vmsig::verb::reset))),
                       "power lease taken, reset done"))
            return;
        live_through_reset(op_, vm(), mark, window_);
    }

    void type(std::uint16_t key, std::string_view what) {
        op_.check(op_.done(op_.bus.submit(vmsig::press(input_, key).hold(vmsig::milliseconds(5)))),
                  what);
    }

    void let_go() {
        for (const vmsig::lease& l : {input_, power_}) {
            const bool released = op_.bus.release(l) == refusal::none;
            const auto now = op_.bus.status(vm(), l.lease_class);
            op_.check(released && now && !now->holder,
                      fmt::format("releases the {} lease", vmsig::name_of(l.lease_class)));
        }
    }

    seat<Bus>& op_;
    std::array<vmsig::endpoint_id, machine_names.size()> at_;
    guest_window window_;
    vmsig::lease input_, power_;
};

} // namespace demo
