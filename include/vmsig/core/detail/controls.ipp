// core, controls: attach, grants, subscriptions, detach.
#pragma once

namespace vmsig {

template <class Traits>
detail::control_slot* core<Traits>::find_control(origin_id id) {
    return const_cast<detail::control_slot*>(std::as_const(*this).find_control(id));
}
template <class Traits>
const detail::control_slot* core<Traits>::find_control(origin_id id) const {
    VMSIG_ASSERT(on_loop_thread());
    if (id.slot() >= limits::controls) return nullptr;
    const detail::control_slot& c = controls_[id.slot()];
    return c.live && c.id == id ? &c : nullptr;
}

template <class Traits>
template <control C>
control_handle core<Traits>::attach(C& c, const grant& g, const subscription& s) {
    int fd = -1;
    if constexpr (control_with_fd<C>) fd = c.fd();
    std::uint32_t receiver_uid = 0;
    if constexpr (control_with_receiver_uid<C>) receiver_uid = c.receiver_uid();
    return bind_control(&c, control_table_for<C>::value, g, s, {fd, receiver_uid});
}

template <class Traits>
control_handle core<Traits>::bind_control(void* object, const control_table& table, const grant& g,
                                          const subscription& s,
                                          const detail::brought_along& with) {
    if (inert()) throw setup_error{setup_fault::inert, "a forked child has no bus"};
    const unsigned slot = free_control_slot();
    if (slot == limits::controls) {
        const bool full = std::all_of(&controls_[0], &controls_[limits::controls],
                                      [](const auto& c) { return c.live || c.leaving; });
        refuse_attachment(full ? setup_fault::table_full : setup_fault::exhausted,
                          "no room for another control");
    }
    detail::control_slot& c = controls_[slot];
    const origin_id id = origin_id::make(slot, c.generation + 1);
    watch_id watch;
    if (with.fd >= 0) {
        const auto w = add_watch(detail::watch_owner::control, static_cast<std::uint16_t>(slot),
                                 with.fd, interest::read, {});
        if (!w) refuse_attachment(setup_fault::bad_descriptor, "descriptor not watchable");
        watch = *w;
    }
    ++c.generation;
    c.id = id;
    c.live = c.farewell_owed = true;
    c.table = &table;
    c.binding = {object, control_handle{*anchor_, id}};
    c.receiver_uid = with.receiver_uid;
    c.grant = g;
    c.subscription = s;
    c.ledger.set_quotas(g.quotas_value());
    c.watch = watch;
    c.wants = interest::read;
    c.replay = 0;
    sinks_[slot] = {table.deliver, &c.binding};
    if (table.flush) flushers_ |= bit(slot);
    audit_record r = audit_record::of(decision::attached);
    r.origin = id;
    r.detail = g.rank_value();
    note(r);
    request_replay(c, ~std::uint64_t{0});
    if (!in_turn_) ring_once();
    return c.binding.handle;
}

/// Rather one whose last owner has nothing left in an adapter: its commands have all their room.
template <class Traits>
unsigned core<Traits>::free_control_slot() const {
    constexpr unsigned words = limits::commands_per_control / 64;
    unsigned second_best = limits::controls;
    for (unsigned slot = 0; slot < limits::controls; ++slot) {
        const detail::control_slot& c = controls_[slot];
        if (c.live || c.leaving || c.generation >= limits::generation_limit) continue;
        const std::uint64_t* free = &free_nodes_[slot * words];
        if (std::all_of(free, free + words, [](std::uint64_t w) { return ~w == 0; })) return slot;
        second_best = std::min(second_best, slot);
    }
    return second_best;
}

template <class Traits>
void core<Traits>::refuse_attachment(setup_fault fault, const char* why) {
    audit_record r = audit_record::of(decision::attach_refused);
    r.flags = audit_by_host;
    note(r.with(fault == setup_fault::bad_descriptor ? refusal::invalid : refusal::exhausted));
    throw setup_error{fault, why};
}

template <class Traits>
bool core<Traits>::set_grant(origin_id who, const grant& g) {
    detail::control_slot* c = find_control(who);
    if (!c || inert()) return false;
    const change guard{*this};
    const grant before = c->grant;
    c->grant = g;
    c->ledger.set_quotas(g.quotas_value());
    audit_record r = audit_record::of(decision::grant_changed);
    r.origin = who;
    r.flags = audit_by_host;
    note(r);
    narrow(*c, true);
    revoke(*c);
    if (!find_control(who)) return true; // an adapter that was called detached it
    std::uint64_t wider = 0;
    const bool sources_wider = !before.sources_value().contains(c->grant.sources_value());
    for (const endpoint_type& ep : endpoints_) {
        if (!ep.live) continue;
        const rights now = c->grant.rights_on(ep.id);
        const rights then = before.rights_on(ep.id);
        if (now == then && !(sources_wider && now.any())) continue;
        if (!then.contains(now) || sources_wider) wider |= bit(ep.id.slot());
        if (!now.any() && !then.any()) continue;
        const grant_changed told{static_cast<std::uint32_t>(now.bits)};
        const std::uint64_t rest =
            fold(ep.id, told, bit(who.slot()), [](auto&, const auto&) { return true; });
        if (rest != 0) tell(ep.id, told, rest, true);
    }
    request_replay(*c, wider);
    return true;
}

/// What is outside the grant and has not begun is gone.
template <class Traits>
void core<Traits>::revoke(detail::control_slot& who) {
    for (endpoint_type& ep : endpoints_) {
        if (!ep.live) continue;
        for (unsigned i = 0; i < command_class_count; ++i) {
            const auto c = static_cast<command_class>(i);
            if (who.grant.permits(right_of(c), ep.id)) continue;
            for_each_command(ep, c, [&](node_index n, detail::command_node& node) {
                if (node.issuer == who.id && node.state < detail::command_state::begun)
                    end_command(n, outcome::revoked);
            });
            if (!needs_lease(c)) continue;
            const auto cls = static_cast<lease_class>(c);
            if (const waiter w = arbiter_.withdraw(lease_cell(ep.id, cls), who.id)) {
                who.ledger.refund(resource::waiter);
                end_wait(ep.id, cls, w, lease_end::revoked);
                arm_lease_timer(ep.id, cls);
            }
            if (arbiter_.owner(lease_cell(ep.id, cls)) == who.id)
                end_lease(ep.id, cls, lease_end::revoked);
        }
    }
}

template <class Traits>
refusal core<Traits>::subscribe(origin_id who, const subscription& s) {
    detail::control_slot* c = find_control(who);
    if (!c) return refusal::gone;
    const change guard{*this};
    const subscription before = c->subscription;
    c->subscription = s;
    narrow(*c, false);
    std::uint64_t wider = 0;
    const bool sources_wider = !before.sources_value().contains(s.sources_value());
    for (const endpoint_type& ep : endpoints_)
        if (ep.live && s.wants(ep.id) && (sources_wider || !before.wants(ep.id)))
            wider |= bit(ep.id.slot());
    request_replay(*c, wider);
    if (!in_turn_) ring_once();
    return refusal::none;
}

/// The barrier: nothing is called any more but `on_detached`.
template <class Traits>
void core<Traits>::stop_callbacks(detail::control_slot& c) {
    const unsigned slot = c.id.slot();
    c.live = false;
    c.leaving = true;
    leaving_controls_ |= bit(slot);
    reap_needed_ = true;
    sinks_[slot] = {[](void*, const event&) {}, nullptr};
    silence(slot);
    replaying_ &= ~bit(slot);
    flushers_ &= ~bit(slot);
    for (detail::routing_rows& rows : rows_) rows.leave(bit(slot));
}

/// Stop callbacks, end commands, free leases with neutral input, leave the reactor, say farewell;
/// the slot is free at the end of the turn. An adapter that is called meanwhile may detach it too:
/// then that call does the rest, for when it returns the control may be destroyed.
template <class Traits>
void core<Traits>::detach(origin_id who) {
    VMSIG_ASSERT(on_loop_thread());
    if (who.slot() >= limits::controls || inert()) return;
    detail::control_slot* const c = &controls_[who.slot()];
    if (c->id != who || !c->farewell_owed) return;
    const change guard{*this};
    const unsigned slot = who.slot();
    if (c->live) stop_callbacks(*c);
    end_commands_of(*c);
    for (endpoint_type& ep : endpoints_) {
        ep.memctx.forget(slot);
        if (has_bit(ep.losers, slot)) forget_losses(ep, bit(slot)); // they were its own
    }
    arbiter_.drop_waiters_of(who, [&](std::uint32_t cell, const waiter& w) {
        c->ledger.refund(resource::waiter);
        const endpoint_id at = endpoints_[cell / lease_class_count].id;
        end_wait(at, class_of_cell(cell), w, lease_end::owner_gone);
        arm_lease_timer(at, class_of_cell(cell));
    });
    arbiter_.for_each_held_by(who, [&](std::uint32_t cell) {
        end_lease(endpoints_[cell / lease_class_count].id, class_of_cell(cell),
                  lease_end::owner_gone, who);
    });
    for (payload_id& p : c->pins) {
        if (!p) continue;
        c->ledger.refund(resource::pinned);
        --pins_;
        pool_.release(p);
        p = {};
    }
    if (c->watch) drop_watch(c->watch);
    c->watch = {};
    if (!std::exchange(c->farewell_owed, false)) return;
    audit_record r = audit_record::of(decision::detached).with(lease_end::owner_gone);
    r.origin = who;
    note(r);
    if (c->table->on_detached) c->table->on_detached(&c->binding);
    if (!in_turn_) ring_once();
}

/// One audit record each; nothing is delivered. What has begun runs to its end unseen.
template <class Traits>
void core<Traits>::end_commands_of(detail::control_slot& who) {
    const unsigned first = who.id.slot() * limits::commands_per_control;
    for (unsigned i = first; i < first + limits::commands_per_control; ++i) {
        const auto n = static_cast<node_index>(i);
        detail::command_node& node = nodes_[n];
        if (node.issuer != who.id) continue;
        const bool over = node.state == detail::command_state::ended;
        if (std::exchange(node.is.orphan, true)) continue;
        if (std::exchange(node.is.charged_block, false)) who.ledger.refund(resource::payload);
        if (over) continue;
        who.ledger.refund(resource::pending);
        if (node.is.timed) who.ledger.refund(resource::timer);
        if (node.state != detail::command_state::begun) end_command(n, outcome::cancelled);
    }
}

template <class Traits>
refusal core<Traits>::want(origin_id who, interests what) {
    detail::control_slot* c = find_control(who);
    if (!c) return refusal::gone;
    detail::watch_slot* w = find_watch(c->watch);
    if (!w) return refusal::unsupported;
    if (c->wants == what) return refusal::none;
    if (!reactor_.modify(w->fd, what, c->watch.value)) return refusal::busy;
    c->wants = what;
    return refusal::none;
}

template <class Traits>
const control_api& core<Traits>::control_functions() {
    static constexpr control_api api{
        .submit = [](void* p, origin_id o, const command& c,
                     std::span<const std::byte> b) { return self(p).submit(o, c, b); },
        .cancel = [](void* p, origin_id o, correlation_id id) { return self(p).cancel(o, id); },
        .acquire = [](void* p, origin_id o, endpoint_id e, lease_class c,
                      const lease_options& l) { return self(p).acquire(o, e, c, l); },
        .release = [](void* p, origin_id o, const lease& l) { return self(p).release(o, l); },
        .renew = [](void* p, origin_id o, const lease& l,
                    duration d) { return self(p).renew(o, l, d); },
        .withdraw = [](void* p, origin_id o, wait_id w) { return self(p).withdraw(o, w); },
        .status = [](void* p, origin_id o, endpoint_id e,
                     lease_class c) { return std::as_const(self(p)).status(o, e, c); },
        .force_release = [](void* p, origin_id o, endpoint_id e,
                            lease_class c) { return self(p).force_release(o, e, c); },
        .read_audit =
            [](void* p, origin_id o, endpoint_id e, std::size_t n,
               function_ref<void(const audit_record&)> f) {
                return std::as_const(self(p)).read_audit(o, e, n, f);
            },
        .statistics = [](void* p, origin_id o,
                         endpoint_id e) { return std::as_const(self(p)).statistics(o, e); },
        .subscribe = [](void* p, origin_id o,
                        const subscription& s) { return self(p).subscribe(o, s); },
        .may = [](void* p, origin_id o, verb v,
                  endpoint_id e) { return std::as_const(self(p)).may(o, v, e); },
        .memctx = [](void* p, origin_id o, endpoint_id e) { return self(p).memctx(o, e); },
        .memctx_lost = [](void* p, origin_id o, endpoint_id e) { self(p).memctx_lost(o, e); },
        .refresh = [](void* p, origin_id o, endpoint_id e) { return self(p).refresh(o, e); },
        .pin = [](void* p, origin_id o, payload_id b) { return self(p).pin(o, b); },
        .unpin = [](void* p, origin_id o, payload_id b) { self(p).unpin(o, b); },
        .bytes = [](void* p, origin_id o, payload_id b) { return self(p).payload_of(o, b); },
        .want = [](void* p, origin_id o, interests what) { return self(p).want(o, what); },
        .find = [](void* p, origin_id o, std::string_view n) { return self(p).find_visible(o, n); },
        .detach = [](void* p, origin_id o) { self(p).detach(o); },
    };
    return api;
}

} // namespace vmsig
