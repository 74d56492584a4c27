// core, memory: publication and export of the memctx, and reads that the bus does for a control.
// The core keeps the registration, not a copy: locator and descriptors are asked for each time.
#pragma once

namespace vmsig {

template <class Traits>
bool core<Traits>::publish_memctx(adapter_id by, epoch_number of) {
    detail::adapter_slot* a = find_adapter(by);
    if (!a) return false;
    endpoint_type& ep = endpoints_[a->endpoint.slot()];
    if (ep.served[static_cast<unsigned>(role::memctx_provider)] != by) return false;
    const change guard{*this};
    const auto v = ep.memctx.publish(of, ep.epochs.current(), limits::counter_limit);
    if (!v) return false;
    const std::uint64_t to = subscribers(rows_[ep.id.slot()], audience::memctx, source::memory);
    // Only the latest is kept, also of what is being told right now: who was not reached yet is
    // told of this one alone.
    if (delivery_.what && delivery_.what->endpoint == ep.id &&
        delivery_.what->kind == kind::memctx_published)
        delivery_.entitled &= ~to | bit(delivery_.receiver);
    const std::uint64_t rest =
        fold(ep.id, memctx_published{*v}, to, [](auto&, const auto&) { return true; });
    if (rest != 0 || to == 0) tell(ep.id, memctx_published{*v}, rest, false);
    return true;
}

/// Asks the provider, and fills in what only the core knows. What it says belongs to the epoch in
/// which it was asked, though another may have begun meanwhile.
template <class Traits>
expected<memctx_locator, os_error> core<Traits>::describe(endpoint_type& ep) {
    detail::adapter_slot* p = serving(ep, role::memctx_provider);
    if (!p) return unexpected<os_error>{os_error{ENODEV, "describe"}};
    const epoch_number epoch = ep.memctx.epoch();
    const version_number version = ep.memctx.version();
    auto locator = call(*p, p->table->describe);
    if (!locator) return locator;
    if (locator->region_count > max_ram_regions || locator->root_count > max_vcpu_roots ||
        locator->fd_count > max_ram_fds || !check_regions(locator->regions(), locator->fd_count))
        return unexpected<os_error>{os_error{EPROTO, "describe"}};
    locator->endpoint = ep.id;
    locator->epoch = epoch;
    locator->version = version;
    return locator;
}

/// Tells those who were given it, and takes back what is on its way.
template <class Traits>
void core<Traits>::recall_memctx(endpoint_type& ep, const memctx_recall& recall, transition why,
                                 epoch_number last) {
    deferred_.remove_if([&ep](const detail::deferred_event& d) {
        return d.event.kind == kind::memctx_published && d.event.endpoint == ep.id;
    });
    if (!recall.was_valid) return;
    audit_record r = audit_record::of(decision::memctx_invalidated).with(why);
    r.endpoint = ep.id;
    r.epoch = last;
    r.detail = static_cast<std::uint32_t>(std::popcount(recall.given));
    note(r);
    if (!recall.given) return;
    rows_[ep.id.slot()].recalled |= recall.given;
    tell(ep.id, memctx_invalidated{last}, recall.given, true);
}

template <class Traits>
expected<memctx_export, refusal> core<Traits>::memctx(origin_id who, endpoint_id at) {
    detail::control_slot* control = find_control(who);
    if (!control) return unexpected<refusal>{refusal::gone};
    endpoint_type* ep = find_endpoint(at);
    audit_record r = audit_record::of(decision::memctx_refused).with(right::memctx);
    r.origin = who;
    r.endpoint = at;
    const auto refuse_export = [&](refusal why) {
        note(r.with(why));
        return unexpected<refusal>{why};
    };
    if (!ep || ep->leaving || !control->grant.permits(right::memctx, at))
        return refuse_export(refusal::denied);
    // Already in its replay, as soon as that tells of the memctx.
    const auto& told = rows_[at.slot()].rights[static_cast<unsigned>(audience::any_right)];
    // The answer must not overtake the invalidation of the epoch before.
    const bool late = has_bit(rows_[at.slot()].recalled, who.slot()) ||
                      (has_bit(rows_[at.slot()].ready, who.slot()) && !has_seen(*control, *ep));
    if (!has_bit(told, who.slot()) || late || !ep->memctx.valid())
        return refuse_export(refusal::not_ready);
    if (!audit_.admit(who.slot(), 1)) return refuse_export(refusal::audit_unavailable);
    const change guard{*this};
    const auto give_back = [&](int error) {
        audit_.withdraw(who.slot());
        const bool may =
            find_control(who) && find_endpoint(at) && control->grant.permits(right::memctx, at);
        if (may) tell(at, memctx_unavailable{error}, bit(who.slot()), true);
        return refuse_export(refusal::not_ready);
    };
    auto locator = describe(*ep);
    if (!locator) return give_back(locator.error().code);
    memctx_export out;
    out.locator = *locator;
    out.locator.level = ep->shared_level[who.slot()];
    if (!ep->memctx.took_fds(who.slot())) {
        const auto exported = export_fds(*ep, control->receiver_uid, out);
        if (!exported) return give_back(exported.error().code);
        ep->shared_level[who.slot()] = out.locator.level;
        out.fds_included = true;
    }
    // Its provider was called, and anything may have happened meanwhile.
    if (!find_control(who) || !find_endpoint(at) || !control->grant.permits(right::memctx, at)) {
        audit_.withdraw(who.slot());
        return refuse_export(find_control(who) ? refusal::denied : refusal::gone);
    }
    if (!ep->memctx.valid() || ep->memctx.epoch() != out.locator.epoch ||
        ep->memctx.version() != out.locator.version)
        return give_back(ESTALE);
    if (out.fds_included) ep->memctx.mark_fds_taken(who.slot());
    ep->memctx.give(who.slot());
    r.what = decision::memctx_exported;
    r.flags = out.fds_included && out.locator.level == export_level::weak ? audit_weak_allowed : 0;
    r.epoch = out.locator.epoch;
    r.detail = static_cast<std::uint32_t>(out.locator.level);
    write_reserved(r);
    return out;
}

/// A control in this process shares the host's, so only a seal stops it from
/// writing: it counts as root.
template <class Traits>
expected<void, os_error> core<Traits>::export_fds(endpoint_type& ep, uid_t receiver,
                                                  memctx_export& out) {
    detail::adapter_slot* p = serving(ep, role::memctx_provider);
    if (!p) return unexpected<os_error>{os_error{ENODEV, "share_fds"}};
    const auto shared = call(*p, p->table->share_fds);
    if (!shared) return unexpected<os_error>{shared.error()};
    if (shared->count == 0 || shared->count > max_ram_fds || shared->count != out.locator.fd_count)
        return unexpected<os_error>{os_error{EPROTO, "share_fds"}};
    const export_level least = weak_export_ ? export_level::weak : export_level::guarded;
    out.locator.level = export_level::sealed;
    for (std::uint16_t i = 0; i < shared->count; ++i) {
        auto one = export_ram<typename Traits::fd_calls>(shared->fd[i], receiver, least);
        if (!one) {
            const bool system = one.error().fault == export_fault::system;
            return unexpected<os_error>{system ? one.error().cause : os_error{EPERM, "export"}};
        }
        out.fds[i] = std::move(one->fd);
        if (one->level < out.locator.level) out.locator.level = one->level;
    }
    return {};
}

template <class Traits>
void core<Traits>::memctx_lost(origin_id who, endpoint_id at) {
    if (endpoint_type* ep = find_endpoint(at); ep && find_control(who))
        ep->memctx.mark_fds_lost(who.slot());
}

template <class Traits>
refusal core<Traits>::refresh(origin_id who, endpoint_id at) {
    detail::control_slot* control = find_control(who);
    if (!control) return refusal::gone;
    endpoint_type* ep = find_endpoint(at);
    if (!ep || ep->leaving || !control->grant.permits(right::memctx, at)) return refusal::denied;
    if (!serving(*ep, role::memctx_provider)) return refusal::unsupported;
    // Between the raise and the command that raised it the memory is still the old one.
    if (ep->epochs.commanded()) return refusal::not_ready;
    const change guard{*this};
    ask_provider(*ep);
    return refusal::none;
}

/// A read that the bus does itself, through the provider's descriptors. It begins when the provider
/// has answered, for anything may happen while it is asked.
template <class Traits>
void core<Traits>::read_memory(node_index n) {
    detail::command_node& node = nodes_[n];
    const change guard{*this};
    const correlation_id id = node.id;
    const auto memory = guest_memory(endpoints_[node.command.endpoint.slot()]);
    if (node_of(id) != n || node.state != detail::command_state::chosen) return;
    if (const outcome o = still_fenced(node); o != outcome::none) return end_command(n, o);
    detail::class_cell& cell = cell_of(node);
    node.state = detail::command_state::begun;
    timers_.cancel(n);
    ++cell.begun;
    cell.pace.ran(now_);
    end_command(n, memory ? read_guest(*memory, node.command.memory, pool_.bytes(node.bulk))
                          : memory.error());
}

template <class Traits>
auto core<Traits>::guest_memory(endpoint_type& ep) -> expected<shown_memory, completion> {
    const auto locator = describe(ep);
    detail::adapter_slot* p = serving(ep, role::memctx_provider);
    if (!p) return unexpected<completion>{completion{.outcome = outcome::adapter_fault}};
    if (!locator || !ep.memctx.valid() || ep.memctx.epoch() != locator->epoch)
        return unexpected<completion>{completion::failed(failure::unavailable)};
    const adapter_id id = p->id;
    const auto shared = call(*p, p->table->share_fds);
    if (!find_adapter(id))
        return unexpected<completion>{completion{.outcome = outcome::adapter_fault}};
    if (!shared || shared->count != locator->fd_count)
        return unexpected<completion>{
            completion::failed(failure::io, shared ? EPROTO : shared.error().code)};
    return shown_memory{*locator, *shared};
}

template <class Traits>
completion core<Traits>::read_guest(const shown_memory& from, const memory_access& m,
                                    std::span<std::byte> into) {
    using ram = basic_pread_ram<typename Traits::fd_calls>;
    const auto view =
        guest_view<ram>::open(from.where, std::span<const int>{from.fds.fd.data(), from.fds.count});
    if (!view) return completion::failed(failure::unavailable);
    const std::uint64_t tcr = from.where.control_of(m.root);
    const auto got = view->read(guest_address::of(m.address, m.root, tcr), into);
    if (got) return {.bytes = static_cast<std::uint32_t>(into.size())};
    switch (got.error().fault) {
    case guest_fault::outside_ram: return completion::failed(failure::outside_ram);
    case guest_fault::truncated: return completion::failed(failure::unavailable);
    case guest_fault::unreadable: return completion::failed(failure::io, got.error().code);
    default: return completion::failed(failure::not_translated);
    }
}

/// Beside those that commands may still take and controls may still pin.
template <class Traits>
bool core<Traits>::blocks_to_share() const {
    const std::uint16_t commands = std::min(command_blocks, blocks_of_commands_);
    return pool_.unused() > command_blocks - commands + pin_blocks - pins_;
}

template <class Traits>
payload_id core<Traits>::allocate(adapter_id by, std::uint32_t bytes) {
    detail::adapter_slot* a = find_adapter(by);
    if (!a || !blocks_to_share()) return {};
    const payload_id p = pool_.allocate(bytes);
    if (p) {
        block_owners_[p.slot()] = by;
        a->allocates = true;
    }
    return p;
}

/// It allocated the block, and has neither emitted nor discarded it.
template <class Traits>
bool core<Traits>::owns_block(adapter_id who, payload_id p) const {
    return pool_.live(p) && block_owners_[p.slot()] == who;
}

template <class Traits>
void core<Traits>::discard(adapter_id by, payload_id p) {
    if (!owns_block(by, p)) return;
    block_owners_[p.slot()] = {};
    pool_.release(p);
}

template <class Traits>
void core<Traits>::discard_blocks_of(adapter_id who) {
    for (std::uint16_t n = 0; n < pool_.ever_used(); ++n) {
        if (block_owners_[n] != who) continue;
        block_owners_[n] = {};
        pool_.release(pool_.in_slot(n));
    }
}

template <class Traits>
refusal core<Traits>::pin(origin_id who, payload_id p) {
    detail::control_slot* control = find_control(who);
    if (!control) return refusal::gone;
    if (!p || !delivery_.brings(p, who.slot())) return refusal::invalid;
    if (control->ledger.held(resource::pinned) >= limits::pins_per_control ||
        !control->ledger.charge(resource::pinned))
        return refusal::busy;
    *std::find(control->pins.begin(), control->pins.end(), payload_id{}) = p;
    ++pins_;
    pool_.retain(p);
    return refusal::none;
}

template <class Traits>
void core<Traits>::unpin(origin_id who, payload_id p) {
    detail::control_slot* control = find_control(who);
    if (!control || !p) return;
    for (payload_id& place : control->pins) {
        if (place != p) continue;
        place = {};
        control->ledger.refund(resource::pinned);
        --pins_;
        return pool_.release(p);
    }
}

template <class Traits>
std::span<const std::byte> core<Traits>::payload_of(origin_id who, payload_id p) {
    const detail::control_slot* control = find_control(who);
    if (!control || !p) return {};
    const bool pinned =
        std::find(control->pins.begin(), control->pins.end(), p) != control->pins.end();
    if (!pinned && !delivery_.brings(p, who.slot())) return {};
    return pool_.bytes(p);
}

} // namespace vmsig
