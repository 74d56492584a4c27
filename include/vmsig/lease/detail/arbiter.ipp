// Bodies of lease_arbiter. Included by its header only.

namespace vmsig {

template <class P, std::uint32_t W>
lease_status lease_arbiter<P, W>::status(std::uint32_t cell) const {
    const fence& f = at(cell);
    const tenure& t = tenures_[cell];
    const wait_list<W>& waiters = queues_[cell].waiters;
    lease_status s;
    s.owner = {f.owner, t.rank};
    s.serial = f.serial;
    s.since = t.since;
    s.expires = f.expires;
    if (f.owner) s.ask_deadline = waiters.ask_deadline();
    s.waiters = waiters.size();
    s.last_end = t.last_end;
    s.reason = t.reason;
    return s;
}

template <class P, std::uint32_t W>
refusal lease_arbiter<P, W>::queue_problem(std::uint32_t cell, origin_id who) const {
    const queue& q = queue_at(cell);
    if (q.waiters.find(who)) return refusal::none;
    if (!has_room(cell) || q.waits.value >= wait_limit()) return refusal::exhausted;
    return q.waiters.full() ? refusal::busy : refusal::none;
}

template <class P, std::uint32_t W>
plan lease_arbiter<P, W>::wait_or_refuse(std::uint32_t cell, const lease_request& request,
                                         instant now) const {
    if (queue_at(cell).waiters.find(request.who.who)) return {step::wait, {}, {}};
    if (!request.wait || request.waits_until() <= now) return {step::refuse, refusal::held, {}};
    const refusal problem = queue_problem(cell, request.who.who);
    return {problem == refusal::none ? step::wait : step::refuse, problem, {}};
}

template <class P, std::uint32_t W>
plan lease_arbiter<P, W>::consider(std::uint32_t cell, endpoint_id endpoint, lease_class wanted,
                                   const lease_request& request, instant now) const {
    const fence& f = at(cell);
    const wait_list<W>& waiters = queues_[cell].waiters;
    if (!request.valid()) return {step::refuse, refusal::invalid, {}};
    if (f.owner == request.who.who) return {step::already, {}, {}};
    const waiter* mine = waiters.find(request.who.who);
    if (!f.owner) {
        // Free but not handed over yet: nobody slips in before those who are next.
        const waiter* first = waiters.first();
        const bool next = !first || first == mine || first->request.who.rank < request.who.rank;
        if (!next || (first && first != mine && first->asks())) {
            return wait_or_refuse(cell, request, now);
        }
        return has_room(cell) ? plan{step::grant, {}, {}}
                              : plan{step::refuse, refusal::exhausted, {}};
    }
    const lease_party owner{f.owner, tenures_[cell].rank};
    const ruling d = policy_.decide(owner, request.who, endpoint, wanted, now);
    if (d.what == ruling_kind::refuse) return wait_or_refuse(cell, request, now);
    if (d.what == ruling_kind::preempt || d.deadline <= now) {
        return has_room(cell) ? plan{step::preempt, {}, {}}
                              : plan{step::refuse, refusal::exhausted, {}};
    }
    if (mine && mine->asks()) return {step::wait, {}, {}};
    const refusal problem = queue_problem(cell, request.who.who);
    const bool room =
        problem == refusal::busy && waiters.last()->request.who.rank < request.who.rank;
    if (problem != refusal::none && !room) return {step::refuse, problem, {}};
    return {step::ask, {}, d.deadline};
}

template <class P, std::uint32_t W>
expected<serial_number, refusal>
lease_arbiter<P, W>::grant(std::uint32_t cell, const lease_request& request, instant now) {
    fence& f = at(cell);
    if (!request.valid()) return unexpected(refusal::invalid);
    if (f.owner) return unexpected(refusal::held);
    if (!has_room(cell)) return unexpected(refusal::exhausted);
    [[maybe_unused]] const bool rose = f.serial.rise(limit_);
    VMSIG_ASSERT(rose);
    f.owner = request.who.who;
    tenure& t = tenures_[cell];
    t.since = now;
    f.expires = request.expires_if_granted(now);
    t.rank = request.who.rank;
    t.reason = request.reason;
    withdraw(cell, f.owner);
    queues_[cell].waiters.forget_asks();
    return f.serial;
}

template <class P, std::uint32_t W>
ended lease_arbiter<P, W>::end(std::uint32_t cell, lease_end why) {
    fence& f = at(cell);
    if (!f.owner) return {};
    tenure& t = tenures_[cell];
    const ended former{{f.owner, t.rank}, f.serial, t.since, why};
    [[maybe_unused]] const bool rose = f.serial.rise(limit_); // the grant has kept room for it
    VMSIG_ASSERT(rose);
    f.owner = {};
    f.expires = instant::never();
    t = {};
    t.last_end = why;
    return former;
}

template <class P, std::uint32_t W>
expected<instant, refusal> lease_arbiter<P, W>::renew(std::uint32_t cell, origin_id who,
                                                      serial_number serial, duration time_to_live,
                                                      instant now) {
    if (!check(cell, who, serial)) return unexpected(refusal::not_holder);
    if (time_to_live.ns < 0) return unexpected(refusal::invalid);
    fence& f = at(cell);
    f.expires = time_to_live ? now + time_to_live : instant::never();
    return f.expires;
}

template <class P, std::uint32_t W>
expected<wait_id, refusal> lease_arbiter<P, W>::enqueue(std::uint32_t cell,
                                                        const lease_request& request) {
    queue& q = queue_at(cell);
    if (!request.valid()) return unexpected(refusal::invalid);
    if (owner(cell) == request.who.who) return unexpected(refusal::held);
    if (const waiter* mine = q.waiters.find(request.who.who)) return mine->id;
    if (const refusal problem = queue_problem(cell, request.who.who); problem != refusal::none) {
        return unexpected(problem);
    }
    [[maybe_unused]] const bool rose = q.waits.rise(wait_limit());
    VMSIG_ASSERT(rose);
    waiter w;
    w.id = wait_id::make(cell, q.waits.value);
    w.request = request;
    ++waiting_;
    return q.waiters.add(w).id;
}

template <class P, std::uint32_t W>
expected<wait_id, refusal>
lease_arbiter<P, W>::begin_ask(std::uint32_t cell, const lease_request& request, instant deadline) {
    const auto id = enqueue(cell, request);
    if (!id) return id;
    waiter* mine = queues_[cell].waiters.find(request.who.who);
    if (deadline < mine->ask_deadline) mine->ask_deadline = deadline;
    return id;
}

template <class P, std::uint32_t W>
waiter lease_arbiter<P, W>::make_room(std::uint32_t cell, std::uint32_t rank) {
    const wait_list<W>& waiters = queue_at(cell).waiters;
    const bool lower = waiters.full() && waiters.last()->request.who.rank < rank;
    return lower ? take(cell, waiters.last()) : waiter{};
}

template <class P, std::uint32_t W>
refusal lease_arbiter<P, W>::acknowledge(std::uint32_t cell, origin_id who,
                                         serial_number serial) const {
    if (!check(cell, who, serial)) return refusal::not_holder;
    const bool asked = queues_[cell].waiters.ask_deadline() < instant::never();
    return asked ? refusal::none : refusal::invalid;
}

template <class P, std::uint32_t W>
waiter lease_arbiter<P, W>::take(std::uint32_t cell, const waiter* which) {
    if (which) --waiting_;
    return queues_[cell].waiters.take(which);
}

template <class P, std::uint32_t W>
waiter lease_arbiter<P, W>::take_next_waiter(std::uint32_t cell) {
    return take(cell, first_waiter(cell));
}

template <class P, std::uint32_t W>
waiter lease_arbiter<P, W>::withdraw(std::uint32_t cell, origin_id who) {
    return take(cell, queue_at(cell).waiters.find(who));
}

template <class P, std::uint32_t W>
waiter lease_arbiter<P, W>::withdraw(wait_id id, origin_id who) {
    if (!id || id.slot() >= cells()) return {};
    const waiter* mine = queues_[id.slot()].waiters.find(who);
    return mine && mine->id == id ? take(id.slot(), mine) : waiter{};
}

template <class P, std::uint32_t W>
template <class F>
void lease_arbiter<P, W>::drop_waiters_of(origin_id who, F&& told) {
    for (std::uint32_t cell = 0; waiting_ != 0 && cell < cells(); ++cell) {
        if (const waiter dropped = withdraw(cell, who)) told(cell, dropped);
    }
}

template <class P, std::uint32_t W>
template <class F>
void lease_arbiter<P, W>::for_each_held_by(origin_id who, F&& f) const {
    if (!who) return;
    for (std::uint32_t cell = 0; cell < cells(); ++cell) {
        if (fences_[cell].owner == who) f(cell);
    }
}

template <class P, std::uint32_t W>
instant lease_arbiter<P, W>::next_deadline(std::uint32_t cell) const {
    const wait_list<W>& waiters = queue_at(cell).waiters;
    instant earliest = waiters.wait_deadline();
    if (!owner(cell)) return earliest;
    if (at(cell).expires < earliest) earliest = at(cell).expires;
    const instant asked = waiters.ask_deadline();
    return asked < earliest ? asked : earliest;
}

template <class P, std::uint32_t W>
due lease_arbiter<P, W>::expire(std::uint32_t cell, instant now) {
    const wait_list<W>& waiters = queue_at(cell).waiters;
    if (const waiter* late = waiters.first_expired(now)) {
        return {due::event::waiter_expired, take(cell, late)};
    }
    if (!owner(cell)) return {};
    if (at(cell).expires <= now) return {due::event::owner_expired, {}};
    if (waiters.ask_deadline() <= now) return {due::event::ask_elapsed, {}};
    return {};
}

} // namespace vmsig
