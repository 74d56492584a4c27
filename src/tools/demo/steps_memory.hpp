// steps, memory: the memctx, its descriptor, the walk, and writes through the seam.
#pragma once

#include "stage.hpp"

namespace demo {

inline bool sealed(const vmsig::memctx_locator& l) {
    return l.level == vmsig::export_level::sealed;
}

template <class Machine>
void look(stage<Machine>& s) {
    s.out.step(2, "The agent looks into the guest, and can only look");
    auto memctx = s.agent.bus.memctx(s.vm());
    if (!s.out.check(memctx && memctx->fds_included, "memctx taken: locator and descriptors"))
        return;
    const vmsig::memctx_locator l = memctx->locator;
    s.out.say("agent", fmt::format("epoch {}, version {}, {} RAM regions, CR3 {:#x}, level {}",
                                   l.epoch.value, l.version.value, l.region_count,
                                   l.roots().empty() ? 0 : l.roots()[0].root,
                                   sealed(l) ? "sealed" : "weaker"));
    const fd_trials t = try_to_write(memctx->fds[0].get());
    s.out.check(t.write_refused, "writing to the descriptor is refused");
    s.out.check(t.mapping_refused, "mapping it writable is refused");
    s.out.check(t.truncation_refused, "truncating it is refused");
    s.out.check(t.reopened_write_refused, "reopened for writing, it is refused all the same");
    if (!s.out.check(s.window.open(std::move(*memctx)), "a guest-memory view of it")) return;
    const auto page = s.window.translate();
    s.out.check(page && page->gpa != VMSIG_GUEST_STATE_ADDRESS,
                fmt::format("page walk: {:#x} -> guest physical {:#x}", VMSIG_GUEST_STATE_ADDRESS,
                            page ? page->gpa : 0));
    const auto state = s.window.state();
    s.out.check(state && state->magic == VMSIG_GUEST_STATE_MAGIC, "the guest's magic is there");
    s.out.check(s.heartbeat_moves(s.window), "the heartbeat moves");
}

template <class Machine>
void write(stage<Machine>& s) {
    s.out.step(5, "Memory is written through the seam, or not at all");
    const vmsig::lease none{s.vm(), {}, lease_class::memwrite};
    const auto without = s.agent.bus.submit(vmsig::store(none, s.mailbox(), 1));
    s.out.check(!without && without.why == refusal::not_holder,
                "a write without the lease is refused at submission");
    const auto got = s.agent.bus.acquire(s.vm(), lease_class::memwrite);
    s.agent_memory = got.lease;
    constexpr std::uint64_t word = 0x1234'5678;
    const auto wrote = s.agent.bus.submit(vmsig::store(got.lease, s.mailbox(), word));
    s.out.check(got && wrote && s.done(s.agent, wrote.id), "with the lease the mailbox is written");
    s.out.check(
        s.w.until([&] { return s.window.word(offsetof(vmsig_guest_state, mailbox_seen)) == word; }),
        "the guest acknowledges it");
    const auto wrong =
        s.agent.bus.submit(vmsig::compare_store(got.lease, s.mailbox(), word + 1, 0x9999));
    s.w.until([&] { return s.agent.receipt_of(wrong.id).has_value(); });
    const auto r = s.agent.receipt_of(wrong.id);
    s.out.check(r && r->outcome == outcome::failed && r->failure == vmsig::failure::mismatch &&
                    s.window.word(offsetof(vmsig_guest_state, mailbox)) == word,
                "a compare-and-write with wrong expectations writes nothing");
}

} // namespace demo
