// steps, memory: the memctx, its descriptor, the walk, and writes through the seam.
#include "stage.hpp"

namespace demo {

void look(stage& s) {
    s.out.step("Agent and operator look into the guest, and can only look");
    look_into(s.agent, s.vm(), s.window);
    if (!s.operator_plays(cue::look)) return;
    s.check(s.w.bus.audit().count(vmsig::decision::memctx_exported) == 2,
            "both exports are in the audit");
}

void write(stage& s) {
    s.out.step("Memory is written through the seam, or not at all");
    const vmsig::memory_at mailbox = s.window.place(offsetof(vmsig_guest_state, mailbox));
    const auto in_mailbox = [&] { return s.window.word(offsetof(vmsig_guest_state, mailbox)); };
    const vmsig::lease none{s.vm(), {}, lease_class::memwrite};
    const auto without = s.agent.bus.submit(vmsig::store(none, mailbox, 1));
    s.agent.check(!without && without.why == refusal::not_holder,
                  "a write without the lease is refused at submission");
    const auto got = s.agent.bus.acquire(s.vm(), lease_class::memwrite);
    s.agent_memory = got.lease;
    constexpr std::uint64_t word = 0x1234'5678;
    const auto wrote = s.agent.bus.submit(vmsig::store(got.lease, mailbox, word));
    s.agent.check(got && s.agent.done(wrote), "with the lease the mailbox is written");
    s.agent.check(s.agent.until([&] {
        return s.window.word(offsetof(vmsig_guest_state, mailbox_seen)) == word;
    }),
                  "the guest acknowledges it");
    const auto wrong =
        s.agent.bus.submit(vmsig::compare_store(got.lease, mailbox, word + 1, 0x9999));
    s.agent.until([&] { return s.agent.receipt_of(wrong.id).has_value(); });
    const auto r = s.agent.receipt_of(wrong.id);
    s.agent.check(r && r->outcome == outcome::failed && r->failure == vmsig::failure::mismatch &&
                      in_mailbox() == word,
                  "a compare-and-write with wrong expectations writes nothing");

    const auto refused = [&](vmsig::decision d) { return s.w.bus.audit().count(d); };
    const auto commands = refused(vmsig::decision::command_refused);
    const auto leases = refused(vmsig::decision::lease_refused);
    if (!s.operator_plays(cue::overreach)) return;
    s.check(refused(vmsig::decision::command_refused) == commands + 1 &&
                refused(vmsig::decision::lease_refused) == leases + 1 && in_mailbox() == word,
            "both refusals are in the audit, and the mailbox is as it was");
}

} // namespace demo
