// steps, power: boot, reset, a late control, and the machine that noticed nothing.
#include "allocations.hpp"
#include "stage.hpp"

namespace demo {

void boot(stage& s) {
    s.out.step("Two machines boot; an agent and an operator attach");
    const auto grant =
        vmsig::grant{}
            .on(s.w.vm[0])
            .on(s.w.vm[1])
            .allow(right::observe | right::memctx | right::memread | right::memwrite | right::input)
            .rank(10);
    s.out.say("host", "the agent may watch, type, read and write memory; its rank is 10");
    s.out.say("host",
              "the operator may watch, type, read memory, and power; its rank, 100, goes first");
    s.agent.bus = s.w.bus.attach(s.agent, grant);
    const auto replayed = [&](vmsig::endpoint_id at) {
        return s.agent.find(kind::replay_end, at) != nullptr;
    };
    s.agent.check(s.agent.until([&] { return replayed(s.w.vm[0]) && replayed(s.w.vm[1]); }) &&
                      s.agent.log()[0].is(kind::replay_begin),
                  "is first told what there is: its replay");
    if (!s.operator_plays(cue::attach) || !s.operator_plays(cue::start)) return;
    for (const auto at : s.w.vm) {
        const bool ready = s.agent.until([&] {
            return said(s.agent.text(at), "ready") != 0 && s.agent.find(kind::memctx_published, at);
        });
        s.agent.check(ready, fmt::format("sees {} run", s.w.bus.name_of(at)));
    }
    s.other_epoch = s.w.bus.epoch_of(s.w.vm[1]);
}

void reset(stage& s) {
    s.out.step("The operator resets the machine under the agent's hands");
    const std::size_t mark = s.agent.mark();
    const vmsig::memory_at mailbox = s.window.place(offsetof(vmsig_guest_state, mailbox));
    const auto stale =
        s.agent.bus.submit(vmsig::store(s.agent_memory, mailbox, 0x77).delayed(vmsig::seconds(5)));
    const auto before = s.w.bus.epoch_of(s.vm());

    if (!s.operator_plays(cue::reset)) return;

    s.agent.until([&] { return s.agent.receipt_of(stale.id).has_value(); });
    s.agent.check(stale && s.agent.ended(stale.id, outcome::stale_epoch),
                  "its delayed write ended in stale_epoch");
    live_through_reset(s.agent, s.vm(), mark, s.window);
    s.check(s.w.bus.epoch_of(s.vm()).value == before.value + 1 &&
                s.operator_has(lease_class::input) && s.operator_has(lease_class::power),
            "the operator's leases have outlived the epoch");
}

void late(stage& s) {
    s.out.step("A late control is told everything that is retained");
    s.late.bus = s.w.bus.attach(
        s.late, vmsig::grant{}.on(s.w.vm[0]).on(s.w.vm[1]).allow(right::observe | right::memctx));
    const auto replayed = [&](vmsig::endpoint_id at) {
        return s.late.find(kind::replay_end, at) != nullptr;
    };
    s.late.check(s.late.until([&] { return replayed(s.w.vm[0]) && replayed(s.w.vm[1]); }),
                 "replay_end for both machines");
    for (const auto at : s.w.vm) {
        const std::size_t begin = s.late.place(kind::replay_begin, at);
        const std::size_t end = s.late.place(kind::replay_end, at);
        const auto inside = [&](kind k) {
            const std::size_t p = s.late.place(k, at);
            return begin < p && p < end;
        };
        const vmsig::event* state = s.late.find(kind::lifecycle, at);
        const vmsig::event* memctx = s.late.find(kind::memctx_published, at);
        const bool running =
            state && state->as<vmsig::lifecycle>()->state == vmsig::vm_state::running;
        s.late.check(running && inside(kind::lifecycle) && inside(kind::memctx_published),
                     fmt::format("{}: running, memctx of epoch {}", s.w.bus.name_of(at),
                                 memctx ? memctx->epoch.value : 0));
    }
    int held = 0;
    for (const vmsig::event& e : s.late.log())
        if (const auto* l = e.as<vmsig::lease_changed>()) held += l->replayed && l->holder;
    s.late.check(held == 3, "three leases with their holders");
    s.late.clear_text(s.vm());
    const std::size_t mark = s.late.mark();
    if (!s.operator_plays(cue::type)) return;
    s.late.check(s.late.until([&] { return said(s.late.text(s.vm()), "key ac") != 0; }),
                 "and then the stream: it sees the guest echo the operator's key");
    bool again = false;
    for (std::size_t i = mark; i < s.late.log().size(); ++i)
        again = again || s.late.log()[i].kind == kind::lifecycle;
    s.late.check(!again, "nothing twice");
}

void other(stage& s) {
    s.out.step("The other machine never noticed");
    const auto at = s.w.vm[1];
    s.check(s.w.bus.epoch_of(at) == s.other_epoch, "its epoch is what it was");
    const vmsig::event* first = s.agent.find(kind::memctx_published, at);
    s.agent.check(first && !s.agent.find(kind::memctx_invalidated, at),
                  "its memctx was never invalidated");
    auto memctx = s.agent.bus.memctx(at);
    s.agent.check(memctx && s.other_window.open(std::move(*memctx)) &&
                      s.agent.heartbeat_moves(s.other_window),
                  "its heartbeat goes on");
    const auto state = s.other_window.state();
    s.agent.check(state && state->boots == 1 && state->key_count == 0, "one boot, and not one key");
    s.check(allocations() == 0, "since the start, no turn of the bus has allocated anything");
}

} // namespace demo
