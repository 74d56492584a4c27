// core, routing: from an emitted event to the controls that may see it. An ordinary event outside
// any change goes straight to its subscribers: two loads, an AND, and a call for each bit.
#pragma once

namespace vmsig {

/// State is being changed: events queue up. The outermost one delivers them when it is over.
template <class Traits>
class core<Traits>::change {
public:
    explicit change(core& c)
        : core_{c} {
        ++core_.depth_;
    }
    change(const change&) = delete;
    change& operator=(const change&) = delete;
    ~change() {
        if (--core_.depth_ == 0 && !core_.in_turn_) core_.settle();
    }

private:
    core& core_;
};

/// Of the rest whoever has the right is told, whatever it subscribed to.
constexpr bool by_subscription(audience a) {
    return a < audience::any_right || a == audience::memory_readers;
}

template <class Traits>
std::uint64_t core<Traits>::subscribers(const detail::routing_rows& rows, audience a,
                                        source s) const {
    const std::uint64_t row = rows.rights[static_cast<unsigned>(a)];
    return by_subscription(a) ? row & rows.sources[static_cast<unsigned>(s)] : row;
}

/// An event of an adapter: `e` has kind and payload; the envelope is filled in here.
template <class Traits>
inline bool core<Traits>::emit(adapter_id from, event& e) {
    if (e.payload) return emit_pooled(from, e);
    const detail::adapter_slot* a = find_adapter(from);
    return a && e.payload_size == 0 && route(a->endpoint, e);
}

/// The same with a pooled payload, which emitting consumes.
template <class Traits>
bool core<Traits>::emit_pooled(adapter_id from, event& e) {
    if (!owns_block(from, e.payload)) return false;
    block_owners_[e.payload.slot()] = {};
    const detail::adapter_slot* a = find_adapter(from);
    const bool fits = e.payload_size <= pool_.bytes(e.payload).size();
    const bool ok = a && fits && route(a->endpoint, e);
    pool_.release(e.payload);
    return ok;
}

template <class Traits>
inline bool core<Traits>::route(endpoint_id at, event& e) {
    if (!emittable(e.kind)) return false;
    ++endpoints_[at.slot()].counts.events;
    return e.kind < kind::first_host ? route_own(at, e) : publish(at, e);
}

/// A kind of the bus's own, which may be more than news.
template <class Traits>
bool core<Traits>::route_own(endpoint_id at, event& e) {
    if (e.kind == kind::lifecycle) {
        const lifecycle* l = e.as<lifecycle>();
        if (l) on_lifecycle(at, *l);
        settle_deferred();
        return l != nullptr;
    }
    if (const auto* leds = e.as<leds_changed>()) {
        endpoints_[at.slot()].leds = leds->lit;
        endpoints_[at.slot()].leds_known = true;
    }
    return publish(at, e);
}

template <class Traits>
inline bool core<Traits>::publish(endpoint_id at, event& e) {
    const detail::kind_row& row = kinds_[static_cast<unsigned>(e.kind)];
    endpoint_type& ep = endpoints_[at.slot()];
    e.source = row.source;
    e.lane = row.lane;
    e.endpoint = at;
    e.epoch = ep.epochs.current();
    e.timestamp = now_;
    const std::uint64_t to = subscribers(rows_[at.slot()], row.audience, e.source);
    observer_.on_event(e, ++event_number_, to);
    if (to == 0) return true;
    if (depth_ != 0 || !deferred_.empty()) return defer(at, e, to, row.audience, false);
    ++depth_;
    deliver(to, e, row.audience);
    --depth_;
    if (!in_turn_) settle();
    return true;
}

/// Queues an event for later. `safety`: it may use the room that is kept for that.
template <class Traits>
bool core<Traits>::defer(endpoint_id at, const event& e, std::uint64_t to, audience a,
                         bool safety) {
    if (to == 0) return true;
    detail::deferred_event* place = deferred_.push_event(safety);
    if (!place) {
        note_loss(at, e, to);
        return false;
    }
    place->event = e;
    place->to = to;
    place->audience = a;
    pool_.retain(e.payload);
    return true;
}

/// An event of the core's own; always queued, delivered when the change is over.
template <class Traits>
template <class P>
void core<Traits>::tell(endpoint_id at, const P& payload, std::uint64_t to, bool firm,
                        const detail::event_context& about) {
    event e;
    e.kind = P::event_kind;
    const kind_traits& t = traits_of(e.kind);
    e.source = t.source;
    e.lane = t.lane;
    e.endpoint = at;
    e.epoch = endpoints_[at.slot()].epochs.current();
    e.timestamp = now_;
    e.deadline = about.deadline;
    e.origin = about.origin;
    e.correlation = about.correlation;
    e.set_payload(payload);
    observer_.on_event(e, ++event_number_, to);
    constexpr bool reserved = traits_of(P::event_kind).folds || P::event_kind == kind::gap ||
                              P::event_kind == kind::memctx_published;
    defer(at, e, to, firm ? audience::addressee : t.audience, reserved);
}

template <class Traits>
template <class P>
void core<Traits>::tell_subscribers(endpoint_id at, const P& payload,
                                    const detail::event_context& about) {
    constexpr kind_traits t = traits_of(P::event_kind);
    constexpr bool watched = !std::is_same_v<observer_type, null_observer>;
    const std::uint64_t to = subscribers(rows_[at.slot()], t.audience, t.source);
    if (watched || to != 0) tell(at, payload, to, false, about);
}

/// Lets what waits already stand for `latest` too, whatever it said, unless `add` says that it is
/// about another thing; says for whom nothing waits.
template <class Traits>
template <class P, class Add>
std::uint64_t core<Traits>::fold(endpoint_id at, const P& latest, std::uint64_t to, Add&& add,
                                 const detail::event_context& about) {
    deferred_.newest_first([&](detail::deferred_event& d) {
        const P* waiting = d.event.endpoint == at ? d.event.template as<P>() : nullptr;
        if (!waiting || (d.to & to) == 0) return true;
        P both = latest;
        if (!add(both, *waiting)) return true;
        d.event.set_payload(both);
        d.event.epoch = endpoints_[at.slot()].epochs.current();
        d.event.origin = about.origin;
        d.event.correlation = about.correlation;
        to &= ~d.to;
        return to != 0;
    });
    return to;
}

/// `a`: who may see it, as long as it is on its way; the addressee may in any case.
template <class Traits>
inline void core<Traits>::deliver(std::uint64_t to, const event& e, audience a) {
    touched_ |= to;
    delivery_ = {.what = &e, .audience = a, .receivers = to, .receiver = 0, .entitled = to};
    std::uint32_t called = 0;
    for (std::uint64_t left = to; left != 0; left &= delivery_.entitled) {
        const auto slot = static_cast<unsigned>(std::countr_zero(left));
        left &= left - 1;
        ++called;
        delivery_.receiver = slot;
        sinks_[slot].deliver(sinks_[slot].self, e);
    }
    callbacks_ += called;
    delivery_.what = nullptr;
}

/// Delivers what was deferred, oldest first, while the budget lasts.
template <class Traits>
void core<Traits>::deliver_deferred() {
    ++depth_;
    while (!deferred_.empty() && callbacks_ < budget_ && !inert()) {
        const std::uint32_t item = deferred_.front();
        deferred_.pop();
        if (deferred_.is_receipt(item))
            deliver_receipt(static_cast<node_index>(item));
        else
            deliver_deferred_event(item);
    }
    --depth_;
}

template <class Traits>
void core<Traits>::deliver_deferred_event(std::uint32_t item) {
    detail::deferred_event& d = deferred_.event_of(item);
    detail::routing_rows& rows = rows_[d.event.endpoint ? d.event.endpoint.slot() : 0];
    mark_seen(rows, d.event, d.to);
    if (d.event.kind == kind::memctx_published) mark_given(d.event, d.to);
    if (d.event.kind == kind::memctx_invalidated && find_endpoint(d.event.endpoint))
        rows.recalled &= ~d.to;
    deliver(d.to, d.event, d.audience);
    pool_.release(d.event.payload);
    deferred_.free_event(item);
}

/// A control is owed the invalidation as soon as it is told of the memctx.
template <class Traits>
void core<Traits>::mark_given(const event& e, std::uint64_t to) {
    memctx_cache& memctx = endpoints_[e.endpoint.slot()].memctx;
    for_each_bit(to, [&memctx](unsigned slot) { memctx.give(slot); });
}

/// A control has seen an epoch when the callback that tells it is entered.
template <class Traits>
void core<Traits>::mark_seen(detail::routing_rows& rows, const event& e, std::uint64_t to) {
    if (e.kind != kind::epoch_changed && e.kind != kind::replay_end) return;
    const detail::endpoint_slot<limits>& ep = endpoints_[e.endpoint.slot()];
    if (ep.id != e.endpoint || !ep.live) return;
    if (e.kind == kind::replay_end) rows.ready |= to;
    if (e.epoch == ep.epochs.current()) rows.seen |= to & rows.ready;
}

template <class Traits>
void core<Traits>::deliver_receipt(std::uint16_t n) {
    detail::command_node& node = nodes_[n];
    if (node.is.orphan) return free_node(n);
    if (std::exchange(node.is.charged_block, false))
        controls_[node.issuer.slot()].ledger.refund(resource::payload);
    event e;
    e.kind = kind::receipt;
    e.source = source::command;
    e.lane = traits_of(kind::receipt).lane;
    e.endpoint = node.command.endpoint;
    e.epoch = node.command.epoch;
    e.timestamp = now_;
    e.origin = node.issuer;
    e.correlation = node.id;
    receipt& r = e.make_payload<receipt>();
    r.outcome = node.result.outcome;
    r.failure = node.result.failure;
    r.verb = node.command.verb;
    r.mode = node.command.mode;
    r.begun = node.was_begun ? 1 : 0;
    r.state = node.result.state;
    r.error = node.result.error;
    r.bytes = node.result.bytes;
    r.value = node.result.value;
    if (r.verb == verb::mem_read && r.outcome == outcome::done) {
        // A right that was taken away since withholds the bytes.
        if (find_control(node.issuer)->grant.permits(right::memread, e.endpoint)) {
            e.payload = node.bulk;
            e.payload_size = static_cast<std::uint32_t>(pool_.bytes(node.bulk).size());
        } else {
            r.bytes = 0;
        }
    }
    observer_.on_event(e, ++event_number_, bit(node.issuer.slot()));
    observer_.on_receipt(e, node.issuer);
    if (e.payload) pool_.retain(e.payload);
    free_node(n); // before its callback, which may submit the next
    deliver(bit(e.origin.slot()), e, audience::addressee);
    if (e.payload) pool_.release(e.payload);
}

/// Forgets a control in everything that is on its way to it.
template <class Traits>
void core<Traits>::silence(unsigned slot) {
    delivery_.entitled &= ~bit(slot);
    deferred_.for_each_event([slot](detail::deferred_event& d) { d.to &= ~bit(slot); });
}

template <class Traits>
void core<Traits>::note_loss(endpoint_id at, const event& e, std::uint64_t to) {
    endpoint_type& ep = endpoints_[at.slot()];
    ++ep.counts.lost_events;
    ep.losers |= to;
    lost_endpoints_ |= bit(at.slot());
    for_each_bit(to, [&](unsigned control) {
        std::uint32_t& lost = losses_[std::size_t{at.slot()} * limits::controls + control]
                                     [static_cast<unsigned>(e.lane)];
        if (++lost == 0) --lost;
    });
}

/// Of an endpoint or of controls that are no more: who comes after them has lost nothing.
template <class Traits>
void core<Traits>::forget_losses(endpoint_type& ep, std::uint64_t controls) {
    const std::size_t row = std::size_t{ep.id.slot()} * limits::controls;
    for_each_bit(controls, [&](unsigned control) { losses_[row + control] = {}; });
    ep.losers &= ~controls;
    if (ep.losers == 0) lost_endpoints_ &= ~bit(ep.id.slot());
}

/// Tells each control how many events of the endpoint it missed, if there is room again.
template <class Traits>
void core<Traits>::tell_gaps(endpoint_type& ep) {
    const unsigned slot = ep.id.slot();
    for_each_bit(ep.losers, [&](unsigned control) {
        if (deferred_.room() < lane_count) return;
        ep.losers &= ~bit(control);
        auto& lost = losses_[std::size_t{slot} * limits::controls + control];
        for (unsigned l = 0; l < lane_count; ++l) {
            const std::uint32_t count = std::exchange(lost[l], 0);
            const bool visible = ep.live && has_bit(visible_to(ep), control);
            if (count != 0 && visible)
                tell(ep.id, gap{static_cast<lane>(l), count}, bit(control), true);
        }
    });
    if (ep.losers == 0) lost_endpoints_ &= ~bit(slot);
}

} // namespace vmsig
