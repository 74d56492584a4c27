// core, endpoints: add, name, remove; and what the host may ask.
#pragma once

namespace vmsig {

template <class Traits>
typename core<Traits>::endpoint_type* core<Traits>::find_endpoint(endpoint_id id) {
    return const_cast<endpoint_type*>(std::as_const(*this).find_endpoint(id));
}
template <class Traits>
const typename core<Traits>::endpoint_type* core<Traits>::find_endpoint(endpoint_id id) const {
    VMSIG_ASSERT(on_loop_thread());
    if (id.slot() >= limits::endpoints) return nullptr;
    const endpoint_type& ep = endpoints_[id.slot()];
    return ep.live && ep.id == id ? &ep : nullptr;
}

template <class Traits>
endpoint_id core<Traits>::add_endpoint(std::string_view name) {
    if (inert()) throw setup_error{setup_fault::inert, "a forked child has no bus"};
    if (!fits(name, limits::endpoint_name_bytes) || find_endpoint(name))
        throw setup_error{setup_fault::name_taken, "endpoint name taken, empty or too long"};
    for (unsigned slot = 0; slot < limits::endpoints; ++slot) {
        endpoint_type& ep = endpoints_[slot];
        if (ep.live || ep.leaving || ep.generation >= limits::generation_limit) continue;
        const std::uint64_t generation = ep.generation + 1;
        ep = {};
        ep.generation = generation;
        ep.id = endpoint_id::make(slot, generation);
        ep.live = true;
        std::copy(name.begin(), name.end(), ep.name.begin());
        rows_[slot] = {};
        std::fill_n(&cells_[cell_number(ep.id, {})], command_class_count, detail::class_cell{});
        const change guard{*this};
        audit_record r = audit_record::of(decision::endpoint_added);
        r.endpoint = ep.id;
        r.epoch = ep.epochs.current();
        note(r);
        for (unsigned i = 0; i < limits::controls; ++i)
            if (controls_[i].live) request_replay(controls_[i], bit(slot));
        return ep.id;
    }
    const bool full = std::all_of(endpoints_.begin(), endpoints_.end(),
                                  [](const auto& ep) { return ep.live || ep.leaving; });
    throw setup_error{full ? setup_fault::table_full : setup_fault::exhausted,
                      "no room for another endpoint"};
}

template <class Traits>
void core<Traits>::remove_endpoint(endpoint_id id) {
    endpoint_type* ep = find_endpoint(id);
    if (!ep || ep->leaving || inert()) return;
    const change guard{*this};
    const unsigned slot = id.slot();
    ep->leaving = true;
    leaving_endpoints_ |= bit(id.slot());
    for (unsigned c = 0; c < lease_class_count; ++c) {
        const auto cls = static_cast<lease_class>(c);
        end_lease(id, cls, lease_end::endpoint_gone, {}, false);
        while (const waiter w = arbiter_.take_next_waiter(lease_cell(id, cls))) {
            refund_wait(w.request.who.who);
            end_wait(id, cls, w, lease_end::endpoint_gone);
        }
        arm_lease_timer(id, cls);
    }
    for (unsigned c = 0; c < command_class_count; ++c)
        for_each_command(*ep, static_cast<command_class>(c),
                         [&](node_index n, auto&) { end_command(n, outcome::endpoint_gone); });
    recall_memctx(*ep, ep->memctx.unregister(), transition::none, ep->epochs.current());
    for (detail::adapter_slot& a : adapters_)
        if (a.live && a.endpoint == id) detach_adapter(a.id, false);
    tell_gaps(*ep); // the last that is told of it but its end
    event e;
    e.kind = kind::endpoint_removed;
    e.lane = lane::safety;
    e.endpoint = id;
    e.epoch = ep->epochs.current();
    e.timestamp = now_;
    const std::uint64_t to =
        rows_[slot].rights[static_cast<unsigned>(audience::any_right)] | rows_[slot].found;
    observer_.on_event(e, ++event_number_, to);
    defer(id, e, to, audience::addressee, true);

    audit_record r = audit_record::of(decision::endpoint_removed);
    r.endpoint = id;
    r.epoch = ep->epochs.current();
    note(r);
    for (unsigned i = 0; i < limits::controls; ++i) {
        controls_[i].grant.forget(id);
        controls_[i].subscription.forget(id);
        controls_[i].replay &= ~bit(slot);
    }
    for (unsigned c = 0; c < command_class_count; ++c) {
        timers_.cancel(pace_timers + cell_number(id, static_cast<command_class>(c)));
        timers_.cancel(drain_timers + cell_number(id, static_cast<command_class>(c)));
    }
    rows_[slot] = {};
    forget_losses(*ep, ep->losers);
    ep->live = false;
    reap_needed_ = true;
    if (!in_turn_) ring_once();
}

template <class Traits>
expected<endpoint_id, refusal> core<Traits>::find_endpoint(std::string_view name) const {
    for (const endpoint_type& ep : endpoints_)
        if (ep.live && name == ep.name.data()) return ep.id;
    return unexpected<refusal>{refusal::denied};
}

template <class Traits>
expected<endpoint_id, refusal> core<Traits>::find_visible(origin_id who, std::string_view name) {
    const detail::control_slot* control = find_control(who);
    if (!control) return unexpected<refusal>{refusal::gone};
    const auto found = find_endpoint(name);
    if (!found || endpoints_[found->slot()].leaving || !control->grant.rights_on(*found).any())
        return unexpected<refusal>{refusal::denied};
    rows_[found->slot()].found |= bit(who.slot());
    return found;
}

template <class Traits>
std::string_view core<Traits>::name_of(endpoint_id e) const {
    const bool ours = e && e.slot() < limits::endpoints && endpoints_[e.slot()].id == e;
    return ours ? std::string_view{endpoints_[e.slot()].name.data()} : std::string_view{};
}
template <class Traits>
epoch_number core<Traits>::epoch_of(endpoint_id e) const {
    const endpoint_type* ep = find_endpoint(e);
    return ep ? ep->epochs.current() : epoch_number{};
}
template <class Traits>
vm_state core<Traits>::state_of(endpoint_id e) const {
    const endpoint_type* ep = find_endpoint(e);
    return ep ? ep->vm.state() : vm_state::unknown;
}
template <class Traits>
lease_status core<Traits>::lease_of(endpoint_id e, lease_class c) const {
    return find_endpoint(e) ? arbiter_.status(lease_cell(e, c)) : lease_status{};
}
template <class Traits>
template <class F>
void core<Traits>::for_each_endpoint(F&& f) const {
    for (const endpoint_type& ep : endpoints_)
        if (ep.live) f(ep.id, std::string_view{ep.name.data()});
}

template <class Traits>
template <class F>
void core<Traits>::for_each_control(F&& f) const {
    for (unsigned i = 0; i < limits::controls; ++i)
        if (controls_[i].live) f(controls_[i].id, controls_[i].grant);
}

template <class Traits>
std::uint32_t core<Traits>::pending_of(origin_id who) const {
    const detail::control_slot* c = find_control(who);
    return c ? c->ledger.held(resource::pending) : 0;
}

/// What the sink still has of that endpoint's decisions; `unsupported` if it keeps nothing.
template <class Traits>
expected<std::size_t, refusal>
core<Traits>::read_audit(origin_id who, endpoint_id at, std::size_t last,
                         function_ref<void(const audit_record&)> f) const {
    const detail::control_slot* control = find_control(who);
    if (!control) return unexpected<refusal>{refusal::gone};
    if (!find_endpoint(at) || !control->grant.permits(right::admin, at))
        return unexpected<refusal>{refusal::denied};
    if constexpr (requires { audit_.sink().for_each_last(last, f); }) {
        std::size_t told = 0;
        audit_.sink().for_each_last(last, [&](const audit_record& r) {
            if (r.endpoint != at) return;
            ++told;
            f(r);
        });
        return told;
    } else {
        return unexpected<refusal>{refusal::unsupported};
    }
}

template <class Traits>
expected<endpoint_statistics, refusal> core<Traits>::statistics(origin_id who,
                                                                endpoint_id at) const {
    const detail::control_slot* control = find_control(who);
    if (!control) return unexpected<refusal>{refusal::gone};
    const endpoint_type* ep = find_endpoint(at);
    if (!ep || !control->grant.permits(right::admin, at))
        return unexpected<refusal>{refusal::denied};
    endpoint_statistics s = ep->counts;
    s.epoch = ep->epochs.current();
    s.dropped_publications = ep->memctx.drops();
    return s;
}

template <class Traits>
void core<Traits>::set_pace(endpoint_id e, command_class c, duration interval) {
    endpoint_type* ep = find_endpoint(e);
    if (!ep) return;
    cell_at(e, c).pace.interval = interval;
    unpark(cell_number(e, c));
    if (!in_turn_) ring_once();
}

template <class Traits>
kind core<Traits>::register_kind(std::string_view name, const kind_traits& t) {
    const bool own = t.audience == audience::addressee || t.audience == audience::any_right ||
                     t.audience == audience::memctx_takers || t.folds || t.retained;
    if (own) throw setup_error{setup_fault::bad_kind, "only the bus's own kinds are like that"};
    if (!fits(name, kind_names_[0].size() - 1))
        throw setup_error{setup_fault::name_taken, "kind name empty or too long"};
    const detail::kind_row wanted{t.audience, t.source, t.lane, t.coalesces};
    for (auto k = static_cast<unsigned>(kind::first_host); k < max_kinds; ++k) {
        const bool taken = emittable(static_cast<kind>(k));
        if (taken && name != kind_names_[k].data()) continue;
        if (taken && kinds_[k] != wanted)
            throw setup_error{setup_fault::name_taken, "kind name taken with other traits"};
        kinds_[k] = wanted;
        std::copy(name.begin(), name.end(), kind_names_[k].begin());
        return static_cast<kind>(k);
    }
    throw setup_error{setup_fault::table_full, "no room for another kind"};
}

template <class Traits>
std::string_view core<Traits>::name_of(kind k) const {
    const auto n = static_cast<unsigned>(k);
    if (n < static_cast<unsigned>(kind::first_host)) return traits_of(k).name;
    return n < max_kinds ? std::string_view{kind_names_[n].data()} : std::string_view{};
}

template <class Traits>
kind_traits core<Traits>::kind_traits_of(kind k) const {
    const auto n = static_cast<unsigned>(k);
    if (n < static_cast<unsigned>(kind::first_host)) return traits_of(k);
    if (!emittable(k)) return {};
    const detail::kind_row& row = kinds_[n];
    return {name_of(k), row.audience, row.source, row.lane, row.coalesces, false, false};
}

template <class Traits>
source core<Traits>::name_source(std::string_view name) {
    if (!fits(name, source_names_[0].size() - 1))
        throw setup_error{setup_fault::name_taken, "source name empty or too long"};
    for (unsigned s = first_host_source; s < max_sources; ++s) {
        if (source_names_[s][0] != 0 && name != source_names_[s].data()) continue;
        std::copy(name.begin(), name.end(), source_names_[s].begin());
        return static_cast<source>(s);
    }
    throw setup_error{setup_fault::table_full, "no room for another source"};
}

} // namespace vmsig
