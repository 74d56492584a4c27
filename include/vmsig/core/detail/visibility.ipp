// core, visibility: what a control may see.
//
// It is a bit in the rows of each endpoint, by audience and by source: grant and subscription are
// looked at when they change, not for each event. A bit is set by the control's replay alone
// (`open_rows`), so that the stream begins where the snapshot ends. It is cleared at once
// (`narrow`), and what is on its way is looked through again (`take_back`).
#pragma once

namespace vmsig {

/// Whether the control may see that kind of event of that endpoint, by its grant alone.
template <class Traits>
bool core<Traits>::permitted(const detail::control_slot& who, endpoint_id at, audience a) const {
    const rights r = who.grant.rights_on(at);
    switch (a) {
    case audience::any_right: return r.any();
    case audience::memory_readers: return r.has(right::memctx) || r.has(right::memread);
    case audience::memctx_takers:
    case audience::addressee: return false;
    default: return r.has(static_cast<right>(a));
    }
}

/// After its replay: the stream begins.
template <class Traits>
void core<Traits>::open_rows(detail::control_slot& who, const endpoint_type& ep) {
    detail::routing_rows& rows = rows_[ep.id.slot()];
    const std::uint64_t me = bit(who.id.slot());
    const bool wanted = who.subscription.wants(ep.id);
    for (unsigned a = 0; a < audience_count; ++a) {
        const auto kind_of_audience = static_cast<audience>(a);
        const bool open = permitted(who, ep.id, kind_of_audience) &&
                          (wanted || kind_of_audience == audience::any_right);
        if (open)
            rows.rights[a] |= me;
        else
            rows.rights[a] &= ~me;
    }
    const sources seen = who.grant.sources_value() & who.subscription.sources_value();
    for (unsigned s = 0; s < max_sources; ++s) {
        if (has_bit(seen.bits, s))
            rows.sources[s] |= me;
        else
            rows.sources[s] &= ~me;
    }
}

/// Takes out of every row what grant and subscription no longer allow; opens nothing.
template <class Traits>
void core<Traits>::narrow(detail::control_slot& who, bool regranted) {
    const std::uint64_t me = bit(who.id.slot());
    for (endpoint_type& ep : endpoints_) {
        if (!ep.live) continue;
        detail::routing_rows& rows = rows_[ep.id.slot()];
        const detail::routing_rows before = rows;
        if (!who.grant.rights_on(ep.id).any()) rows.found &= ~me;
        if ((before.rights[static_cast<unsigned>(audience::any_right)] & me) == 0) continue;
        open_rows(who, ep);
        for (unsigned a = 0; a < audience_count; ++a) rows.rights[a] &= before.rights[a];
        for (unsigned s = 0; s < max_sources; ++s) rows.sources[s] &= before.sources[s];
        if (!who.grant.permits(right::memctx, ep.id)) {
            rows.recalled &= ~me;
            ep.memctx.revoke(who.id.slot());
        }
        if (!who.grant.rights_on(ep.id).any()) {
            rows.ready &= ~me;
            rows.seen &= ~me;
        }
    }
    take_back(who, regranted);
}

/// What is on its way to a control and it may no longer see. Of an endpoint that is gone no grant
/// says anything any more: a new one withholds what is left of it, a new subscription what it
/// leaves out.
template <class Traits>
void core<Traits>::take_back(detail::control_slot& who, bool regranted) {
    const std::uint64_t me = bit(who.id.slot());
    // Addressed, yet a matter of rights; what the bus still owes him is not.
    const auto forbidden = [&who](const event& e) {
        switch (e.kind) {
        case kind::replay_begin:
        case kind::replay_end:
        case kind::gap: return !who.grant.rights_on(e.endpoint).any();
        case kind::memctx_invalidated:
        case kind::memctx_unavailable: return !who.grant.permits(right::memctx, e.endpoint);
        default: return false;
        }
    };
    const auto withheld = [&](const event& e, audience a) {
        if (!e.endpoint) return false;
        const endpoint_type* ep = find_endpoint(e.endpoint);
        if (a == audience::addressee) return (ep || regranted) && forbidden(e);
        if (ep) return (subscribers(rows_[ep->id.slot()], a, e.source) & me) == 0;
        return regranted || (by_subscription(a) && !who.subscription.wants(e.endpoint, e.source));
    };
    if (delivery_.what && withheld(*delivery_.what, delivery_.audience)) delivery_.entitled &= ~me;
    deferred_.for_each_event([&](detail::deferred_event& d) {
        if (withheld(d.event, d.audience)) d.to &= ~me;
    });
    if (regranted && who.table->take_back) who.table->take_back(&who.binding, who.grant);
}

} // namespace vmsig
