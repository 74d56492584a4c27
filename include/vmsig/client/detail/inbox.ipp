// inbox: bodies.
#pragma once

#include <algorithm>
#include <utility>

namespace vmsig {

inline bool inbox::receive(std::span<const std::byte> datagram, std::span<unique_fd> fds) {
    while (!datagram.empty()) {
        wire::frame_view f;
        if (!wire::next_frame(datagram, f) || !take(f, fds)) return false;
    }
    return true;
}

inline bool inbox::take(const wire::frame_view& f, std::span<unique_fd> fds) {
    using t = wire::frame_type;
    std::span<const std::byte> tail;
    if (!welcomed_) {
        wire::rejected no;
        if (f.type == t::rejected && wire::parse(f, no, tail)) return ended_ = no.why, false;
        welcomed_ = f.type == t::welcome && wire::parse(f, welcome_, tail);
        return welcomed_;
    }
    switch (f.type) {
    case t::event: return take_event(f);
    case t::endpoint_named: {
        wire::endpoint_named n;
        if (!wire::parse(f, n, tail)) return false;
        note_endpoint(n.endpoint, wire::text_of(n.name));
        return endpoints_.size() <= most_endpoints;
    }
    case t::kind_named: {
        wire::kind_named n;
        if (!wire::parse(f, n, tail)) return false;
        kinds_[static_cast<std::uint16_t>(n.kind)] = wire::text_of(n.name);
        return true;
    }
    case t::ping: {
        wire::ping p;
        if (!wire::parse(f, p, tail)) return false;
        ping_ = p.token;
        return true;
    }
    case t::goodbye: {
        wire::goodbye g;
        if (wire::parse(f, g, tail)) ended_ = g.why;
        return false;
    }
    default: break;
    }
    if (f.type >= t::answer && f.type <= t::found) return take_answer(f, fds);
    return f.optional;
}

inline bool inbox::take_event(const wire::frame_view& f) {
    if (waiting_ == most_events) return false;
    if (held_ + waiting_ == ring_.size()) widen();
    item& i = ring_[place(held_ + waiting_)];
    std::span<const std::byte> payload;
    if (!wire::get_event(f, i.event, payload)) return false;
    i.payload.assign(payload.begin(), payload.end());
    ++waiting_;
    return true;
}

/// Twice the room.
inline void inbox::widen() {
    std::rotate(ring_.begin(), ring_.begin() + static_cast<std::ptrdiff_t>(first_), ring_.end());
    first_ = 0;
    ring_.resize(std::max<std::size_t>(64, 2 * ring_.size()));
}

/// Every answer begins with the request that it answers.
inline bool inbox::take_answer(const wire::frame_view& f, std::span<unique_fd> fds) {
    wire::reader from{f.body};
    std::uint32_t request = 0;
    if (!wire::get(from, request)) return false;
    const bool is_memctx = f.type == wire::frame_type::memctx;
    if (is_memctx) {
        wire::memctx m;
        std::span<const std::byte> tail;
        if (!wire::parse(f, m, tail) || fds.size() > max_ram_fds) return false;
        if (m.fds_included) ++memctxs_taken_;
    }
    const auto waiting = answers_.find(request);
    if (waiting == answers_.end()) return true;
    if (is_memctx) waiting->second.take_fds(fds); // those of one frame of the datagram
    waiting->second.add(f);
    return waiting->second.size() <= most_answers;
}

inline std::uint32_t inbox::ask() {
    do ++last_request_;
    while (last_request_ == 0 || answers_.contains(last_request_));
    expect(last_request_);
    return last_request_;
}

inline void inbox::expect(std::uint32_t request) {
    if (!spare_) {
        answers_.try_emplace(request);
        return;
    }
    spare_.key() = request;
    answers_.insert(std::move(spare_));
}

inline void inbox::forget(std::uint32_t request) {
    auto gone = answers_.extract(request);
    if (!gone) return;
    gone.mapped().clear();
    spare_ = std::move(gone);
}

inline answers* inbox::answered(std::uint32_t request) {
    const auto found = answers_.find(request);
    if (found == answers_.end() || found->second.empty()) return nullptr;
    const bool more_to_come = found->second.back().type == wire::frame_type::audit_entry;
    return more_to_come ? nullptr : &found->second;
}

inline const inbox::item* inbox::next() {
    first_ = held_ ? place(1) : first_;
    held_ = waiting_ != 0;
    if (!held_) return nullptr;
    --waiting_;
    ++events_taken_;
    note(ring_[first_].event);
    return &ring_[first_];
}

/// What the control has been told with it of its endpoint.
inline void inbox::note(const event& e) {
    const bool notice = e.kind == kind::replay_end || e.kind == kind::epoch_changed;
    const auto* g = e.as<grant_changed>();
    const bool end = e.kind == kind::endpoint_removed || (g && g->rights == 0);
    if (!notice && !end) return;
    const auto view = endpoints_.find(e.endpoint.value);
    if (view == endpoints_.end()) return;
    if (end) {
        endpoints_.erase(view);
        return;
    }
    view->second.seen = std::max(view->second.seen, e.epoch);
    if (e.kind == kind::replay_end) view->second.ready = true;
}

inline const inbox::endpoint_view* inbox::view_of(endpoint_id handle) const {
    const auto found = endpoints_.find(handle.value);
    return found == endpoints_.end() ? nullptr : &found->second;
}

inline std::string_view inbox::name_of(kind k) const {
    if (k < kind::first_host) return traits_of(k).name;
    const auto found = kinds_.find(static_cast<std::uint16_t>(k));
    return found == kinds_.end() ? std::string_view{} : found->second;
}

inline void inbox::note_fds(endpoint_id handle, bool lost) {
    if (const auto view = endpoints_.find(handle.value); view != endpoints_.end())
        view->second.fds_lost = lost;
}

inline void inbox::note_endpoint(endpoint_id handle, std::string_view name) {
    endpoints_[handle.value].name = name;
}

} // namespace vmsig
