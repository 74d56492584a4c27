// core, epochs: lifecycle events of adapters, and the one function in which every epoch ends and
// the next begins.
#pragma once

namespace vmsig {

constexpr transition transition_of(verb v) {
    if (v == verb::reset) return transition::reset;
    return v == verb::snapshot_restore ? transition::restored : transition::powered_off;
}

template <class Traits>
void core<Traits>::on_lifecycle(endpoint_id at, lifecycle l) {
    const change guard{*this};
    endpoint_type& ep = endpoints_[at.slot()];
    lose_held(ep);
    const epoch_number last = ep.epochs.current();
    const epoch_step s = ep.epochs.observe(l.what, limits::counter_limit);
    l.state = ep.vm.apply(l.what);
    l.replayed = 0;
    ep.last_transition = l.what;
    ep.last_cause = l.cause;
    ep.losing_power = l.what == transition::powered_off;
    if (s != epoch_step::kept)
        roll_over(ep, last, l.what, l.cause);
    else if (destructive(l.what))
        ep.absorbed = l;
    if (l.what == transition::restored) release_for_safety(ep);
    lose_held(ep);
    tell_lifecycle(at, l);
}

/// A machine that loses its power holds nothing down: from when neutral has been sent, or when the
/// machine goes on before that.
template <class Traits>
void core<Traits>::lose_held(endpoint_type& ep) {
    if (!ep.losing_power) return;
    ep.losing_power = false;
    ep.held.clear();
    for_each_command(ep, command_class::input, [](node_index, detail::command_node& node) {
        node.power_lost = node.state == detail::command_state::begun;
    });
    neutral_paid(ep);
}

/// In a storm the latest stands for all: for repeated resets, and for whatever happens when no
/// more can be queued.
template <class Traits>
void core<Traits>::tell_lifecycle(endpoint_id at, const lifecycle& l) {
    const kind_traits& t = traits_of(kind::lifecycle);
    std::uint64_t to = subscribers(rows_[at.slot()], t.audience, t.source);
    bool storm = deferred_.room() == 0;
    if (!storm && destructive(l.what))
        deferred_.newest_first([&](detail::deferred_event& d) {
            const auto* waiting =
                d.event.endpoint == at ? d.event.template as<lifecycle>() : nullptr;
            storm = waiting && waiting->what == l.what && waiting->replayed == 0;
            return !waiting;
        });
    if (storm) to = fold(at, l, to, [](lifecycle&, const lifecycle& w) { return w.replayed == 0; });
    if (to != 0 || !storm) tell(at, l, to, false);
}

/// What was taken for a commanded reset was not: it was the guest's own.
template <class Traits>
void core<Traits>::raise_for_absorbed(endpoint_type& ep) {
    const epoch_number last = ep.epochs.current();
    (void)ep.epochs.raise(limits::counter_limit);
    roll_over(ep, last, ep.absorbed.what, ep.absorbed.cause);
}

/// The epoch has risen from `last`: nothing of it acts any more.
template <class Traits>
void core<Traits>::roll_over(endpoint_type& ep, epoch_number last, transition what, cause why,
                             origin_id by, correlation_id with) {
    const change guard{*this};
    audit_record r = audit_record::of(decision::epoch_raised).with(what);
    r.origin = by;
    r.correlation = with;
    r.endpoint = ep.id;
    r.epoch = ep.epochs.current();
    r.detail = static_cast<std::uint32_t>(why);
    note(r);

    rows_[ep.id.slot()].seen = 0;
    // First: those whom neutral or the end of a command calls may publish in the new epoch.
    recall_memctx(ep, ep.memctx.invalidate(last), what, last);
    end_stale_commands(ep);
    neutral(ep, lease_end::epoch);
    end_stale_commands(ep); // what came while adapters were called
    tell_epoch(ep, what, why, {by, with, {}});
    if constexpr (lease_arbiter<arbitration_type, limits::waiters_per_cell>::ends_with_epoch) {
        for (unsigned c = 0; c < lease_class_count; ++c) {
            const auto cls = static_cast<lease_class>(c);
            // The lease of the command that raised it ends when that command does.
            if (!with || cls != lease_class::power) end_lease(ep.id, cls, lease_end::epoch);
        }
    }
    ask_provider(ep);
}

template <class Traits>
void core<Traits>::end_commanded_leases(endpoint_type& ep, const command& by) {
    if constexpr (lease_arbiter<arbitration_type, limits::waiters_per_cell>::ends_with_epoch) {
        if (arbiter_.serial(lease_cell(ep.id, lease_class::power)) == by.serial)
            end_lease(ep.id, lease_class::power, lease_end::epoch);
    }
}

template <class Traits>
void core<Traits>::end_stale_commands(endpoint_type& ep) {
    for (unsigned c = 0; c < command_class_count; ++c) {
        for_each_command(ep, static_cast<command_class>(c),
                         [&](node_index n, detail::command_node& node) {
                             const command_class cls = class_of(node.command.verb);
                             const bool fenced = fenced_class(cls) || node.command.fenced_by_epoch;
                             if (!fenced || ep.epochs.is_current(node.command.epoch)) return;
                             if (node.state == detail::command_state::begun) return;
                             end_command(n, outcome::stale_epoch);
                         });
    }
}

/// To everyone with any right on the endpoint. One that has not been delivered yet stands for this
/// one too.
template <class Traits>
void core<Traits>::tell_epoch(endpoint_type& ep, transition what, cause why,
                              const detail::event_context& about) {
    const epoch_changed changed{what, why, 1};
    const std::uint64_t all =
        rows_[ep.id.slot()].rights[static_cast<unsigned>(audience::any_right)];
    const std::uint64_t rest = fold(
        ep.id, changed, all,
        [](epoch_changed& latest, const epoch_changed& waiting) {
            latest.count += waiting.count;
            return true;
        },
        about);
    if (rest != 0 || all == 0) tell(ep.id, changed, rest, false, about);
}

/// Drop the snapshot, and publish again when ready.
template <class Traits>
void core<Traits>::ask_provider(endpoint_type& ep) {
    detail::adapter_slot* p = serving(ep, role::memctx_provider);
    if (p && !ep.leaving) call(*p, p->table->invalidate, ep.epochs.current());
}

/// For a command that destroys. False: it cannot, or somebody who was called has ended it.
template <class Traits>
bool core<Traits>::raise_for(node_index n) {
    detail::command_node& node = nodes_[n];
    endpoint_type& ep = endpoints_[node.command.endpoint.slot()];
    const change guard{*this};
    const epoch_number last = ep.epochs.current();
    if (!ep.epochs.begin_commanded(limits::counter_limit)) {
        end_command(n, completion::failed(failure::unavailable));
        return false;
    }
    node.is.raised_epoch = true;
    node.command.epoch = ep.epochs.current();
    roll_over(ep, last, transition_of(node.command.verb), cause::host, node.issuer, node.id);
    ep.told_until = deferred_.end();
    return node.state == detail::command_state::chosen;
}

} // namespace vmsig
