// core, admission: everything that is decided before a command is accepted. Each check that fails
// here refuses, without id or receipt; each is made again when execution begins.
#pragma once

namespace vmsig {

/// Malformed whoever sends it.
template <class Traits>
inline refusal core<Traits>::well_formed(const command& c, std::span<const std::byte> bulk) {
    if (c.verb == verb::none || c.verb > verb::mem_read) return refusal::invalid;
    if (static_cast<unsigned>(c.lane) >= lane_count || c.mode > write_mode::best_effort)
        return refusal::invalid;
    if (c.deadline.ns < 0 || c.not_before.ns < 0 || c.hold.ns < 0) return refusal::invalid;
    if (bulk.size() > limits::payload_bytes) return refusal::invalid;
    const command_class cls = class_of(c.verb);
    if (cls == command_class::input) return input_well_formed(c, bulk);
    if (c.hold) return refusal::invalid;
    if (cls == command_class::memwrite) return write_well_formed(c, bulk.size());
    const bool length = c.memory.length != 0 && c.memory.length <= limits::payload_bytes;
    if (cls == command_class::memread && !length) return refusal::invalid;
    return bulk.empty() ? refusal::none : refusal::invalid;
}

template <class Traits>
refusal core<Traits>::input_well_formed(const command& c, std::span<const std::byte> bulk) {
    if (c.changes > inline_changes || (c.changes == 0) == bulk.empty()) return refusal::invalid;
    if (bulk.size() % sizeof(input_change) != 0) return refusal::invalid;
    if (bulk.size() > max_frame_changes * sizeof(input_change)) return refusal::invalid;
    return c.hold && c.changes == 0 ? refusal::invalid : frame_well_formed(c, bulk);
}

template <class Traits>
inline refusal core<Traits>::write_well_formed(const command& c, std::size_t bulk) {
    const std::uint32_t length = c.memory.length;
    if (length == 0 || length > limits::payload_bytes) return refusal::invalid;
    const bool word = length <= 8 && (length & (length - 1)) == 0;
    if (c.mode == write_mode::atomic && !word) return refusal::invalid;
    if (c.mode == write_mode::best_effort && c.compare) return refusal::invalid;
    if (bulk == 0) return length <= 8 ? refusal::none : refusal::invalid;
    return bulk == std::size_t{length} * (c.compare ? 2 : 1) ? refusal::none : refusal::invalid;
}

template <class Traits>
refusal core<Traits>::frame_well_formed(const command& c, std::span<const std::byte> bulk) {
    return with_frame(c, bulk, [](input_frame frame) { return check_frame(frame); });
}

/// `f(frame)` of an input command: inline, or a copy of its bulk bytes.
template <class Traits>
template <class F>
auto core<Traits>::with_frame(const command& c, std::span<const std::byte> bulk, F&& f) {
    if (c.changes != 0) return f(input_frame{c.frame, c.changes});
    std::array<input_change, max_frame_changes> frame;
    std::memcpy(frame.data(), bulk.data(), bulk.size());
    return f(input_frame{frame.data(), bulk.size() / sizeof(input_change)});
}

/// Somebody executes it.
template <class Traits>
inline refusal core<Traits>::served(const detail::control_slot& who, const endpoint_type& ep,
                                    const command& c, std::span<const std::byte> bulk) {
    const command_class cls = class_of(c.verb);
    if (cls == command_class::memread) {
        if (!ep.served[static_cast<unsigned>(role::memctx_provider)]) return refusal::unsupported;
        return ep.memctx.valid() ? refusal::none : refusal::not_ready;
    }
    detail::adapter_slot* a = executor_of(c, bulk);
    if (!a) return refusal::unsupported;
    if (cls != command_class::input || !a->table->regions) return refusal::none;
    return placed(*a, who, c, bulk);
}

/// Absolute coordinates lie in the region that the command names. An adapter that declares no
/// regions takes any. Anything may have happened when it has answered.
template <class Traits>
refusal core<Traits>::placed(detail::adapter_slot& a, const detail::control_slot& who,
                             const command& c, std::span<const std::byte> bulk) {
    const origin_id issuer = who.id;
    const auto allows = [&](input_frame frame) {
        bool absolute = false;
        for (const input_change& one : frame) absolute = absolute || one.type == EV_ABS;
        if (!absolute) return true;
        const change guard{*this}; // what it causes has happened when the rest is checked
        for (const input_region& r : call(a, a.table->regions))
            if (r.id == c.region) return r.contains(frame);
        return false;
    };
    const bool inside = with_frame(c, bulk, allows);
    const endpoint_type* ep = find_endpoint(c.endpoint);
    if (!find_control(issuer)) return refusal::gone;
    if (!ep || ep->leaving || !who.grant.permits(right::input, c.endpoint)) return refusal::denied;
    if (const refusal r = fenced(who, *ep, c); r != refusal::none) return r;
    if (executor_of(c, bulk) != &a) return refusal::unsupported;
    return inside ? refusal::none : refusal::invalid;
}

/// The lease and the epoch under which it is issued.
template <class Traits>
inline refusal core<Traits>::fenced(const detail::control_slot& who, const endpoint_type& ep,
                                    const command& c) const {
    const verb_traits& v = traits_of(c.verb);
    if (v.leased) {
        const std::uint32_t cell = lease_cell(ep.id, static_cast<lease_class>(v.command_class));
        if (!arbiter_.check(cell, who.id, c.serial)) return refusal::not_holder;
    }
    if (!v.fenced && !c.fenced_by_epoch) return refusal::none;
    if (ep.epochs.exhausted()) return refusal::exhausted;
    if (c.epoch) return ep.epochs.is_current(c.epoch) ? refusal::none : refusal::stale_epoch;
    return has_seen(who, ep) ? refusal::none : refusal::stale_epoch;
}

/// The current epoch: the notice's callback was entered. It may still be on its way to this one.
template <class Traits>
bool core<Traits>::has_seen(const detail::control_slot& who, const endpoint_type& ep) const {
    const event* notice = delivery_.what;
    const bool coming = notice && notice->kind == kind::epoch_changed &&
                        notice->endpoint == ep.id && delivery_.still_comes(who.id.slot());
    return has_bit(rows_[ep.id.slot()].seen, who.id.slot()) && !coming;
}

template <class Traits>
inline refusal core<Traits>::admissible(const detail::control_slot& who, const command& c,
                                        std::span<const std::byte> bulk) {
    const endpoint_type* ep = find_endpoint(c.endpoint);
    if (!ep || ep->leaving || !who.grant.permits(traits_of(c.verb).needs, c.endpoint))
        return refusal::denied;
    if (const refusal r = well_formed(c, bulk); r != refusal::none) return r;
    if (!has_bit(rows_[ep->id.slot()].ready, who.id.slot())) return refusal::not_ready;
    if (const refusal r = fenced(who, *ep, c); r != refusal::none) return r;
    return served(who, *ep, c, bulk);
}

template <class Traits>
submit_result core<Traits>::refuse(origin_id who, const command& c, refusal why) {
    audit_record r = audit_record::of(decision::command_refused).with(why).with(c.verb);
    r.origin = who;
    r.endpoint = c.endpoint;
    r.serial = c.serial;
    r.epoch = c.epoch;
    r.detail = static_cast<std::uint32_t>(c.lane);
    note(r);
    return {{}, why};
}

template <class Traits>
submit_result core<Traits>::submit(origin_id who, const command& c,
                                   std::span<const std::byte> bulk) {
    detail::control_slot* control = find_control(who);
    if (!control) return {{}, refusal::gone};
    if (const refusal why = admissible(*control, c, bulk); why != refusal::none)
        return refuse(who, c, why);
    if (control->commands >= limits::generation_limit) return refuse(who, c, refusal::exhausted);
    const bool timed = c.deadline || c.not_before || c.hold;
    const std::size_t room =
        class_of(c.verb) == command_class::memread ? c.memory.length : bulk.size();
    if (!charge(control->ledger, timed, room != 0)) return refuse(who, c, refusal::busy);
    const bool recorded = audit_.admit(who.slot());
    const node_index n = recorded ? take_node(who.slot(), room) : no_node;
    if (n == no_node) return refuse_charged(*control, c, room, recorded);
    detail::command_node& node = nodes_[n];
    if (!bulk.empty()) std::memcpy(pool_.bytes(node.bulk).data(), bulk.data(), bulk.size());
    node.issuer = who;
    node.is.timed = timed;
    node.is.charged_block = room != 0;
    accept(n, c);
    return {node.id, refusal::none};
}

/// There was no room for it: what was charged is given back.
template <class Traits>
submit_result core<Traits>::refuse_charged(detail::control_slot& who, const command& c,
                                           std::size_t room, bool recorded) {
    if (recorded) audit_.withdraw(who.id.slot(), records_per_command);
    who.ledger.refund(resource::pending);
    if (c.deadline || c.not_before || c.hold) who.ledger.refund(resource::timer);
    if (room) who.ledger.refund(resource::payload);
    return refuse(who.id, c, recorded ? refusal::busy : refusal::audit_unavailable);
}

/// All of it, or nothing and false.
template <class Traits>
bool core<Traits>::charge(ledger& to, bool timer, bool payload) {
    if (payload && to.held(resource::payload) >= limits::payloads_per_control) return false;
    if (!to.charge(resource::pending)) return false;
    if (timer && !to.charge(resource::timer)) return to.refund(resource::pending), false;
    if (!payload || to.charge(resource::payload)) return true;
    to.refund(resource::pending);
    if (timer) to.refund(resource::timer);
    return false;
}

/// From here on exactly one receipt follows.
template <class Traits>
[[gnu::always_inline]] inline void core<Traits>::accept(node_index n, const command& c) {
    detail::command_node& node = nodes_[n];
    detail::control_slot& who = controls_[node.issuer.slot()];
    endpoint_type& ep = endpoints_[c.endpoint.slot()];
    node.id = correlation_id::make(n, ++who.commands);
    node.command = c;
    node.command.lane = who.grant.clamp(c.lane);
    if (!c.epoch) node.command.epoch = ep.epochs.current();
    if (c.deadline && c.deadline_relative)
        node.command.deadline = fresh_now() + duration{c.deadline.ns};
    if (c.not_before && c.not_before_relative)
        node.command.not_before = fresh_now() + duration{c.not_before.ns};
    node.cell_number = static_cast<std::uint16_t>(cell_number(c.endpoint, class_of(c.verb)));
    cell_of(node).live.push_back(cell_links(), n);

    audit_record r = audit_record::of(decision::command_admitted).with(c.verb);
    r.origin = node.issuer;
    r.endpoint = c.endpoint;
    r.epoch = node.command.epoch;
    r.serial = c.serial;
    r.correlation = node.id;
    r.detail = static_cast<std::uint32_t>(node.command.lane);
    write_reserved(r);
    if (c.verb != verb::mem_read) audit_.contents(node.id, node.command, pool_.bytes(node.bulk));
    ++ep.counts.commands;
    observer_.on_command(node.id, node.issuer, node.command);

    if (c.after)
        follow(n);
    else
        make_eligible(n);
    if (!in_turn_) ring_once();
}

/// Behind the command that it names, as long as that has not completed.
template <class Traits>
void core<Traits>::follow(node_index n) {
    detail::command_node& node = nodes_[n];
    const node_index before = node_of(node.command.after); // another's is as good as none
    if (before == no_node || before == n || nodes_[before].issuer != node.issuer ||
        nodes_[before].state == detail::command_state::ended)
        return make_eligible(n);
    node.state = detail::command_state::following;
    nodes_[before].followers.push_back(queue_links(), n);
    set_command_timer(n);
}

template <class Traits>
cancel_result core<Traits>::cancel(origin_id who, correlation_id id) {
    if (!find_control(who)) return cancel_result::gone;
    const node_index n = node_of(id);
    if (n == no_node || nodes_[n].issuer != who || has_begun(nodes_[n])) {
        audit_.tally(decision::command_ended); // changes nothing: counted, not recorded
        return cancel_result::too_late;
    }
    const change guard{*this};
    end_command(n, outcome::cancelled);
    return cancel_result::cancelled;
}

template <class Traits>
refusal core<Traits>::may(origin_id who, verb v, endpoint_id at) const {
    const detail::control_slot* control = find_control(who);
    if (!control) return refusal::gone;
    if (v == verb::none || v > verb::mem_read) return refusal::invalid;
    const endpoint_type* ep = find_endpoint(at);
    const bool allowed = ep && !ep->leaving && control->grant.permits(right_of(class_of(v)), at);
    return allowed ? refusal::none : refusal::denied;
}

/// O(1): each control has its own nodes, so nobody else notices one that is at its cap. With a
/// block for `bulk` bytes.
template <class Traits>
inline typename core<Traits>::node_index core<Traits>::take_node(unsigned control,
                                                                 std::size_t bulk) {
    constexpr unsigned words = limits::commands_per_control / 64;
    payload_id block;
    if (bulk != 0) {
        block = pool_.allocate(static_cast<std::uint32_t>(bulk));
        if (!block) return no_node;
    }
    for (unsigned w = 0; w < words; ++w) {
        std::uint64_t& free = free_nodes_[control * words + w];
        if (free == 0) continue;
        const auto b = static_cast<unsigned>(std::countr_zero(free));
        free &= free - 1;
        const unsigned n = control * limits::commands_per_control + w * 64 + b;
        if (block) {
            ++blocks_of_commands_;
            nodes_[n].bulk = block;
        }
        return static_cast<node_index>(n);
    }
    pool_.release(block);
    return no_node;
}

template <class Traits>
inline void core<Traits>::free_node(node_index n) {
    detail::command_node& node = nodes_[n];
    if (node.bulk) {
        --blocks_of_commands_;
        pool_.release(std::exchange(node.bulk, {}));
    }
    node.is = {};
    node.power_lost = false;
    node.id = {};
    node.issuer = {};
    node.adapter = {};
    node.state = detail::command_state::free;
    free_nodes_[n / 64] |= bit(n % 64);
}

template <class Traits>
void core<Traits>::note(audit_record r) {
    r.time = now_;
    audit_.note(r);
    if (!in_turn_ && audit_.gathered()) ring_once();
    observer_.on_decision(r);
}

/// One of the two records that were set aside when a command was admitted.
template <class Traits>
[[gnu::always_inline]] inline void core<Traits>::write_reserved(audit_record r) {
    r.time = now_;
    audit_.write(r);
    if (!in_turn_ && audit_.gathered()) ring_once();
    observer_.on_decision(r);
}

} // namespace vmsig
