// core, execution: from the queue to the adapter and back. A command is considered in its turn;
// pacing, a hold or an unfinished neutral of its (endpoint, class) park it; every right is checked
// again; and the adapter takes it out of its fence. What has begun ends in its true outcome.
#pragma once

namespace vmsig {

/// Nothing but time stands between it and the queue.
template <class Traits>
[[gnu::always_inline]] inline void core<Traits>::make_eligible(node_index n) {
    if (!nodes_[n].is.timed || !delayed(n)) enqueue(n);
}

/// Arms its timer. True: its time is to come.
template <class Traits>
bool core<Traits>::delayed(node_index n) {
    detail::command_node& node = nodes_[n];
    const bool early = node.command.not_before > now_;
    node.state = early ? detail::command_state::delayed : detail::command_state::queued;
    set_command_timer(n);
    return early;
}

template <class Traits>
[[gnu::always_inline]] inline void core<Traits>::enqueue(node_index n) {
    detail::command_node& node = nodes_[n];
    node.state = detail::command_state::queued;
    queue_.push_back(queue_links(), node.issuer.slot(), node.command.lane, n);
}

/// One timer per command: what comes first of its not-before time and its deadline.
template <class Traits>
void core<Traits>::set_command_timer(node_index n) {
    const command& c = nodes_[n].command;
    if (!nodes_[n].is.timed) return;
    const bool delayed = nodes_[n].state == detail::command_state::delayed;
    instant when = c.deadline ? c.deadline + duration{1} : instant::never();
    if (delayed && c.not_before < when) when = c.not_before;
    timers_.arm(n, std::max(when, now_)); // not ahead of what is due already
}

template <class Traits>
void core<Traits>::on_command_timer(node_index n) {
    detail::command_node& node = nodes_[n];
    const change guard{*this};
    if (node.state == detail::command_state::holding) return end_hold(n);
    if (node.command.deadline && now_ > node.command.deadline) {
        if (!has_begun(node)) end_command(n, outcome::expired);
        return;
    }
    if (node.state == detail::command_state::delayed) make_eligible(n);
}

template <class Traits>
void core<Traits>::dispatch_commands() {
    for (std::uint32_t i = 0; i < limits::commands_per_turn && callbacks_ < budget_ && !inert();
         ++i) {
        const node_index n = queue_.pop(queue_links());
        if (n == no_node) return;
        nodes_[n].state = detail::command_state::chosen;
        consider(n);
        settle_deferred();
    }
}

template <class Traits>
inline bool core<Traits>::blocked(const detail::class_cell& cell,
                                  const detail::command_node& node) const {
    const auto l = static_cast<unsigned>(node.command.lane);
    const endpoint_type& ep = endpoints_[node.command.endpoint.slot()];
    return cell.draining != 0 || class_waits(ep, class_of(node.command.verb)) || cell.held[l] ||
           !cell.pace.may_run(now_) || (!node.is.unparked && !cell.parked[l].empty());
}

template <class Traits>
inline void core<Traits>::consider(node_index n) {
    detail::command_node& node = nodes_[n];
    detail::class_cell& cell = cell_of(node);
    const auto l = static_cast<unsigned>(node.command.lane);
    if (node.is.unparked) --cell.ahead[l];
    if (blocked(cell, node)) return park(cell, n);
    const bool was_ahead = node.is.unparked || traits_of(node.command.verb).destroys;
    node.is.unparked = false;
    const std::uint32_t number = node.cell_number;
    if (const outcome o = still_fenced(node); o != outcome::none) {
        const change guard{*this};
        end_command(n, o);
    } else {
        execute(n);
    }
    if (was_ahead) unpark(number);
}

template <class Traits>
void core<Traits>::park(detail::class_cell& cell, node_index n) {
    detail::command_node& node = nodes_[n];
    const auto l = static_cast<unsigned>(node.command.lane);
    node.state = detail::command_state::parked;
    dlist& lane = cell.parked[l];
    const node_index first = first_parked(cell, l, node.issuer);
    if (std::exchange(node.is.unparked, false)) {
        lane.push_front(queue_links(), n); // it was the first, and is again
        if (first != no_node) {
            lane.remove(queue_links(), first);
            node.behind = std::exchange(nodes_[first].behind, {});
            node.behind.push_front(queue_links(), first);
            nodes_[first].is.behind_another = true;
        }
    } else if (first != no_node) {
        nodes_[first].behind.push_back(queue_links(), n);
        node.is.behind_another = true;
    } else {
        lane.push_back(queue_links(), n);
    }
    if (!cell.pace.may_run(now_)) timers_.arm(pace_timers + node.cell_number, cell.pace.next());
}

/// Where commands of a control are parked in a lane: behind the first of them, so that the lane
/// lists controls, at most 64, and they have their turns there too.
template <class Traits>
typename core<Traits>::node_index core<Traits>::first_parked(const detail::class_cell& cell,
                                                             unsigned l, origin_id issuer) const {
    node_index n = cell.parked[l].head;
    while (n != no_node && nodes_[n].issuer != issuer) n = nodes_[n].queue.next;
    return n;
}

/// Whoever was behind it is the first of its control now, and the last in turn.
template <class Traits>
void core<Traits>::leave_parking(detail::class_cell& cell, node_index n) {
    detail::command_node& node = nodes_[n];
    const auto l = static_cast<unsigned>(node.command.lane);
    if (std::exchange(node.is.behind_another, false)) {
        const node_index first = first_parked(cell, l, node.issuer);
        return nodes_[first].behind.remove(queue_links(), n);
    }
    cell.parked[l].remove(queue_links(), n);
    if (node.behind.empty()) return;
    const node_index next = node.behind.pop_front(queue_links());
    nodes_[next].is.behind_another = false;
    nodes_[next].behind = std::exchange(node.behind, {});
    cell.parked[l].push_back(queue_links(), next);
}

/// Something that blocked a cell is over: its next parked command goes to the front of its queue,
/// where it is the first of its key. The others follow when it has begun.
template <class Traits>
void core<Traits>::unpark(std::uint32_t number) {
    endpoint_type& ep = endpoints_[number / command_class_count];
    detail::class_cell& cell = cells_[number];
    const auto c = static_cast<command_class>(number % command_class_count);
    if (cell.draining != 0 || class_waits(ep, c)) return;
    const bool paced = !cell.pace.may_run(now_);
    for (unsigned l = 0; l < lane_count; ++l) {
        if (cell.parked[l].empty() || cell.held[l] || cell.ahead[l] != 0) continue;
        if (paced) return timers_.arm(pace_timers + number, cell.pace.next());
        const node_index n = cell.parked[l].head;
        leave_parking(cell, n);
        detail::command_node& node = nodes_[n];
        node.is.unparked = true;
        ++cell.ahead[l];
        node.state = detail::command_state::queued;
        queue_.push_front(queue_links(), node.issuer.slot(), node.command.lane, n);
    }
}

/// The second check, at dispatch and again when the adapter takes it.
template <class Traits>
outcome core<Traits>::still_fenced(const detail::command_node& node) const {
    const command& c = node.command;
    const verb_traits& v = traits_of(c.verb);
    const endpoint_type* ep = find_endpoint(c.endpoint);
    if (!ep || ep->leaving) return outcome::endpoint_gone;
    const detail::control_slot* who = find_control(node.issuer);
    if (!who || !who->grant.permits(v.needs, c.endpoint)) return outcome::revoked;
    if (v.leased &&
        !arbiter_.check(lease_cell(c.endpoint, static_cast<lease_class>(v.command_class)),
                        node.issuer, c.serial, now_))
        return outcome::lease_lost;
    if ((v.fenced || c.fenced_by_epoch) && !ep->epochs.is_current(c.epoch))
        return outcome::stale_epoch;
    if (c.deadline && now_ > c.deadline) return outcome::expired;
    return outcome::none;
}

template <class Traits>
inline detail::adapter_slot* core<Traits>::executor_of(const command& c,
                                                       std::span<const std::byte> bulk) {
    const role r = role_of(class_of(c.verb));
    if (r == role::input) return input_executor(c, bulk);
    return serving(endpoints_[c.endpoint.slot()], r);
}

/// A frame is applied whole: by one adapter.
template <class Traits>
detail::adapter_slot* core<Traits>::input_executor(const command& c,
                                                   std::span<const std::byte> bulk) {
    const endpoint_type& ep = endpoints_[c.endpoint.slot()];
    return with_frame(c, bulk, [&](input_frame frame) {
        detail::adapter_slot* found = nullptr;
        for (const input_change& one : frame) {
            detail::adapter_slot* a = input_adapter_for(ep, one);
            if (!a || (found && a != found)) return static_cast<detail::adapter_slot*>(nullptr);
            found = a;
        }
        return found;
    });
}

template <class Traits>
inline void core<Traits>::execute(node_index n) {
    const command& c = nodes_[n].command;
    if (c.verb == verb::input) return execute_input(n);
    if (c.verb == verb::mem_read) return read_memory(n);
    if (traits_of(c.verb).destroys) return execute_destructive(n);
    hand_to(n, executor_of(c, {}));
}

/// What was handed over may change what a frame repeats: then `take` alone leaves out.
template <class Traits>
void core<Traits>::execute_input(node_index n) {
    const detail::command_node& node = nodes_[n];
    const bool last = cell_of(node).handed == 0;
    if (last && !frame_acts(n)) return;
    hand_to(n, executor_of(node.command, pool_.bytes(node.bulk)));
}

template <class Traits>
inline void core<Traits>::hand_to(node_index n, detail::adapter_slot* to) {
    if (to) return hand_over(n, *to);
    const change guard{*this};
    end_command(n, outcome::adapter_fault);
}

/// Leaves out of the frame what would repeat. False: nothing was left, or it cannot be applied, and
/// the command has ended.
template <class Traits>
bool core<Traits>::frame_acts(node_index n) {
    detail::command_node& node = nodes_[n];
    const held_set& held = endpoints_[node.command.endpoint.slot()].held;
    const std::span<input_change> frame = frame_of(node);
    const auto filtered = held.filter(frame, frame);
    if (filtered && !filtered->empty()) {
        shorten_frame(node, filtered->size());
        return true;
    }
    const change guard{*this};
    if (filtered)
        end_command(n, outcome::done);
    else
        end_command(n, completion::failed(failure::unsupported));
    return false;
}

template <class Traits>
void core<Traits>::shorten_frame(detail::command_node& node, std::size_t changes) {
    if (node.command.changes != 0)
        node.command.changes = static_cast<std::uint8_t>(changes);
    else
        pool_.shrink(node.bulk, static_cast<std::uint32_t>(changes * sizeof(input_change)));
}

template <class Traits>
std::span<input_change> core<Traits>::frame_of(detail::command_node& node) {
    if (node.command.changes != 0) return {node.command.frame, node.command.changes};
    const std::span<std::byte> bytes = pool_.bytes(node.bulk);
    return {std::launder(reinterpret_cast<input_change*>(bytes.data())),
            bytes.size() / sizeof(input_change)};
}

/// Checked against the current epoch, which then rises; the invalidation goes out before the VM
/// changes, and this one command goes on in the new epoch.
template <class Traits>
void core<Traits>::execute_destructive(node_index n) {
    detail::command_node& node = nodes_[n];
    const endpoint_type& ep = endpoints_[node.command.endpoint.slot()];
    const correlation_id id = node.id;
    if (!node.is.raised_epoch && !raise_for(n)) return;
    std::uint16_t& ahead = cell_of(node).ahead[static_cast<unsigned>(node.command.lane)];
    ++ahead; // nobody is unparked before it meanwhile
    node.is.unparked = true;
    settle_deferred();
    if (node_of(id) != n || node.state != detail::command_state::chosen) return;
    if (!deferred_.delivered(ep.told_until)) return wait_for_notices(n);
    node.is.unparked = false;
    --ahead;
    detail::adapter_slot* to = executor_of(node.command, {});
    const outcome o = to ? still_fenced(node) : outcome::adapter_fault;
    if (o == outcome::none) return hand_over(n, *to);
    const change guard{*this};
    end_command(n, o);
}

template <class Traits>
inline void core<Traits>::hand_over(node_index n, detail::adapter_slot& to) {
    detail::command_node& node = nodes_[n];
    detail::class_cell& cell = cell_of(node);
    node.state = detail::command_state::handed;
    node.adapter = to.id;
    ++cell.handed;
    if (node.command.hold) // from here on, until what it presses is up again
        cell.held[static_cast<unsigned>(node.command.lane)] = true;
    if (!node.is.releasing) cell.pace.ran(now_);
    ++callbacks_;
    call(to, to.table->execute, node.id);
}

/// This turn has delivered what it may: back to the front of its queue, as one that is unparked.
template <class Traits>
void core<Traits>::wait_for_notices(node_index n) {
    detail::command_node& node = nodes_[n];
    node.state = detail::command_state::queued;
    queue_.push_front(queue_links(), node.issuer.slot(), node.command.lane, n);
}

/// What the adapter was handed and has not taken; `no_node` when that is over.
template <class Traits>
inline typename core<Traits>::node_index core<Traits>::handed_node(adapter_id to,
                                                                   correlation_id id) {
    const node_index n = node_of(id);
    const bool handed = n != no_node && nodes_[n].adapter == to && find_adapter(to) &&
                        nodes_[n].state == detail::command_state::handed;
    return handed ? n : no_node;
}

/// The instant at which execution begins. All fences are compared here, and this is the comparison
/// that carries the weight.
template <class Traits>
inline expected<taken_command, outcome> core<Traits>::take(adapter_id by, correlation_id id) {
    const node_index n = handed_node(by, id);
    if (n == no_node) return unexpected<outcome>{outcome::cancelled};
    detail::command_node& node = nodes_[n];
    const outcome o = still_fenced(node);
    const bool late_release = node.is.releasing && o == outcome::expired; // what began may end
    if (o != outcome::none && !late_release) {
        const change guard{*this};
        end_command(n, o);
        return unexpected<outcome>{o};
    }
    std::span<const input_change> frame;
    std::span<const std::byte> bulk;
    if (node.command.verb == verb::input) {
        if (const outcome early = take_frame(n, frame); early != outcome::none)
            return unexpected<outcome>{early};
    } else if (node.bulk) {
        bulk = pool_.bytes(node.bulk);
    }
    detail::class_cell& cell = cell_of(node);
    node.state = detail::command_state::begun;
    if (node.is.timed) timers_.cancel(n);
    --cell.handed;
    ++cell.begun;
    if (!node.is.releasing) cell.pace.ran(now_);
    return taken_command{node.command, frame, bulk};
}

/// What of the frame is still to be done; `none`, or how the command has ended instead.
template <class Traits>
outcome core<Traits>::take_frame(node_index n, std::span<const input_change>& frame) {
    detail::command_node& node = nodes_[n];
    endpoint_type& ep = endpoints_[node.command.endpoint.slot()];
    // Filtered again: others may have been taken since it was handed over.
    const auto filtered = ep.held.filter(frame_of(node), frame_of(node));
    if (!filtered) {
        const change guard{*this};
        end_command(n, completion::failed(failure::unsupported));
        return outcome::failed;
    }
    if (filtered->empty()) { // what it would do is done
        const change guard{*this};
        end_command(n, outcome::done);
        return outcome::done;
    }
    frame = *filtered;
    shorten_frame(node, frame.size());
    if (node.command.hold && !node.is.releasing) {
        std::array<input_change, max_inverse_changes> inverse;
        const input_frame up = invert(frame, inverse);
        node.release_count = static_cast<std::uint8_t>(up.size());
        std::copy(up.begin(), up.end(), node.release.begin());
    }
    ep.held.commit(frame);
    if (ep.held.neutral()) neutral_paid(ep);
    return outcome::none;
}

} // namespace vmsig
