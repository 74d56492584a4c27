// core, completion: how what an adapter took, or never got, ends. One function ends every command;
// holds are the one case in which a command begins twice.
#pragma once

namespace vmsig {

template <class Traits>
void core<Traits>::complete(adapter_id by, correlation_id id, const completion& how) {
    const node_index n = node_of(id);
    const bool known = n != no_node && nodes_[n].adapter == by && find_adapter(by);
    const bool open = known && (nodes_[n].state == detail::command_state::begun ||
                                nodes_[n].state == detail::command_state::handed);
    if (!open) {
        return;
    }
    const change guard{*this};
    detail::command_node& node = nodes_[n];
    completion& result = node.result;
    result = how;
    if (result.outcome != outcome::done) result.outcome = outcome::failed;
    if (node.state == detail::command_state::begun) return finish(n);
    // Done without having been taken is a lie.
    if (result.outcome == outcome::done) result.outcome = outcome::adapter_fault;
    conclude(n);
}

/// What was taken is over, as its result says.
template <class Traits>
inline void core<Traits>::finish(node_index n) {
    detail::command_node& node = nodes_[n];
    const command& c = node.command;
    completion& how = node.result;
    if (how.outcome != outcome::done && c.verb == verb::input) input_failed(n);
    const bool part = how.outcome == outcome::failed && c.mode == write_mode::best_effort;
    if (c.verb == verb::mem_write && (how.outcome == outcome::done || (part && how.bytes != 0))) {
        if (how.bytes == 0) how.bytes = c.memory.length;
        const memory_written w{c.memory.address, c.memory.root, how.bytes, c.mode};
        tell_subscribers(c.endpoint, w, {node.issuer, node.id, {}});
    }
    if (how.outcome == outcome::done && c.hold && !node.is.releasing && !node.is.lease_over) {
        if (endpoints_[c.endpoint.slot()].epochs.is_current(c.epoch)) return begin_hold(n);
        how.outcome = outcome::stale_epoch; // neutral released it, as at the end of a lease
    }
    conclude(n);
}

/// The press is done; what it pressed goes up again when the time is over.
template <class Traits>
void core<Traits>::begin_hold(node_index n) {
    detail::command_node& node = nodes_[n];
    no_longer_begun(n);
    node.state = detail::command_state::holding;
    timers_.arm(n, fresh_now() + node.command.hold);
}

template <class Traits>
void core<Traits>::end_hold(node_index n) {
    detail::command_node& node = nodes_[n];
    node.is.releasing = true;
    if (node.release_count == 0) return end_command(n, outcome::done);
    node.command.changes = node.release_count;
    std::copy_n(node.release.begin(), node.release_count, node.command.frame);
    if (cell_of(node).handed == 0 && !frame_acts(n)) return;
    detail::adapter_slot* to = executor_of(node.command, {});
    if (!to) return end_command(n, outcome::adapter_fault);
    hand_over(n, *to);
}

/// It leaves what waits for its adapter, and what waited for that goes on.
template <class Traits>
inline void core<Traits>::no_longer_begun(node_index n) {
    detail::command_node& node = nodes_[n];
    if (node.state != detail::command_state::begun) return;
    detail::class_cell& cell = cell_of(node);
    --cell.begun;
    if (node.is.lease_over && --cell.draining == 0)
        drained(endpoints_[node.command.endpoint.slot()], class_of(node.command.verb));
}

template <class Traits>
inline void core<Traits>::leave_lists(node_index n) {
    detail::command_node& node = nodes_[n];
    detail::class_cell& cell = cell_of(node);
    const auto l = static_cast<unsigned>(node.command.lane);
    if (node.state < detail::command_state::handed)
        leave_waiting(n);
    else if (node.state == detail::command_state::handed)
        --cell.handed;
    const bool held =
        node.command.hold && (node.state >= detail::command_state::handed || node.is.releasing);
    if (held) cell.held[l] = false;
    cell.live.remove(cell_links(), n);
    if (node.is.timed) timers_.cancel(n);
    if (std::exchange(node.is.unparked, false))
        --cell.ahead[l];
    else if (!held)
        return;
    unpark(node.cell_number);
}

/// The place where it waits for its turn.
template <class Traits>
void core<Traits>::leave_waiting(node_index n) {
    detail::command_node& node = nodes_[n];
    switch (node.state) {
    case detail::command_state::queued:
        queue_.remove(queue_links(), node.issuer.slot(), node.command.lane, n);
        break;
    case detail::command_state::parked: leave_parking(cell_of(node), n); break;
    case detail::command_state::following: {
        const node_index before = node_of(node.command.after);
        if (before != no_node) nodes_[before].followers.remove(queue_links(), n);
        break;
    }
    default: break;
    }
}

template <class Traits>
void core<Traits>::end_command(node_index n, const completion& how) {
    if (is_over(nodes_[n])) return;
    nodes_[n].result = how;
    conclude(n);
}

/// The one way in which an accepted command ends, whatever ended it.
template <class Traits>
void core<Traits>::conclude(node_index n) {
    detail::command_node& node = nodes_[n];
    if (is_over(node)) return;
    endpoint_type& ep = endpoints_[node.command.endpoint.slot()];
    completion& how = node.result;
    if (node.is.lease_over && node.command.hold && !node.is.releasing &&
        how.outcome == outcome::done)
        how.outcome = outcome::lease_lost; // released early, by neutral
    const bool begun = has_begun(node);
    if (!begun && how.outcome != outcome::done && how.outcome != outcome::failed)
        how.outcome = stronger(how.outcome, still_fenced(node));
    if (how.outcome == outcome::adapter_fault && ep.leaving) how.outcome = outcome::endpoint_gone;
    no_longer_begun(n);
    leave_lists(n);
    node.state = detail::command_state::ended;
    node.was_begun = begun;
    if (!begun) node.adapter = {};
    bool absorbed = false;
    if (node.is.raised_epoch) {
        absorbed = ep.epochs.end_commanded(how.outcome == outcome::done);
        for (unsigned c = 0; c < command_class_count; ++c)
            if (fenced_class(static_cast<command_class>(c)))
                unpark(cell_number(ep.id, static_cast<command_class>(c)));
    }
    const command_class cls = class_of(node.command.verb);
    if (cls != command_class::power && cls != command_class::query)
        how.state = vm_state::unknown;
    else if (how.state == vm_state::unknown)
        how.state = ep.vm.state();

    audit_record r = audit_record::of(decision::command_ended).with(node.command.verb);
    r.with(node.is.orphan ? outcome::issuer_gone : how.outcome);
    r.origin = node.issuer;
    r.endpoint = node.command.endpoint;
    r.epoch = node.command.epoch;
    r.serial = node.command.serial;
    r.correlation = node.id;
    r.flags = begun ? audit_begun : 0;
    r.detail = static_cast<std::uint32_t>(how.failure);
    write_reserved(r);
    if (node.command.verb == verb::mem_read && how.outcome == outcome::done)
        audit_.contents(node.id, node.command, pool_.bytes(node.bulk));

    while (!node.followers.empty()) make_eligible(node.followers.pop_front(queue_links()));
    if (!node.is.orphan) {
        ledger& charges = controls_[node.issuer.slot()].ledger;
        charges.refund(resource::pending);
        if (node.is.timed) charges.refund(resource::timer);
    }
    deferred_.push_receipt(n);
    if (node.is.raised_epoch) after_commanded(n, how.outcome, absorbed);
}

/// What follows the end of a command that raised the epoch may end leases and call adapters.
template <class Traits>
void core<Traits>::after_commanded(node_index n, outcome how, bool absorbed) {
    const command& c = nodes_[n].command;
    endpoint_type& ep = endpoints_[c.endpoint.slot()];
    end_commanded_leases(ep, c);
    if (absorbed && !ep.leaving) return raise_for_absorbed(ep);
    if (how == outcome::stale_epoch) return; // who raised it again asks
    if (how != outcome::done)
        ask_provider(ep);
    else if (c.verb == verb::snapshot_restore)
        release_for_safety(ep);
}

/// Ending one command can end others (by its lease, or an adapter that fails), the next one too:
/// `f` then begins again, and sees some of them twice.
template <class Traits>
template <class F>
void core<Traits>::for_each_command(endpoint_type& ep, command_class c, F&& f) {
    node_index n = cell_at(ep.id, c).live.head;
    while (n != no_node) {
        const node_index next = nodes_[n].cell.next;
        f(n, nodes_[n]);
        const bool gone = next != no_node && nodes_[next].state == detail::command_state::ended;
        n = gone ? cell_at(ep.id, c).live.head : next;
    }
}

} // namespace vmsig
