// core, watches: descriptors of adapters, of controls and of the host. A watch is named by slot and
// generation, which the reactor hands back: what was removed in this batch is not dispatched, even
// if the number of its descriptor was used again.
#pragma once

namespace vmsig {

template <class Traits>
inline detail::watch_slot* core<Traits>::find_watch(watch_id id) {
    if (id.slot() >= watch_count) return nullptr; // nobody's id has no such slot either
    detail::watch_slot& w = watches_[id.slot()];
    return w.owner != detail::watch_owner::nobody && w.id == id ? &w : nullptr;
}

template <class Traits>
expected<watch_id, os_error> core<Traits>::add_watch(detail::watch_owner owner, std::uint16_t place,
                                                     int fd, interests what, cookie c) {
    if (inert()) return unexpected<os_error>{os_error{ENODEV, "watch"}};
    if (free_watch_ == 0) return unexpected<os_error>{os_error{EMFILE, "watch"}};
    const auto slot = static_cast<std::uint16_t>(free_watch_ - 1);
    detail::watch_slot& w = watches_[slot];
    const watch_id id = watch_id::make(slot, w.id.generation() + 1);
    if (auto added = reactor_.add(fd, what, id.value); !added)
        return unexpected<os_error>{added.error()};
    // The reactor took the number, so whatever file had it before is closed.
    for (std::uint16_t at = watches_of(fd); at != 0; at = watches_[at - 1u].same) {
        if (watches_[at - 1u].fd != fd) continue;
        forget_descriptor(watches_[at - 1u]);
        break;
    }
    free_watch_ = w.next;
    w = {.id = id, .cookie = c, .fd = fd, .place = place, .owner = owner};
    w.same = std::exchange(watches_of(fd), static_cast<std::uint16_t>(slot + 1));
    if (owner == detail::watch_owner::adapter)
        w.next = std::exchange(adapters_[place].first_watch, static_cast<std::uint16_t>(slot + 1));
    return id;
}

/// Where the list of watches begins whose descriptors have the same hash.
template <class Traits>
std::uint16_t& core<Traits>::watches_of(int fd) {
    return watched_[static_cast<std::size_t>(fd) & (watched_.size() - 1)];
}

/// The number is no longer this watch's.
template <class Traits>
void core<Traits>::forget_descriptor(detail::watch_slot& w) {
    std::uint16_t* at = &watches_of(w.fd);
    while (*at != w.id.slot() + 1) at = &watches_[*at - 1u].same;
    *at = w.same;
    w.fd = -1;
}

/// Total; always before the descriptor is closed.
template <class Traits>
void core<Traits>::drop_watch(watch_id id) {
    detail::watch_slot* w = find_watch(id);
    if (!w) return;
    if (w->fd >= 0) {
        if (!inert()) reactor_.remove(w->fd);
        forget_descriptor(*w);
    }
    if (w->owner == detail::watch_owner::adapter) {
        detail::adapter_slot& a = adapters_[w->place];
        --a.watches;
        std::uint16_t* at = &a.first_watch;
        while (*at != id.slot() + 1) at = &watches_[*at - 1u].next;
        *at = w->next;
    }
    w->owner = detail::watch_owner::nobody;
    if (id.generation() >= limits::generation_limit) return;
    w->next = free_watch_;
    free_watch_ = static_cast<std::uint16_t>(id.slot() + 1);
}

template <class Traits>
expected<watch_id, os_error> core<Traits>::watch_for(adapter_id by, int fd, interests what,
                                                     cookie c) {
    detail::adapter_slot* a = find_adapter(by);
    if (!a) return unexpected<os_error>{os_error{ENODEV, "watch"}};
    if (!a->table->on_ready) return unexpected<os_error>{os_error{EINVAL, "watch"}};
    if (a->watches >= limits::watches_per_adapter)
        return unexpected<os_error>{os_error{EMFILE, "watch"}};
    auto w =
        add_watch(detail::watch_owner::adapter, static_cast<std::uint16_t>(by.slot()), fd, what, c);
    if (w) ++a->watches;
    return w;
}

template <class Traits>
expected<void, os_error> core<Traits>::rearm(adapter_id by, watch_id id, interests what) {
    detail::watch_slot* w = find_watch(id);
    if (!find_adapter(by) || !w || w->owner != detail::watch_owner::adapter ||
        w->place != by.slot())
        return unexpected<os_error>{os_error{ENOENT, "rearm"}};
    return reactor_.modify(w->fd, what, id.value);
}

template <class Traits>
void core<Traits>::unwatch_for(adapter_id by, watch_id id) {
    detail::watch_slot* w = find_watch(id);
    if (w && w->owner == detail::watch_owner::adapter && w->place == by.slot()) drop_watch(id);
}

template <class Traits>
expected<watch_id, os_error> core<Traits>::watch(unique_fd& fd, interests what,
                                                 fd_callback callback, posted cleanup) {
    auto id = watch(fd.get(), what, std::move(callback));
    if (!id) return id;
    host_watch& h = host_watches_[find_watch(*id)->place];
    h.fd = std::move(fd);
    h.cleanup = std::move(cleanup);
    return id;
}

template <class Traits>
expected<watch_id, os_error> core<Traits>::watch(int fd, interests what, fd_callback callback) {
    if (!callback) return unexpected<os_error>{os_error{EINVAL, "watch"}};
    for (std::uint16_t place = 0; place < limits::host_watches; ++place) {
        host_watch& h = host_watches_[place];
        if (h.fd || h.callback) continue;
        auto id = add_watch(detail::watch_owner::host, place, fd, what, {});
        if (!id) return id;
        h.id = *id;
        h.callback = std::move(callback);
        return id;
    }
    return unexpected<os_error>{os_error{EMFILE, "watch"}};
}

template <class Traits>
void core<Traits>::unwatch(watch_id id) {
    detail::watch_slot* w = find_watch(id);
    if (!w || w->owner != detail::watch_owner::host || inert()) return;
    const std::uint16_t place = w->place;
    drop_watch(id);
    if (!in_turn_) return end_host_watch(place);
    host_watches_[place].next_ending =
        std::exchange(ending_watch_, static_cast<std::uint16_t>(place + 1));
    reap_needed_ = true;
}

/// Clean-up, then close.
template <class Traits>
void core<Traits>::end_host_watch(std::uint16_t place) {
    host_watch& h = host_watches_[place];
    posted cleanup = std::move(h.cleanup);
    unique_fd fd = std::move(h.fd);
    h.callback.reset();
    if (cleanup) cleanup();
}

template <class Traits>
[[gnu::always_inline]] inline void core<Traits>::on_ready(const readiness& r) {
    detail::watch_slot* w = find_watch(watch_id{r.token});
    if (!w) return;
    ++callbacks_;
    if (w->owner != detail::watch_owner::adapter || (r.what & always_told).any())
        return on_rarely_ready(*w, r.what);
    detail::adapter_slot& a = adapters_[w->place];
    call(a, a.table->on_ready, w->cookie);
}

/// An adapter's descriptor that hung up, and those of others.
template <class Traits>
void core<Traits>::on_rarely_ready(detail::watch_slot& w, interests what) {
    switch (w.owner) {
    case detail::watch_owner::adapter: return on_hung_up(w, what);
    case detail::watch_owner::host:
        if (host_watch& h = host_watches_[w.place]; h.callback) h.callback(what);
        return;
    case detail::watch_owner::control: {
        detail::control_slot& c = controls_[w.place];
        const change guard{*this};
        touched_ |= bit(w.place);
        if (c.live && c.table->on_ready) c.table->on_ready(&c.binding, what);
        return;
    }
    case detail::watch_owner::nobody: return;
    }
}

/// A descriptor that hung up is told for as long as there is something to read, a bounded number of
/// times; then it is unwatched, so that it cannot keep the loop awake.
template <class Traits>
void core<Traits>::on_hung_up(detail::watch_slot& w, interests what) {
    constexpr std::uint8_t most_hangups = 64;
    detail::adapter_slot& a = adapters_[w.place];
    const bool readable = what.has(interest::read) || what.has(interest::write);
    const watch_id id = w.id;
    const adapter_id who = a.id;
    const cookie c = w.cookie;
    if (readable) call(a, a.table->on_ready, c);
    detail::watch_slot* still = find_watch(id);
    if (!still || !find_adapter(who)) return;
    if (readable && ++still->hangups < most_hangups) return;
    drop_watch(id);
    if (a.table->on_hangup)
        call(a, a.table->on_hangup, c);
    else
        detach_adapter(who, true);
}

} // namespace vmsig
