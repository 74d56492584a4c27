// core, replay: a late or widened subscriber gets a snapshot, then the stream. The snapshot is
// queued whole and the rows are opened in the same instant, so between the two there is neither a
// hole nor a duplicate.
#pragma once

namespace vmsig {

template <class Traits>
void core<Traits>::request_replay(detail::control_slot& who, std::uint64_t endpoint_slots) {
    std::uint64_t wanted = 0;
    for (const endpoint_type& ep : endpoints_)
        if (ep.live && !ep.leaving && has_bit(endpoint_slots, ep.id.slot()) &&
            who.grant.rights_on(ep.id).any())
            wanted |= bit(ep.id.slot());
    who.replay |= wanted;
    if (who.replay) replaying_ |= bit(who.id.slot());
    if (wanted && !in_turn_) ring_once();
}

/// At most one turn after the call that asked for it, unless the budget of the turn ends first.
template <class Traits>
void core<Traits>::run_replays() {
    for_each_bit(replaying_, [this](unsigned slot) {
        detail::control_slot& who = controls_[slot];
        while (who.live && who.replay != 0) {
            if (deferred_.room() < detail::replay_events || callbacks_ >= budget_) return;
            const auto at = static_cast<unsigned>(std::countr_zero(who.replay));
            who.replay &= who.replay - 1;
            endpoint_type& ep = endpoints_[at];
            if (ep.live && !ep.leaving && who.grant.rights_on(ep.id).any()) replay(who, ep);
            settle_deferred();
        }
        if (who.replay == 0) replaying_ &= ~bit(slot);
    });
}

template <class Traits>
void core<Traits>::replay(detail::control_slot& who, endpoint_type& ep) {
    const change guard{*this};
    const std::uint64_t me = bit(who.id.slot());
    open_rows(who, ep);
    event mark;
    mark.lane = lane::safety;
    mark.endpoint = ep.id;
    mark.epoch = ep.epochs.current();
    mark.timestamp = now_;
    mark.kind = kind::replay_begin;
    observer_.on_event(mark, ++event_number_, me);
    defer(ep.id, mark, me, audience::addressee, true);
    for (std::size_t k = 0; k < core_kinds.size(); ++k) {
        const kind_traits& t = core_kinds[k];
        if (t.retained && (subscribers(rows_[ep.id.slot()], t.audience, t.source) & me) != 0)
            replay_retained(static_cast<kind>(k), ep, who.id.slot());
    }
    mark.kind = kind::replay_end;
    observer_.on_event(mark, ++event_number_, me);
    defer(ep.id, mark, me, audience::addressee, true);
}

/// What is kept of that kind, to one control. The table says which kinds are kept.
template <class Traits>
void core<Traits>::replay_retained(kind k, endpoint_type& ep, unsigned to) {
    const std::uint64_t me = bit(to);
    switch (k) {
    case kind::lifecycle:
        tell(ep.id, lifecycle{ep.last_transition, ep.last_cause, ep.vm.state(), 1}, me, false);
        return;
    case kind::memctx_published:
        if (!ep.memctx.valid()) return;
        tell(ep.id, memctx_published{ep.memctx.version()}, me, false);
        return;
    case kind::lease_changed:
        for (unsigned c = 0; c < lease_class_count; ++c) {
            const auto cls = static_cast<lease_class>(c);
            const lease_status s = arbiter_.status(lease_cell(ep.id, cls));
            if (!s.owner.who) continue;
            lease_changed held;
            static_cast<lease&>(held) = {ep.id, s.serial, cls};
            held.replayed = 1;
            held.holder = s.owner.who;
            held.since = s.since;
            tell(ep.id, held, me, false);
        }
        return;
    case kind::leds_changed:
        if (ep.leds_known) tell(ep.id, leds_changed{ep.leds}, me, false);
        return;
    default: VMSIG_ASSERT(false); return; // the table says that it is retained
    }
}

} // namespace vmsig
