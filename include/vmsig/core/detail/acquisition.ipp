// core, acquisition: what `acquire` answers at once: granted, waiting, or refused.
#pragma once

namespace vmsig {

template <class Traits>
acquire_result core<Traits>::refuse_lease(origin_id who, endpoint_id at, lease_class c,
                                          refusal why) {
    audit_record r = audit_record::of(decision::lease_refused).with(why).with(c);
    r.origin = who;
    r.endpoint = at;
    note(r);
    acquire_result out;
    out.why = why;
    if (why != refusal::held) return out;
    if (const auto view = status(who, at, c)) {
        out.holder = view->holder;
        out.since = view->since;
    }
    return out;
}

template <class Traits>
acquire_result core<Traits>::acquire(origin_id who, endpoint_id at, lease_class c,
                                     const lease_options& o) {
    detail::control_slot* control = find_control(who);
    acquire_result gone;
    gone.why = refusal::gone;
    if (!control) return gone;
    if (static_cast<unsigned>(c) >= lease_class_count || o.wait_for.ns < 0 ||
        o.time_to_live.ns < 0 || o.reason.size() > max_lease_reason_bytes)
        return refuse_lease(who, at, c, refusal::invalid);
    if (const refusal why = may_contend(who, at, c); why != refusal::none)
        return refuse_lease(who, at, c, why);
    if (!has_bit(rows_[at.slot()].ready, who.slot()))
        return refuse_lease(who, at, c, refusal::not_ready);
    if (deferred_.room() < detail::acquire_events) return refuse_lease(who, at, c, refusal::busy);

    lease_request request;
    request.who = {who, control->grant.rank_value()};
    request.wait = o.wait;
    if (o.wait_for) request.wait_deadline = fresh_now() + o.wait_for;
    request.time_to_live = o.time_to_live;
    (void)request.reason.assign(o.reason);
    return contend(who, at, c, request);
}

template <class Traits>
refusal core<Traits>::may_contend(origin_id who, endpoint_id at, lease_class c) const {
    const detail::control_slot* control = find_control(who);
    if (!control) return refusal::gone;
    const endpoint_type* ep = find_endpoint(at);
    const bool allowed = ep && !ep->leaving && control->grant.permits(right_of(c), at);
    return allowed ? refusal::none : refusal::denied;
}

/// Also of one that is being detached.
template <class Traits>
void core<Traits>::refund_wait(origin_id who) {
    detail::control_slot& control = controls_[who.slot()];
    if (control.id == who) control.ledger.refund(resource::waiter);
}

/// A queue full of lower ranks keeps nobody from asking: the last of them makes room.
template <class Traits>
void core<Traits>::make_room_to_ask(endpoint_id at, lease_class c, std::uint32_t rank) {
    const waiter last = arbiter_.make_room(lease_cell(at, c), rank);
    if (!last) return;
    refund_wait(last.request.who.who);
    end_wait(at, c, last, lease_end::preempted);
}

template <class Traits>
acquire_result core<Traits>::contend(origin_id who, endpoint_id at, lease_class c,
                                     const lease_request& request) {
    const std::uint32_t cell = lease_cell(at, c);
    const plan p = arbiter_.consider(cell, at, c, request, fresh_now());
    acquire_result out;
    if (p.what == step::refuse) return refuse_lease(who, at, c, p.why);
    const bool charged = p.what == step::grant || p.what == step::preempt;
    if (charged && !audit_.admit(who.slot()))
        return refuse_lease(who, at, c, refusal::audit_unavailable);

    const change guard{*this};
    const auto granted = [&](serial_number s) {
        out.what = acquire_result::status::granted;
        out.lease = {at, s, c};
        arm_lease_timer(at, c);
        return out;
    };
    switch (p.what) {
    case step::already:
        if (request.time_to_live)
            (void)arbiter_.renew(cell, who, arbiter_.serial(cell), request.time_to_live, now_);
        return granted(arbiter_.serial(cell));
    case step::preempt:
        end_lease(at, c, lease_end::preempted, who, false);
        // Adapters were called, and anything may have happened.
        if (const refusal why = may_contend(who, at, c); why != refusal::none) {
            audit_.withdraw(who.slot(), records_per_command);
            if (find_endpoint(at)) hand_on_lease(at, c);
            return refuse_lease(who, at, c, why);
        }
        if (arbiter_.owner(cell)) {
            audit_.withdraw(who.slot(), records_per_command);
            return contend(who, at, c, request);
        }
        [[fallthrough]];
    case step::grant: {
        const waiter mine = arbiter_.withdraw(cell, who); // it waits no longer
        if (mine) refund_wait(who);
        const auto s = grant_lease(at, c, request, mine.id);
        if (s) return granted(*s);
        audit_.withdraw(who.slot(), records_per_command);
        hand_on_lease(at, c);
        return refuse_lease(who, at, c, s.error());
    }
    default: break;
    }
    return queue_up(who, at, c, request, p);
}

/// Waits in line, or, by the decision of the policy, asks the owner.
template <class Traits>
acquire_result core<Traits>::queue_up(origin_id who, endpoint_id at, lease_class c,
                                      const lease_request& request, const plan& p) {
    const std::uint32_t cell = lease_cell(at, c);
    detail::control_slot& control = controls_[who.slot()];
    const bool fresh = !arbiter_.waits(cell, who);
    if (fresh && !control.ledger.charge(resource::waiter))
        return refuse_lease(who, at, c, refusal::busy);
    if (p.what == step::ask && fresh) make_room_to_ask(at, c, request.who.rank);
    const auto id = p.what == step::ask ? arbiter_.begin_ask(cell, request, p.deadline)
                                        : arbiter_.enqueue(cell, request);
    if (!id) {
        if (fresh) control.ledger.refund(resource::waiter);
        return refuse_lease(who, at, c, id.error());
    }
    audit_record r = audit_record::of(decision::lease_waiting).with(c);
    r.origin = who;
    r.endpoint = at;
    r.detail = request.who.rank;
    note(r);
    if (p.what == step::ask) tell_lease_asked(at, c, request.who.rank, p.deadline);
    arm_lease_timer(at, c);
    acquire_result out;
    out.what = acquire_result::status::waiting;
    out.wait = *id;
    return out;
}

} // namespace vmsig
