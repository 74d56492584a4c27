// core, watches: descriptors of adapters, of controls and of the host. A watch is named by slot and
// generation, which the reactor hands back: what was removed in this batch is not dispatched, even
// if the number of its descriptor was used again.
#pragma once

namespace vmsig {

template <class Traits>
detail::watch_slot* core<Traits>::find_watch(watch_id id) {
    if (!id || id.slot() >= watches_.size()) return nullptr;
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
    const watch_id id = watch_id::make(slot, w.generation + 1);
    if (auto added = reactor_.add(fd, what, id.value); !added)
        return unexpected<os_error>{added.error()};
    for (detail::watch_slot& other :
         watches_) // the reactor took the number: its last file is closed
        if (other.owner != detail::watch_owner::nobody && other.fd == fd) other.fd = -1;
    free_watch_ = w.next_free;
    ++w.generation;
    w.id = id;
    w.owner = owner;
    w.place = place;
    w.fd = fd;
    w.cookie = c;
    w.what = what;
    w.hangups = 0;
    return id;
}

/// Total; always before the descriptor is closed.
template <class Traits>
void core<Traits>::drop_watch(watch_id id) {
    detail::watch_slot* w = find_watch(id);
    if (!w) return;
    if (w->fd >= 0) reactor_.remove(w->fd);
    if (w->owner == detail::watch_owner::adapter) --adapters_[w->place].watches;
    w->owner = detail::watch_owner::nobody;
    w->fd = -1;
    if (w->generation >= limits::generation_limit) return;
    w->next_free = free_watch_;
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
    auto done = reactor_.modify(w->fd, what, id.value);
    if (done) w->what = what;
    return done;
}

template <class Traits>
void core<Traits>::unwatch_for(adapter_id by, watch_id id) {
    detail::watch_slot* w = find_watch(id);
    if (w && w->owner == detail::watch_owner::adapter && w->place == by.slot()) drop_watch(id);
}

template <class Traits>
expected<watch_id, os_error> core<Traits>::watch(unique_fd& fd, interests what,
                                                 fd_callback callback, posted cleanup) {
    for (std::uint16_t place = 0; place < limits::host_watches; ++place) {
        host_watch& h = host_watches_[place];
        if (h.fd || h.callback) continue;
        auto id = add_watch(detail::watch_owner::host, place, fd.get(), what, {});
        if (!id) return id;
        h.fd = std::move(fd);
        h.callback = std::move(callback);
        h.cleanup = std::move(cleanup);
        h.ending = false;
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
    host_watches_[place].ending = true;
    reap_needed_ = true;
    if (!in_turn_) end_host_watch(place);
}

/// Clean-up, then close.
template <class Traits>
void core<Traits>::end_host_watch(std::uint16_t place) {
    host_watch& h = host_watches_[place];
    posted cleanup = std::move(h.cleanup);
    unique_fd fd = std::move(h.fd);
    h.callback.reset();
    h.ending = false;
    if (cleanup) cleanup();
}

template <class Traits>
void core<Traits>::on_ready(const readiness& r) {
    detail::watch_slot* w = find_watch(watch_id{r.token});
    if (!w) return;
    ++callbacks_;
    switch (w->owner) {
    case detail::watch_owner::adapter: return on_adapter_ready(*w, r.what);
    case detail::watch_owner::host: return on_host_ready(*w, r.what);
    case detail::watch_owner::control: {
        detail::control_slot& c = controls_[w->place];
        const change guard{*this};
        if (c.live && c.table->on_ready) c.table->on_ready(&c.binding, r.what);
        return;
    }
    case detail::watch_owner::nobody: return;
    }
}

/// A descriptor that hung up is told for as long as there is something to read, a bounded number of
/// times; then it is unwatched, so that it cannot keep the loop awake.
template <class Traits>
void core<Traits>::on_adapter_ready(detail::watch_slot& w, interests what) {
    constexpr std::uint8_t most_hangups = 64;
    detail::adapter_slot& a = adapters_[w.place];
    const watch_id id = w.id;
    const adapter_id who = a.id;
    const cookie c = w.cookie;
    const bool readable = what.has(interest::read) || what.has(interest::write);
    const bool gone = what.has(interest::hangup) || what.has(interest::error);
    if (readable && a.table->on_ready) call(a, a.table->on_ready, c);
    detail::watch_slot* still = find_watch(id);
    if (!gone || !still || !find_adapter(who)) return;
    if (readable && ++still->hangups < most_hangups) return;
    drop_watch(id);
    if (a.table->on_hangup)
        call(a, a.table->on_hangup, c);
    else
        detach_adapter(who, true);
}

template <class Traits>
void core<Traits>::on_host_ready(detail::watch_slot& w, interests what) {
    host_watch& h = host_watches_[w.place];
    if (h.callback) h.callback(what);
}

} // namespace vmsig
