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
        ++ignored_completions_;
        return;
    }
    const change guard{*this};
    completion result = how;
    if (result.outcome != outcome::done) result.outcome = outcome::failed;
    if (nodes_[n].state == detail::command_state::handed) {
        // Done without having been taken is a lie.
        if (result.outcome == outcome::done) result.outcome = outcome::adapter_fault;
        return end_command(n, result);
    }
    finish(n, result);
}

template <class Traits>
void core<Traits>::finish(node_index n, completion how) {
    detail::command_node& node = nodes_[n];
    const command& c = node.command;
    if (how.outcome != outcome::done && class_of(c.verb) == command_class::input) input_failed(n);
    const bool part = how.outcome == outcome::failed && c.mode == write_mode::best_effort;
    if (c.verb == verb::mem_write && (how.outcome == outcome::done || (part && how.bytes != 0))) {
        const std::uint32_t bytes = how.bytes ? how.bytes : c.memory.length;
        const memory_written w{c.memory.address, c.memory.root, bytes, c.mode};
        how.bytes = bytes;
        tell_observers(c.endpoint, w, {node.issuer, node.id, {}});
    }
    if (how.outcome == outcome::done && c.hold && !node.releasing && !node.lease_over) {
        if (endpoints_[c.endpoint.slot()].epochs.is_current(c.epoch)) return begin_hold(n);
        how.outcome = outcome::stale_epoch; // neutral released it, as at the end of a lease
    }
    end_command(n, how);
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
    node.releasing = true;
    if (node.release_count == 0) return end_command(n, outcome::done);
    node.command.changes = node.release_count;
    std::copy_n(node.release.begin(), node.release_count, node.command.frame);
    if (cell_of(node.command).handed == 0 && !frame_acts(n)) return;
    detail::adapter_slot* to = executor_of(node.command, {});
    if (!to) return end_command(n, outcome::adapter_fault);
    hand_over(n, *to);
}

/// It leaves what waits for its adapter, and what waited for that goes on.
template <class Traits>
void core<Traits>::no_longer_begun(node_index n) {
    detail::command_node& node = nodes_[n];
    if (node.state != detail::command_state::begun) return;
    endpoint_type& ep = endpoints_[node.command.endpoint.slot()];
    const command_class cls = class_of(node.command.verb);
    detail::class_cell& cell = ep.cells[static_cast<unsigned>(cls)];
    --cell.begun;
    if (node.lease_over && --cell.draining == 0) drained(ep, cls);
}

template <class Traits>
void core<Traits>::leave_lists(node_index n) {
    detail::command_node& node = nodes_[n];
    detail::class_cell& cell = cell_of(node.command);
    const auto l = static_cast<unsigned>(node.command.lane);
    if (node.state == detail::command_state::handed) --cell.handed;
    const std::uint32_t number = cell_number(node.command.endpoint, class_of(node.command.verb));
    switch (node.state) {
    case detail::command_state::queued:
        queue_.remove(queue_links(), node.issuer.slot(), node.command.lane, n);
        break;
    case detail::command_state::parked: leave_parking(cell, n); break;
    case detail::command_state::following: {
        const node_index before = node_of(node.command.after);
        if (before != no_node) nodes_[before].followers.remove(queue_links(), n);
        break;
    }
    default: break;
    }
    const bool held =
        node.command.hold && (node.state >= detail::command_state::handed || node.releasing);
    if (held) cell.held[l] = false;
    cell.live.remove(cell_links(), n);
    timers_.cancel(n);
    if (node.unparked)
        cell.ahead[l] = node.unparked = false;
    else if (!held)
        return;
    unpark(number);
}

/// The one way in which an accepted command ends, whatever ended it.
template <class Traits>
void core<Traits>::end_command(node_index n, completion how) {
    detail::command_node& node = nodes_[n];
    if (node.state == detail::command_state::ended || node.state == detail::command_state::free)
        return;
    endpoint_type& ep = endpoints_[node.command.endpoint.slot()];
    if (node.lease_over && node.command.hold && !node.releasing && how.outcome == outcome::done)
        how.outcome = outcome::lease_lost; // released early, by neutral
    const bool begun = has_begun(node);
    if (!begun && how.outcome != outcome::done && how.outcome != outcome::failed)
        how.outcome = stronger(how.outcome, still_fenced(node));
    if (how.outcome == outcome::adapter_fault && ep.leaving) how.outcome = outcome::endpoint_gone;
    no_longer_begun(n);
    leave_lists(n);
    node.state = detail::command_state::ended;
    node.was_begun = begun;
    node.result = how;
    if (!begun) node.adapter = {};
    if (node.raised_epoch) {
        ep.epochs.end_commanded();
        unpark(cell_number(ep.id, command_class::input));
    }
    const command_class cls = class_of(node.command.verb);
    if (cls != command_class::power && cls != command_class::query)
        node.result.state = vm_state::unknown;
    else if (how.state == vm_state::unknown)
        node.result.state = ep.vm.state();

    audit_record r = audit_record::of(decision::command_ended).with(node.command.verb);
    r.with(node.orphan ? outcome::issuer_gone : how.outcome);
    r.origin = node.issuer;
    r.endpoint = node.command.endpoint;
    r.epoch = node.command.epoch;
    r.serial = node.command.serial;
    r.correlation = node.id;
    r.flags = begun ? audit_begun : 0;
    r.detail = static_cast<std::uint32_t>(how.failure);
    write_reserved(r);

    while (!node.followers.empty()) make_eligible(node.followers.pop_front(queue_links()));
    if (!node.orphan) {
        ledger& charges = controls_[node.issuer.slot()].ledger;
        charges.refund(resource::pending);
        if (node.timed) charges.refund(resource::timer);
    }
    deferred_.push_receipt(n);
    if (!node.raised_epoch) return;
    // What follows may end leases and call adapters, so it comes when this command is over.
    end_commanded_leases(ep, node.command);
    if (how.outcome == outcome::stale_epoch) return; // who raised it again asks
    if (how.outcome != outcome::done)
        ask_provider(ep);
    else if (node.command.verb == verb::snapshot_restore)
        release_for_safety(ep);
}

/// Ending one command can end others (by its lease, or an adapter that fails), the next one too:
/// `f` then begins again, and sees some of them twice.
template <class Traits>
template <class F>
void core<Traits>::for_each_command(endpoint_type& ep, command_class c, F&& f) {
    node_index n = ep.cells[static_cast<unsigned>(c)].live.head;
    while (n != no_node) {
        const node_index next = nodes_[n].cell.next;
        f(n, nodes_[n]);
        const bool gone = next != no_node && nodes_[next].state == detail::command_state::ended;
        n = gone ? ep.cells[static_cast<unsigned>(c)].live.head : next;
    }
}

} // namespace vmsig
