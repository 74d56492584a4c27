// core, adapters: attach with its roles, detach, quarantine.
//
// An adapter leaves in peace or by a fault. In peace it is asked to release what it holds down, and
// a lease survives while another adapter serves its class. After a fault (it threw, blocked, or let
// a deadline pass) nothing of it is called but `on_detached`, and the leases of all classes that it
// served end.
#pragma once

namespace vmsig {

/// Every call of an adapter, except in a child that was forked inside a callback and returned from
/// it: the machine is the parent's. One that took too long is its last.
template <class Traits>
template <class F, class... Args>
inline auto core<Traits>::call(detail::adapter_slot& a, F&& entry, Args&&... args)
    -> std::invoke_result_t<F, adapter_binding&, Args...> {
    if (inert()) return std::invoke_result_t<F, adapter_binding&, Args...>();
    struct scope : call_watch::scope {
        scope(core& c, adapter_id id)
            : call_watch::scope{c.calls_, id}
            , bus{c}
            , who{id} {}
        ~scope() {
            if (!this->overdue()) return;
            bus.adapters_[who.slot()].overdue = true;
            bus.detach_adapter(who, true);
        }
        core& bus;
        adapter_id who;
    } const under_way{*this, a.id};
    return entry(a.binding, std::forward<Args>(args)...);
}

template <class Traits>
detail::adapter_slot* core<Traits>::find_adapter(adapter_id id) {
    VMSIG_ASSERT(on_loop_thread());
    if (id.slot() >= limits::adapters) return nullptr;
    detail::adapter_slot& a = adapters_[id.slot()];
    return a.live && a.id == id ? &a : nullptr;
}

template <class Traits>
template <adapter A>
adapter_id core<Traits>::attach_adapter(A& a, endpoint_id to) {
    return bind_adapter(&a, adapter_table_for<A>::value, to);
}

template <class Traits>
adapter_id core<Traits>::bind_adapter(void* object, const adapter_table& table, endpoint_id to) {
    if (inert()) throw setup_error{setup_fault::inert, "a forked child has no bus"};
    endpoint_type* ep = find_endpoint(to);
    if (!ep || ep->leaving) throw setup_error{setup_fault::no_such_endpoint, "no such endpoint"};
    detail::adapter_slot* a = nullptr;
    for (unsigned slot = 0; slot < limits::adapters && !a; ++slot) {
        detail::adapter_slot& candidate = adapters_[slot];
        if (candidate.live || candidate.leaving || candidate.generation >= limits::generation_limit)
            continue;
        a = &candidate;
        a->id = adapter_id::make(slot, ++a->generation);
    }
    if (!a) {
        const bool full = std::all_of(adapters_.begin(), adapters_.end(),
                                      [](const auto& s) { return s.live || s.leaving; });
        throw setup_error{full ? setup_fault::table_full : setup_fault::exhausted,
                          "no room for another adapter"};
    }
    a->endpoint = to;
    a->table = &table;
    a->binding = {object, adapter_handle{*anchor_, a->id}};
    a->watches = 0;
    a->allocates = a->overdue = false;
    a->leaving = true; // the place is taken, whoever is attached while its codes are asked for
    const change guard{*this};
    audit_record r = audit_record::of(decision::adapter_attached);
    r.endpoint = to;
    r.detail = static_cast<std::uint32_t>(table.serves.bits);
    const adapter_id id = a->id;
    const setup_fault f = claim_roles(*ep, *a);
    a->leaving = false;
    if (f != setup_fault::none) {
        r.what = decision::adapter_refused;
        note(r.with(f == setup_fault::adapter_failed ? refusal::invalid : refusal::held));
        throw setup_error{f, f == setup_fault::role_taken    ? "the endpoint has such an adapter"
                             : f == setup_fault::codes_clash ? "input codes clash"
                             : ep->leaving                   ? "no such endpoint"
                                                             : "no room for its role"};
    }
    a->live = a->farewell_owed = true;
    a->lifted = false;
    note(r);
    adapter_attached told;
    told.adapter = id.value;
    told.roles = static_cast<std::uint32_t>(table.serves.bits);
    tell_subscribers(to, told);
    if (table.on_attach) call(*a, table.on_attach);
    if (table.serves.has(role::memctx_provider) && find_adapter(id) &&
        ep->memctx.closed(ep->epochs.current())) {
        // Another provider's memory stood for this epoch.
        const epoch_number last = ep->epochs.current();
        (void)ep->epochs.raise(limits::counter_limit);
        roll_over(*ep, last, transition::memory_replaced, cause::host);
    }
    if (!find_adapter(id)) throw setup_error{setup_fault::adapter_failed, "failed in on_attach"};
    return id;
}

/// One adapter per role for memory and host management; disjoint codes for input.
template <class Traits>
setup_fault core<Traits>::claim_roles(endpoint_type& ep, detail::adapter_slot& a) {
    const roles wants = a.table->serves;
    if (wants.has(role::input)) { // first: anything may happen while it is asked
        const input_codes* codes = call(a, a.table->codes);
        if (!codes || a.overdue) return setup_fault::adapter_failed;
        a.codes = *codes;
        if (ep.leaving) return setup_fault::no_such_endpoint;
    }
    for (const role r : {role::memctx_provider, role::memory_writer, role::host_management})
        if (wants.has(r) && ep.served[static_cast<unsigned>(r)]) return setup_fault::role_taken;
    adapter_id* place = nullptr;
    if (wants.has(role::input)) {
        for (adapter_id& other : ep.input) {
            detail::adapter_slot* o = find_adapter(other);
            if (!o && !place) place = &other;
            if (o && o->codes.intersects(a.codes)) return setup_fault::codes_clash;
        }
        if (!place) return setup_fault::table_full;
    }
    if (wants.has(role::memctx_provider) && !ep.memctx.register_provider())
        return setup_fault::role_taken;
    if (place) *place = a.id;
    for (const role r : {role::memctx_provider, role::memory_writer, role::host_management})
        if (wants.has(r)) ep.served[static_cast<unsigned>(r)] = a.id;
    return setup_fault::none;
}

template <class Traits>
void core<Traits>::detach(adapter_id id) {
    detach_adapter(id, false);
}

/// `fault`: it threw, blocked or lied; nothing of it is called any more but `on_detached`. Another
/// adapter that is called meanwhile may detach it too: then that call does the rest, for when it
/// returns the adapter may be destroyed.
template <class Traits>
void core<Traits>::detach_adapter(adapter_id id, bool fault) {
    VMSIG_ASSERT(on_loop_thread());
    if (id.slot() >= limits::adapters || inert()) return;
    detail::adapter_slot* const a = &adapters_[id.slot()];
    if (a->id != id || !a->farewell_owed) return;
    const change guard{*this};
    endpoint_type& ep = endpoints_[a->endpoint.slot()];
    if (!fault && a->table->serves.has(role::input) && !std::exchange(a->lifted, true)) {
        end_commands_at(*a, ep, command_class::input);
        lift(ep, *a, lease_end::adapter_gone, held_set{});
        if (!a->farewell_owed) return; // it threw in there, or left, and that detached it
    }
    if (std::exchange(a->live, false)) {
        a->leaving = true;
        a->next_leaving =
            std::exchange(leaving_adapter_, static_cast<std::uint16_t>(id.slot() + 1));
        reap_needed_ = true;
    }
    while (a->first_watch != 0) drop_watch(watches_[a->first_watch - 1u].id);
    if (a->allocates) discard_blocks_of(id);
    end_work_of(*a, ep, fault);
    if (!std::exchange(a->farewell_owed, false)) return;

    audit_record r =
        audit_record::of(fault ? decision::adapter_quarantined : decision::adapter_detached);
    r.endpoint = ep.id;
    r.detail = static_cast<std::uint32_t>(a->table->serves.bits);
    note(r);
    adapter_detached told;
    told.adapter = id.value;
    told.roles = static_cast<std::uint32_t>(a->table->serves.bits);
    told.fault = fault ? 1 : 0;
    if (ep.live && !ep.leaving) tell_subscribers(ep.id, told);
    if (a->table->on_detached) call(*a, a->table->on_detached);
    if (!in_turn_) ring_once();
}

template <class Traits>
void core<Traits>::drop_role(endpoint_type& ep, role r, adapter_id id) {
    adapter_id& place = ep.served[static_cast<unsigned>(r)];
    if (place == id) place = {};
}

/// What it was given, or, where nobody else serves the class, what it would have been given.
template <class Traits>
void core<Traits>::end_commands_at(const detail::adapter_slot& a, endpoint_type& ep,
                                   command_class c) {
    const bool others = c == command_class::input &&
                        std::any_of(ep.input.begin(), ep.input.end(),
                                    [&a](adapter_id place) { return place && place != a.id; });
    for_each_command(ep, c, [&](node_index n, detail::command_node& node) {
        if (!others || node.adapter == a.id) end_command(n, outcome::adapter_fault);
    });
}

/// Its commands end, then the leases of the classes that nobody serves any more, after a fault of
/// all that it served.
template <class Traits>
void core<Traits>::end_work_of(detail::adapter_slot& a, endpoint_type& ep, bool fault) {
    const roles served = a.table->serves;
    for (const role r : {role::memctx_provider, role::memory_writer, role::host_management})
        drop_role(ep, r, a.id);
    bool input_left = false;
    for (adapter_id& place : ep.input) {
        if (place == a.id) place = {};
        input_left = input_left || place;
    }
    for (unsigned i = 0; i < command_class_count; ++i) {
        const auto c = static_cast<command_class>(i);
        const role r = role_of(c);
        if (r == role::sensor || !served.has(r)) continue;
        const bool left = r == role::input && input_left;
        end_commands_at(a, ep, c);
        if (!a.farewell_owed) return; // its end was brought to an end meanwhile
        if (left) forget_held(ep, a);
        if (left && !fault) continue;
        if (r == role::input && !left) {
            ep.held.clear();
            neutral_paid(ep);
        }
        if (needs_lease(c)) end_lease(ep.id, static_cast<lease_class>(c), lease_end::adapter_gone);
        if (!a.farewell_owed) return;
    }
    if (served.has(role::input) && input_left) pay_neutral(ep);
    if (served.has(role::memctx_provider))
        recall_memctx(ep, ep.memctx.unregister(), transition::none, ep.epochs.current());
}

template <class Traits>
const adapter_api& core<Traits>::adapter_functions() {
    static constexpr adapter_api api{
        .watch = [](void* p, adapter_id a, int fd, interests w,
                    cookie c) { return self(p).watch_for(a, fd, w, c); },
        .rearm = [](void* p, adapter_id a, watch_id w,
                    interests i) { return self(p).rearm(a, w, i); },
        .unwatch = [](void* p, adapter_id a, watch_id w) { self(p).unwatch_for(a, w); },
        .emit = [](void* p, adapter_id a, event& e) { return self(p).emit(a, e); },
        .allocate = [](void* p, adapter_id a, std::uint32_t n) { return self(p).allocate(a, n); },
        .bytes =
            [](void* p, adapter_id a, payload_id b) {
                return self(p).owns_block(a, b) ? self(p).pool_.bytes(b) : std::span<std::byte>{};
            },
        .discard = [](void* p, adapter_id a, payload_id b) { self(p).discard(a, b); },
        .publish = [](void* p, adapter_id a,
                      epoch_number e) { return self(p).publish_memctx(a, e); },
        .complete = [](void* p, adapter_id a, correlation_id id,
                       const completion& c) { self(p).complete(a, id, c); },
        .take = [](void* p, adapter_id a, correlation_id id) { return self(p).take(a, id); },
        .pending = [](void* p, adapter_id a,
                      correlation_id id) { return self(p).handed_node(a, id) != no_node; },
        .input_ready = [](void* p, adapter_id a) { self(p).input_ready(a); },
        .endpoint =
            [](void* p, adapter_id a) {
                const detail::adapter_slot* s = self(p).find_adapter(a);
                return s ? s->endpoint : endpoint_id{};
            },
        .epoch =
            [](void* p, adapter_id a) {
                const detail::adapter_slot* s = self(p).find_adapter(a);
                return s ? self(p).epoch_of(s->endpoint) : epoch_number{};
            },
        .now = [](void* p) { return self(p).now_; },
        .detach = [](void* p, adapter_id a, bool fault) { self(p).detach_adapter(a, fault); },
    };
    return api;
}

} // namespace vmsig
