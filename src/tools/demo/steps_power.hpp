// steps, power: boot, reset, a late control, the machine that noticed nothing, and the summary.
#pragma once

#include "stage.hpp"

namespace demo {

template <class Machine>
void boot(stage<Machine>& s) {
    s.out.step(1, "Two machines boot; an agent and an operator attach");
    const auto both = vmsig::grant{}.on(s.w.vm[0]).on(s.w.vm[1]);
    const auto driver =
        right::observe | right::memctx | right::memread | right::memwrite | right::input;
    s.agent.bus = s.w.bus.attach(s.agent, vmsig::grant{both}.allow(driver).rank(10));
    s.overseer.bus = s.w.bus.attach(
        s.overseer, vmsig::grant{both}.allow(driver | right::power | right::admin).rank(100));
    s.out.say("host", fmt::format("{} machines, back end {}", s.w.vm.size(), s.backend));
    const bool replayed = s.w.until([&] {
        return s.overseer.find(kind::replay_end, s.w.vm[0]) &&
               s.overseer.find(kind::replay_end, s.w.vm[1]);
    });
    s.out.check(replayed, "both controls had their replay before anything else");
    for (const auto at : s.w.vm) {
        const auto power = s.overseer.bus.acquire(at, lease_class::power);
        const auto started = s.overseer.bus.submit(vmsig::power(power.lease, vmsig::verb::start));
        s.out.check(power && started && s.done(s.overseer, started.id),
                    fmt::format("{} started under the power lease", s.w.bus.name_of(at)));
        s.overseer.bus.release(power.lease);
        const bool ready = s.w.until([&] {
            return s.agent.text(at).find("ready") != std::string::npos &&
                   s.agent.find(kind::memctx_published, at);
        });
        s.out.check(ready, fmt::format("{} says it is ready, its memctx is published",
                                       s.w.bus.name_of(at)));
    }
    s.other_epoch = s.w.bus.epoch_of(s.w.vm[1]);
    s.w.started = true;
}

template <class Machine>
void reset(stage<Machine>& s) {
    s.out.step(6, "The operator resets the machine under the agent's hands");
    const auto before = s.w.bus.epoch_of(s.vm());
    const std::size_t mark = s.agent.mark();
    const auto power = s.overseer.bus.acquire(s.vm(), lease_class::power);
    const auto stale = s.agent.bus.submit(
        vmsig::store(s.agent_memory, s.mailbox(), 0x77).delayed(vmsig::seconds(5)));
    const auto reset = s.overseer.bus.submit(vmsig::power(power.lease, vmsig::verb::reset));
    s.out.check(power && stale && reset && s.done(s.overseer, reset.id),
                "power lease taken, reset done");
    s.w.until([&] { return s.agent.receipt_of(stale.id).has_value(); });
    s.out.check(s.agent.ended(stale.id, outcome::stale_epoch),
                "the agent's delayed write ended in stale_epoch");
    const std::size_t invalid = s.agent.place(kind::memctx_invalidated, s.vm(), mark);
    const std::size_t raised = s.agent.place(kind::epoch_changed, s.vm(), mark);
    const std::size_t happened = s.agent.place(kind::lifecycle, s.vm(), mark);
    s.out.check(invalid < raised && raised < happened && happened < s.agent.mark(),
                "told in this order: memctx invalid, epoch raised, reset");
    s.out.check(s.w.bus.epoch_of(s.vm()).value == before.value + 1,
                fmt::format("epoch {} -> {}, once", before.value, before.value + 1));
    s.out.check(s.w.until([&] { return s.agent.find(kind::memctx_published, s.vm(), mark); }),
                "the new memctx arrived");
    auto memctx = s.agent.bus.memctx(s.vm());
    s.out.check(memctx && memctx->fds_included && s.window.open(std::move(*memctx)) &&
                    s.heartbeat_moves(s.window),
                "the heartbeat goes on in the new memory");
    const auto state = s.window.state();
    s.out.check(state && state->boots == 2, "the guest counts its second boot");
}

template <class Machine>
void late(stage<Machine>& s) {
    s.out.step(7, "A late control is told everything that is retained");
    s.late.bus = s.w.bus.attach(
        s.late, vmsig::grant{}.on(s.w.vm[0]).on(s.w.vm[1]).allow(right::observe | right::memctx));
    const auto replayed = [&](vmsig::endpoint_id at) {
        return s.late.find(kind::replay_end, at) != nullptr;
    };
    s.out.check(s.w.until([&] { return replayed(s.w.vm[0]) && replayed(s.w.vm[1]); }),
                "replay_end for both machines");
    for (const auto at : s.w.vm) {
        const std::size_t begin = s.late.place(kind::replay_begin, at);
        const std::size_t end = s.late.place(kind::replay_end, at);
        const auto inside = [&](kind k) {
            const std::size_t p = s.late.place(k, at);
            return begin < p && p < end;
        };
        const vmsig::event* state = s.late.find(kind::lifecycle, at);
        const bool running =
            state && state->as<vmsig::lifecycle>()->state == vmsig::vm_state::running;
        s.out.check(running && inside(kind::lifecycle) && inside(kind::memctx_published),
                    fmt::format("{}: running, memctx of epoch {}", s.w.bus.name_of(at),
                                s.late.find(kind::memctx_published, at)->epoch.value));
    }
    int held = 0;
    for (const vmsig::event& e : s.late.log())
        if (const auto* l = e.as<vmsig::lease_changed>()) held += l->replayed && l->holder;
    s.out.check(held == 3, "three leases with their holders");
    s.late.clear_text(s.vm());
    const std::size_t mark = s.late.mark();
    const auto key =
        s.overseer.bus.submit(vmsig::press(s.operator_input(), KEY_Z).hold(vmsig::milliseconds(5)));
    s.out.check(key && s.done(s.overseer, key.id) && s.w.until([&] {
        return s.late.text(s.vm()).find("key ac") != std::string::npos;
    }),
                "and then the stream: it sees the guest echo a key");
    bool again = false;
    for (std::size_t i = mark; i < s.late.log().size(); ++i)
        again = again || s.late.log()[i].kind == kind::lifecycle;
    s.out.check(!again, "nothing twice");
}

template <class Machine>
void other(stage<Machine>& s) {
    s.out.step(8, "The other machine never noticed");
    const auto at = s.w.vm[1];
    s.out.check(s.w.bus.epoch_of(at) == s.other_epoch, "its epoch is what it was");
    const vmsig::event* first = s.agent.find(kind::memctx_published, at);
    s.out.check(first && !s.agent.find(kind::memctx_invalidated, at),
                "its memctx was never invalidated");
    auto memctx = s.agent.bus.memctx(at);
    s.out.check(memctx && s.other_window.open(std::move(*memctx)) &&
                    s.heartbeat_moves(s.other_window),
                "its heartbeat goes on");
    const auto state = s.other_window.state();
    s.out.check(state && state->boots == 1 && state->key_count == 0, "one boot, and not one key");
}

template <class Machine>
void summary(stage<Machine>& s) {
    std::sort(s.echo_us.begin(), s.echo_us.end());
    const auto at = [&](double q) {
        if (s.echo_us.empty()) return 0.0;
        const auto i = static_cast<std::size_t>(q * static_cast<double>(s.echo_us.size()));
        return s.echo_us[std::min(i, s.echo_us.size() - 1)];
    };
    const vmsig::counting_observer& seen = s.w.bus.observer();
    constexpr std::array<std::string_view, 11> names{
        "none",       "done",    "failed",        "expired",       "cancelled",  "stale_epoch",
        "lease_lost", "revoked", "adapter_fault", "endpoint_gone", "issuer_gone"};
    std::string receipts;
    for (std::size_t i = 0; i < names.size(); ++i)
        if (seen.receipts[i])
            receipts +=
                fmt::format("{}{} {}", receipts.empty() ? "" : ", ", names[i], seen.receipts[i]);
    std::string decisions;
    for (unsigned i = 0; i < vmsig::decision_count; ++i)
        if (const auto n = s.w.bus.audit().count(static_cast<vmsig::decision>(i)))
            decisions +=
                fmt::format("{}{} {}", decisions.empty() ? "" : ", ", vmsig::decisions[i].name, n);
    s.out.check(allocations() == 0, "nothing was allocated in the bus after start");
    s.out.summary({
        {"back end", std::string{s.backend}},
        {"machines", fmt::format("{}", s.w.vm.size())},
        {"events", fmt::format("{}, delivered {} times", seen.events, seen.deliveries)},
        {"commands", fmt::format("{}: {}", seen.commands, receipts)},
        {"key to echo", fmt::format("median {:.0f} us, p99 {:.0f} us ({} keys)", at(0.5), at(0.99),
                                    s.echo_us.size())},
        {"audit records", fmt::format("{}: {}", s.w.bus.audit().number(), decisions)},
        {"allocations after start", fmt::format("{}", allocations())},
        {"result", s.out.failures() == 0 ? "every step held"
                                         : fmt::format("{} checks failed", s.out.failures())},
    });
}

} // namespace demo
