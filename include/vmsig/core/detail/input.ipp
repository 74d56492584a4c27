// core, input: what a lease holds down goes up again when the lease or the epoch ends, in reverse
// order, before the next owner's first key. Until the adapter has accepted all of it, the next
// owner's input waits; an adapter that does not within the deadline is quarantined.
#pragma once

namespace vmsig {

template <class Traits>
detail::adapter_slot* core<Traits>::input_adapter_for(const endpoint_type& ep,
                                                      const input_change& c) {
    for (const adapter_id id : ep.input) {
        detail::adapter_slot* a = find_adapter(id);
        if (a && a->codes.has(c)) return a;
    }
    return nullptr;
}

template <class Traits>
void core<Traits>::note_neutral(const endpoint_type& ep, lease_end why, origin_id whose,
                                std::size_t released) {
    audit_record r = audit_record::of(decision::neutral).with(why).with(lease_class::input);
    r.origin = whose;
    r.endpoint = ep.id;
    r.epoch = ep.epochs.current();
    r.detail = static_cast<std::uint32_t>(released);
    note(r);
}

/// Total: it needs no grant, no room, no pace.
template <class Traits>
void core<Traits>::neutral(endpoint_type& ep, lease_end why, origin_id whose) {
    if (ep.held.neutral()) return;
    note_neutral(ep, why, whose, ep.held.keys() + ep.held.touches());
    ep.neutral_owed = true;
    pay_neutral(ep);
    if (ep.neutral_owed) start_drain(ep, command_class::input);
}

/// Sends as much of the inverse as the adapters accept.
template <class Traits>
void core<Traits>::pay_neutral(endpoint_type& ep) {
    if (ep.neutral_under_way) return; // an adapter calls from inside it
    ep.neutral_under_way = true;
    std::array<input_change, max_inverse_changes> buffer;
    std::size_t taken = 1;
    while (ep.neutral_owed && !ep.held.neutral() && taken != 0) {
        const input_frame all = ep.held.inverse(buffer);
        detail::adapter_slot* to = input_adapter_for(ep, all.front());
        VMSIG_ASSERT(to); // what a device that is gone held is forgotten
        std::size_t run = 1;
        while (run < all.size() && input_adapter_for(ep, all[run]) == to) ++run;
        const adapter_id id = to->id;
        taken = std::min(run, call(*to, to->table->neutral, all.first(run)));
        if (!find_adapter(id)) {
            taken = 1; // quarantined: it threw
            continue;
        }
        if (taken != 0 && selects_slot(all[taken - 1])) --taken; // half a touch is none
        ep.held.commit(all.first(taken)); // by name: it may have taken a frame meanwhile
    }
    ep.neutral_under_way = false;
    if (ep.held.neutral()) neutral_paid(ep);
}

/// What `a` holds down, but for what is in `kept`, goes up; what it does not accept is forgotten
/// only when it leaves.
template <class Traits>
void core<Traits>::lift(endpoint_type& ep, detail::adapter_slot& a, lease_end why,
                        const held_set& kept) {
    std::array<input_change, max_inverse_changes> buffer;
    std::size_t n = ep.held.inverse(buffer).size();
    // From there on only keys, and touches with their slots, that are `wanted`.
    const auto leave_only = [&](std::size_t from, auto&& wanted) {
        bool key_or_touch = false;
        const std::size_t end = std::exchange(n, from);
        for (const input_change& c : std::span{buffer}.subspan(from, end - from)) {
            if (!is_contact(c)) key_or_touch = wanted(c);
            if (key_or_touch) buffer[n++] = c;
        }
    };
    const auto down_in = [](const held_set& set, const input_change& c) {
        return selects_slot(c) ? set.holds_touch(c.value) : set.holds_key(c.code);
    };
    leave_only(0, [&](const input_change& c) {
        return input_adapter_for(ep, c) == &a && !down_in(kept, c);
    });
    if (n == 0) return;
    const origin_id owner = arbiter_.owner(lease_cell(ep.id, lease_class::input));
    const auto contacts = std::count_if(buffer.data(), buffer.data() + n, is_contact);
    note_neutral(ep, why, owner, n - static_cast<std::size_t>(contacts));
    const adapter_id id = a.id;
    std::size_t sent = 0;
    while (sent < n) {
        const input_frame rest = std::span{buffer}.subspan(sent, n - sent);
        const std::size_t taken = call(a, a.table->neutral, rest);
        if (!find_adapter(id)) return; // quarantined: it threw
        std::size_t next = std::min(taken, rest.size());
        if (next < rest.size() && is_contact(rest[next])) --next; // not without its slot
        if (next == 0) break;
        ep.held.commit(rest.first(next)); // now: it may ask what it still owes
        sent += next;
        leave_only(sent, [&](const input_change& c) { return down_in(ep.held, c); }); // so far
    }
    if (why == lease_end::adapter_gone) ep.held.commit(std::span{buffer}.subspan(sent, n - sent));
    if (ep.held.neutral()) neutral_paid(ep);
}

/// Its device is gone, and what it held with it: whoever takes these codes next has pressed none.
template <class Traits>
void core<Traits>::forget_held(endpoint_type& ep, const detail::adapter_slot& a) {
    std::array<input_change, max_inverse_changes> buffer;
    const input_frame all = ep.held.inverse(buffer);
    for (std::size_t n = 0; n < all.size(); ++n) {
        const std::size_t changes = selects_slot(all[n]) ? 2 : 1; // with its contact
        if (a.codes.has(all[n])) ep.held.commit(all.subspan(n, changes));
        n += changes - 1;
    }
}

/// It may have been applied in part. Under a lease that is over, its inverse is due again; in an
/// epoch that is over only what nothing else has pressed since: its owner may drive on.
template <class Traits>
void core<Traits>::input_failed(node_index n) {
    detail::command_node& node = nodes_[n];
    endpoint_type& ep = endpoints_[node.command.endpoint.slot()];
    if (node.state != detail::command_state::begun || node.power_lost) return;
    const held_set before = ep.held;
    ep.held.failed(frame_of(node));
    if (node.is.lease_over) return neutral(ep, lease_end::none, node.issuer);
    detail::adapter_slot* a = find_adapter(node.adapter);
    if (!a || a->leaving || ep.epochs.is_current(node.command.epoch)) return;
    lift(ep, *a, lease_end::epoch, before);
}

template <class Traits>
void core<Traits>::neutral_paid(endpoint_type& ep) {
    if (!ep.neutral_owed) return;
    ep.neutral_owed = false;
    drained(ep, command_class::input);
}

/// After a restore the machine may believe modifiers and buttons down that nobody holds.
template <class Traits>
void core<Traits>::release_for_safety(endpoint_type& ep) {
    for (const adapter_id id : ep.input) {
        detail::adapter_slot* a = find_adapter(id);
        if (!a) continue;
        std::array<input_change, all_safety_releases.size()> out;
        const input_frame releases = safety_releases(a->codes, out);
        if (releases.empty()) continue;
        const std::size_t taken = call(*a, a->table->neutral, releases);
        if (!find_adapter(id)) continue; // quarantined: it threw
        const std::size_t n = std::min(taken, releases.size());
        ep.held.commit(releases.first(n)); // also what was pressed since the epoch rose
        if (n < releases.size()) owe(ep, releases.subspan(n));
    }
    if (ep.held.neutral()) neutral_paid(ep);
}

/// As if the lease had held them: they go up when the adapter accepts them.
template <class Traits>
void core<Traits>::owe(endpoint_type& ep, input_frame releases) {
    for (const input_change& up : releases) {
        const input_change down = input_change::key(up.code, true);
        if (!ep.held.holds_key(up.code) && ep.held.keys() < max_held_keys)
            ep.held.commit({&down, 1});
    }
    ep.neutral_owed = true;
    start_drain(ep, command_class::input);
}

template <class Traits>
void core<Traits>::input_ready(adapter_id by) {
    detail::adapter_slot* a = find_adapter(by);
    if (!a) return;
    const change guard{*this};
    pay_neutral(endpoints_[a->endpoint.slot()]);
}

/// Something of an ended lease is not over yet: its adapter has until the deadline.
template <class Traits>
void core<Traits>::start_drain(endpoint_type& ep, command_class c) {
    const bool owed = ep.neutral_owed && c == command_class::input;
    if (cell_at(ep.id, c).draining == 0 && !owed) return;
    const std::uint32_t key = drain_timers + cell_number(ep.id, c);
    if (!timers_.armed(key)) timers_.arm(key, fresh_now() + drain_deadline_);
}

template <class Traits>
void core<Traits>::drained(endpoint_type& ep, command_class c) {
    const bool owed = ep.neutral_owed && c == command_class::input;
    if (cell_at(ep.id, c).draining != 0 || owed) return;
    timers_.cancel(drain_timers + cell_number(ep.id, c));
    unpark(cell_number(ep.id, c));
}

template <class Traits>
void core<Traits>::on_drain_timer(std::uint32_t cell) {
    endpoint_type& ep = endpoints_[cell / command_class_count];
    const auto c = static_cast<command_class>(cell % command_class_count);
    const change guard{*this};
    const auto unfinished = [&] {
        adapter_id late;
        for_each_command(ep, c, [&late](node_index, detail::command_node& node) {
            if (node.is.lease_over && node.state == detail::command_state::begun)
                late = node.adapter;
        });
        return late;
    };
    while (const adapter_id late = unfinished()) detach_adapter(late, true);
    if (c == command_class::input && ep.neutral_owed && !ep.held.neutral()) {
        std::array<input_change, max_inverse_changes> buffer;
        detail::adapter_slot* owes = input_adapter_for(ep, ep.held.inverse(buffer).front());
        if (owes) detach_adapter(owes->id, true);
    }
    if (ep.live) start_drain(ep, c); // those who were not asked yet have their time too
}

} // namespace vmsig
