// core, leases: from grant to release. However a lease ends, it ends in `end_lease`: its commands
// are decided, its input is neutral, the cell is free, the audit knows, everybody is told, in that
// order, before the next owner may act.
#pragma once

namespace vmsig {

/// Makes the requester the owner of a free cell and tells it and the observers. Two audit records
/// were set aside: this one and the one of the end.
template <class Traits>
expected<serial_number, refusal> core<Traits>::grant_lease(endpoint_id at, lease_class c,
                                                           const lease_request& request,
                                                           wait_id wait) {
    const std::uint32_t cell = lease_cell(at, c);
    const auto s = arbiter_.grant(cell, request, fresh_now());
    if (!s) return s;
    audit_record r = audit_record::of(decision::lease_granted).with(c);
    r.origin = request.who.who;
    r.endpoint = at;
    r.epoch = endpoints_[at.slot()].epochs.current();
    r.serial = *s;
    r.detail = request.who.rank;
    write_reserved(r);

    tell(at, lease_granted{{at, *s, c}, wait}, bit(request.who.who.slot()), true);
    lease_changed changed;
    static_cast<lease&>(changed) = {at, *s, c};
    changed.holder = request.who.who;
    changed.since = now_;
    tell_lease_changed(changed, request.who.who);
    arm_lease_timer(at, c);
    return s;
}

template <class Traits>
void core<Traits>::end_lease(endpoint_id at, lease_class c, lease_end why, origin_id by,
                             bool hand_on) {
    const std::uint32_t cell = lease_cell(at, c);
    const origin_id owner = arbiter_.owner(cell);
    if (!owner) return;
    const change guard{*this};
    endpoint_type& ep = endpoints_[at.slot()];
    const serial_number serial = arbiter_.serial(cell);
    const auto cls = static_cast<command_class>(c);
    const outcome o = why == lease_end::endpoint_gone  ? outcome::endpoint_gone
                      : why == lease_end::adapter_gone ? outcome::adapter_fault
                      : why == lease_end::revoked      ? outcome::revoked
                      : why == lease_end::epoch        ? outcome::stale_epoch
                                                       : outcome::lease_lost;
    const auto end_commands = [&] {
        for_each_command(ep, cls, [&](node_index n, detail::command_node& node) {
            if (node.command.serial != serial || node.issuer != owner || node.is.lease_over) return;
            if (node.state == detail::command_state::begun) {
                node.is.lease_over = true;
                ++cell_at(ep.id, cls).draining;
            } else {
                end_command(n, o);
            }
        });
    };
    end_commands();
    if (c == lease_class::input) neutral(ep, why);
    end_commands();                                   // what came while adapters were called
    if (!arbiter_.check(cell, owner, serial)) return; // its adapter failed, which ended it
    (void)arbiter_.end(cell, why);
    start_drain(ep, cls);

    audit_record r = audit_record::of(decision::lease_ended).with(why).with(c);
    r.origin = owner;
    r.endpoint = at;
    r.epoch = ep.epochs.current();
    r.serial = serial;
    write_reserved(r);

    if (find_control(owner) && why != lease_end::released)
        tell_lease_lost(lease_lost{{at, serial, c}, why}, owner);
    lease_changed changed;
    static_cast<lease&>(changed) = {at, serial, c};
    changed.why = why;
    tell_lease_changed(changed, by);
    arm_lease_timer(at, c);
    if (hand_on) hand_on_lease(at, c);
}

/// When the queue is full, in a storm, the latest stands for all of its cell.
template <class Traits>
void core<Traits>::tell_lease_changed(const lease_changed& changed, origin_id who) {
    const kind_traits& t = traits_of(kind::lease_changed);
    const endpoint_id at = changed.endpoint;
    std::uint64_t to = subscribers(rows_[at.slot()], t.audience, t.source);
    const detail::event_context about{.origin = who, .correlation = {}, .deadline = {}};
    if (to != 0 && deferred_.room() == 0)
        to = fold(
            at, changed, to,
            [](lease_changed& latest, const lease_changed& waiting) {
                if (waiting.lease_class != latest.lease_class || waiting.replayed != 0)
                    return false;
                latest.count += waiting.count;
                return true;
            },
            about);
    if (to != 0 || !std::is_same_v<observer_type, null_observer>)
        tell(at, changed, to, false, about);
}

/// Likewise: an owner that was not told of its lease yet is told that its wait is over.
template <class Traits>
void core<Traits>::tell_lease_lost(const lease_lost& lost, origin_id owner) {
    bool told = false;
    if (deferred_.room() == 0)
        deferred_.newest_first([&](detail::deferred_event& d) {
            const auto* g = d.event.template as<lease_granted>();
            told = g && g->wait && g->endpoint == lost.endpoint && g->serial == lost.serial &&
                   g->lease_class == lost.lease_class && d.to != 0;
            if (!told) return true;
            const lease_wait_ended over{g->wait, lost.lease_class, lost.why};
            d.event.kind = kind::lease_wait_ended;
            d.event.set_payload(over);
            return false;
        });
    if (!told) tell(lost.endpoint, lost, bit(owner.slot()), true);
}

template <class Traits>
void core<Traits>::tell_lease_asked(endpoint_id at, lease_class c, std::uint32_t challenger_rank,
                                    instant deadline) {
    const std::uint32_t cell = lease_cell(at, c);
    tell(at, lease_asked{{at, arbiter_.serial(cell), c}, challenger_rank},
         bit(arbiter_.owner(cell).slot()), true, {{}, {}, deadline});
}

template <class Traits>
bool core<Traits>::may_hold(const lease_request& request, endpoint_id at, lease_class c) const {
    const detail::control_slot* who = find_control(request.who.who);
    return who && who->grant.permits(right_of(c), at);
}

/// A free cell goes to whose turn it is, if that one is still alive and granted.
template <class Traits>
void core<Traits>::hand_on_lease(endpoint_id at, lease_class c) {
    const std::uint32_t cell = lease_cell(at, c);
    if (endpoints_[at.slot()].leaving) return;
    while (!arbiter_.owner(cell)) {
        const waiter w = arbiter_.take_next_waiter(cell);
        if (!w) return;
        const origin_id who = w.request.who.who;
        refund_wait(who);
        lease_end why = lease_end::none;
        if (!may_hold(w.request, at, c))
            why = find_control(who) ? lease_end::revoked : lease_end::owner_gone;
        else if (w.expired(now_))
            why = lease_end::expired;
        else if (!audit_.admit(who.slot()))
            why = lease_end::exhausted;
        else if (!grant_lease(at, c, w.request, w.id)) {
            audit_.withdraw(who.slot(), records_per_command);
            why = lease_end::exhausted;
        }
        if (why != lease_end::none) end_wait(at, c, w, why);
    }
    // A challenger of the former owner may be in the way of the new one.
    const waiter* next = arbiter_.first_waiter(cell);
    if (!next) return;
    const plan p = arbiter_.consider(cell, at, c, next->request, fresh_now());
    if (p.what == step::preempt)
        return end_lease(at, c, lease_end::preempted, next->request.who.who);
    if (p.what != step::ask) return;
    (void)arbiter_.begin_ask(cell, next->request, p.deadline);
    tell_lease_asked(at, c, next->request.who.rank, p.deadline);
    arm_lease_timer(at, c);
}

template <class Traits>
void core<Traits>::end_wait(endpoint_id at, lease_class c, const waiter& w, lease_end why) {
    const origin_id who = w.request.who.who;
    audit_record r = audit_record::of(decision::lease_wait_ended).with(why).with(c);
    r.origin = who;
    r.endpoint = at;
    note(r);
    if (find_control(who)) tell(at, lease_wait_ended{w.id, c, why}, bit(who.slot()), true);
}

template <class Traits>
void core<Traits>::arm_lease_timer(endpoint_id at, lease_class c) {
    const std::uint32_t cell = lease_cell(at, c);
    timers_.arm(lease_timers + cell, arbiter_.next_deadline(cell));
}

template <class Traits>
void core<Traits>::on_lease_timer(std::uint32_t cell) {
    const endpoint_id at = endpoints_[cell / lease_class_count].id;
    const lease_class c = class_of_cell(cell);
    const change guard{*this};
    for (;;) {
        const due d = arbiter_.expire(cell, now_);
        if (d.what == due::event::nothing) break;
        if (d.what == due::event::owner_expired) end_lease(at, c, lease_end::expired);
        if (d.what == due::event::ask_elapsed) {
            const waiter* asked = arbiter_.first_waiter(cell);
            end_lease(at, c, lease_end::preempted, asked ? asked->request.who.who : origin_id{});
        }
        if (d.what == due::event::waiter_expired) {
            refund_wait(d.who.request.who.who);
            end_wait(at, c, d.who, lease_end::expired);
        }
    }
    arm_lease_timer(at, c);
}

template <class Traits>
refusal core<Traits>::release(origin_id who, const lease& l) {
    if (!find_control(who)) return refusal::gone;
    const bool known =
        find_endpoint(l.endpoint) && static_cast<unsigned>(l.lease_class) < lease_class_count;
    if (!known || !arbiter_.check(lease_cell(l.endpoint, l.lease_class), who, l.serial)) {
        audit_.tally(decision::lease_ended);
        return refusal::not_holder;
    }
    const change guard{*this};
    end_lease(l.endpoint, l.lease_class, lease_end::released, who);
    return refusal::none;
}

template <class Traits>
refusal core<Traits>::renew(origin_id who, const lease& l, duration time_to_live) {
    if (!find_control(who)) return refusal::gone;
    if (static_cast<unsigned>(l.lease_class) >= lease_class_count || time_to_live.ns < 0)
        return refusal::invalid;
    if (!find_endpoint(l.endpoint)) return refusal::not_holder;
    const change guard{*this};
    const auto until = arbiter_.renew(lease_cell(l.endpoint, l.lease_class), who, l.serial,
                                      time_to_live, fresh_now());
    if (!until) return until.error();
    arm_lease_timer(l.endpoint, l.lease_class);
    return refusal::none;
}

template <class Traits>
refusal core<Traits>::withdraw(origin_id who, wait_id w) {
    detail::control_slot* control = find_control(who);
    if (!control) return refusal::gone;
    if (!w || w.slot() >= lease_cells) return refusal::invalid;
    const waiter gone = arbiter_.withdraw(w, who);
    if (!gone) {
        audit_.tally(decision::lease_wait_ended); // changes nothing: counted, not recorded
        return refusal::invalid;
    }
    const change guard{*this};
    control->ledger.refund(resource::waiter);
    const endpoint_id at = endpoints_[w.slot() / lease_class_count].id;
    end_wait(at, class_of_cell(w.slot()), gone, lease_end::cancelled);
    arm_lease_timer(at, class_of_cell(w.slot()));
    return refusal::none;
}

template <class Traits>
expected<lease_view, refusal> core<Traits>::status(origin_id who, endpoint_id at,
                                                   lease_class c) const {
    const detail::control_slot* control = find_control(who);
    if (!control) return unexpected<refusal>{refusal::gone};
    if (static_cast<unsigned>(c) >= lease_class_count) return unexpected<refusal>{refusal::invalid};
    if (!find_endpoint(at) || !control->grant.permits(right::observe, at))
        return unexpected<refusal>{refusal::denied};
    const lease_status s = arbiter_.status(lease_cell(at, c));
    lease_view v{s.owner.who, s.serial,     s.since,
                 s.expires,   s.owner.rank, static_cast<std::uint8_t>(s.waiters),
                 {}};
    const std::string_view reason = s.reason.text();
    std::copy(reason.begin(), reason.end(), v.reason.begin());
    return v;
}

template <class Traits>
refusal core<Traits>::force_release(origin_id who, endpoint_id at, lease_class c) {
    const detail::control_slot* control = find_control(who);
    if (!control) return refusal::gone;
    const bool allowed = find_endpoint(at) && control->grant.permits(right::admin, at);
    const refusal why = !allowed                                        ? refusal::denied
                        : static_cast<unsigned>(c) >= lease_class_count ? refusal::invalid
                                                                        : refusal::none;
    audit_record r = audit_record::of(decision::lease_forced).with(why).with(c);
    r.origin = who;
    r.endpoint = at;
    note(r);
    if (why != refusal::none) return why;
    end_lease(at, c, lease_end::forced, who);
    return refusal::none;
}

template <class Traits>
void core<Traits>::force_release(endpoint_id at, lease_class c) {
    if (!find_endpoint(at) || inert()) return;
    audit_record r = audit_record::of(decision::lease_forced).with(c);
    r.endpoint = at;
    r.flags = audit_by_host;
    note(r);
    end_lease(at, c, lease_end::forced);
}

} // namespace vmsig
