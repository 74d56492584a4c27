// session: the state machine, and how datagrams are filled.
#pragma once

namespace vmsig {

inline session::session(session_host& host)
    : host_{host} {}

inline void session::reset() {
    outbox_.clear();
    replies_.clear();
    handles_.clear();
    export_.reset();
    bus_ = {};
    kinds_named_ = {};
    greeted_ = false;
    commands_open_ = reads_open_ = 0;
    events_sent_ = events_acknowledged_ = memctxs_sent_ = memctxs_acknowledged_ = 0;
    memctx_count_ = 0;
    not_sent();
}

inline wire::farewell session::receive(std::span<const std::byte> datagram) {
    if (datagram.empty()) return wire::farewell::by_request; // how the end of a stream reads
    unsigned count = 0;
    while (!datagram.empty()) {
        wire::frame_view f;
        if (!wire::next_frame(datagram, f) || ++count > wire::max_requests_per_datagram)
            return wire::farewell::protocol;
        const wire::farewell end = greeted_ ? request(f) : greet(f);
        if (end != wire::farewell::none) return end;
    }
    return wire::farewell::none;
}

inline wire::farewell session::greet(const wire::frame_view& f) {
    wire::hello h;
    std::span<const std::byte> tail;
    if (f.type != wire::frame_type::hello || !wire::parse(f, h, tail) || h.magic != wire::magic ||
        h.byte_order != wire::byte_order || h.oldest > h.newest)
        return wire::farewell::protocol;
    if (h.oldest > wire::newest_version || h.newest < wire::oldest_version)
        return wire::farewell::version;
    auto admitted = host_.admit(h);
    if (!admitted) return admitted.error();
    welcome(*admitted, std::min(h.newest, wire::newest_version));
    return wire::farewell::none;
}

inline void session::open(control_handle as) { welcome(as, wire::newest_version); }

inline void session::welcome(control_handle as, std::uint16_t version) {
    greeted_ = true;
    bus_ = as;
    wire::welcome w;
    w.version = version;
    w.origin = bus_.origin();
    reply(w);
}

inline wire::farewell session::request(const wire::frame_view& f) {
    using t = wire::frame_type;
    using s = session;
    bool good = true;
    switch (f.type) {
    case t::submit: good = submit(f); break;
    case t::cancel: good = with(f, &s::cancel); break;
    case t::acquire: good = with(f, &s::acquire); break;
    case t::release: good = with(f, &s::release); break;
    case t::renew: good = with(f, &s::renew); break;
    case t::withdraw: good = with(f, &s::withdraw); break;
    case t::status: good = with(f, &s::status); break;
    case t::force_release: good = with(f, &s::force_release); break;
    case t::read_audit: good = with(f, &s::read_audit); break;
    case t::statistics: good = with(f, &s::statistics); break;
    case t::subscribe: good = subscribe(f); break;
    case t::take_memctx: good = with(f, &s::take_memctx); break;
    case t::refresh: good = with(f, &s::refresh); break;
    case t::find: good = with(f, &s::find); break;
    case t::bye: return f.body.empty() ? wire::farewell::by_request : wire::farewell::protocol;
    case t::may: good = with(f, &s::may); break;
    case t::acknowledge: {
        wire::acknowledge a;
        std::span<const std::byte> tail;
        return wire::parse(f, a, tail) ? acknowledge(a) : wire::farewell::protocol;
    }
    case t::pong: good = f.body.size() == wire::size_of<wire::pong>(); break;
    default: good = f.optional; break; // never act on what one does not know
    }
    return good ? wire::farewell::none : wire::farewell::protocol;
}

/// What was never sent can not be acknowledged, nor less than before.
inline wire::farewell session::acknowledge(const wire::acknowledge& a) {
    if (a.events > events_sent_ || a.events < events_acknowledged_ || a.memctxs > memctxs_sent_ ||
        a.memctxs < memctxs_acknowledged_)
        return wire::farewell::protocol;
    events_acknowledged_ = a.events;
    memctxs_acknowledged_ = a.memctxs;
    return wire::farewell::none;
}

inline void session::on_event(const event& e) {
    const bool recalled = e.kind == kind::memctx_invalidated || e.kind == kind::endpoint_removed;
    if (recalled && export_ && export_->locator.endpoint == e.endpoint) export_.reset();
    const bool known = !e.endpoint || handles_.announced(e.endpoint) || e.kind == kind::receipt;
    if (!known && revokes(e)) return;
    if (!known && host_.name_of(e.endpoint).empty()) return forget_untold(e.endpoint);
    if (e.payload_size > outbox::payload_bytes) return outbox_.lose(e);
    const std::span<const std::byte> bytes = bus_.bytes(e.payload);
    outbox_.push(e, host_.traits_of(e.kind).coalesces,
                 bytes.first(std::min<std::size_t>(bytes.size(), e.payload_size)));
}

/// It is gone, and its name with it, before the peer was told of it.
inline void session::forget_untold(endpoint_id gone) {
    outbox_.keep_if([&](const event& e) { return e.endpoint != gone; });
    outbox_.keep_losses_if([&](endpoint_id e) { return e != gone; });
}

/// Whether a control with that grant may still be told. What the bus owes it, it may; the end of
/// an endpoint only if it knows of it.
inline bool session::visible(const event& e, const grant& g) const {
    const audience a = host_.traits_of(e.kind).audience;
    switch (e.kind) {
    case kind::grant_changed: // perhaps to nothing
    case kind::endpoint_removed:
        return g.rights_on(e.endpoint).any() || handles_.announced(e.endpoint);
    case kind::replay_begin:
    case kind::replay_end: return g.rights_on(e.endpoint).any();
    case kind::memctx_invalidated:
    case kind::memctx_unavailable: return g.permits(right::memctx, e.endpoint);
    default: break;
    }
    switch (a) {
    case audience::addressee:
    case audience::memctx_takers: return true;
    case audience::any_right: return g.rights_on(e.endpoint).any();
    case audience::memory_readers:
        return g.permits(right::memctx, e.endpoint, e.source) ||
               g.permits(right::memread, e.endpoint, e.source);
    default: return g.permits(static_cast<right>(a), e.endpoint, e.source);
    }
}

inline void session::take_back(const grant& g) {
    outbox_.keep_if([&](const event& e) { return visible(e, g); });
    outbox_.keep_losses_if([&](endpoint_id e) { return g.rights_on(e).any(); });
    outbox_.keep_bytes_if([&](const event& e) { return g.permits(right::memread, e.endpoint); });
    if (export_ && !g.permits(right::memctx, export_->locator.endpoint)) export_.reset();
}

inline void session::ping(std::uint64_t token) {
    if (can_receive()) reply(wire::ping{token});
}

inline bool session::wants_to_send() const {
    if (!replies_.empty() || outbox_.anything(window_open())) return true;
    return memctx_count_ != 0 && memctxs_sent_ == memctxs_acknowledged_;
}

/// Answers first: each comes before the receipt that it announces. There are no more of them than
/// one datagram of a turn asked for, so events do not wait for long.
inline std::size_t session::fill(std::span<std::byte> datagram) {
    wire::writer to{datagram};
    const std::span<const std::byte> replies = replies_.front(datagram.size());
    to.bytes(replies.data(), replies.size());
    reply_bytes_filled_ = replies.size();
    if (replies.size() == replies_.size()) fill_events(to);
    return to.size();
}

/// Its handle ends with it.
inline bool session::revokes(const event& e) {
    const auto* g = e.as<grant_changed>();
    return g && g->rights == 0;
}

inline void session::fill_events(wire::writer& to) {
    const auto open = [this] {
        return events_sent_ + events_filled_ - events_acknowledged_ < wire::event_window;
    };
    while (const event* e = outbox_.stage(open())) {
        const bool of_command = e->kind == kind::receipt; // whose issuer knows the endpoint
        const endpoint_id handle =
            of_command ? handles_.known_handle(e->endpoint) : handles_.handle_of(e->endpoint);
        const std::size_t names = put_names(to, *e, true);
        const std::size_t needed = names + wire::event_bytes(*e);
        // Without a place for its handle it waits for the removal before it to be sent.
        const bool named = of_command || !e->endpoint || handle;
        if (needed > to.room() || name_count_ == names_filled_.size() || !named) {
            outbox_.unstage();
            break;
        }
        if (names != 0) put_names(to, *e, false);
        wire::put_event(to, *e, handle, outbox_.payload_of(*e));
        ++events_filled_;
        // What follows of that endpoint, if it is granted again, has another handle.
        if (revokes(*e)) break;
    }
}

/// What the peer must be told before it can read this event; how many bytes.
inline std::size_t session::put_names(wire::writer& to, const event& e, bool count_only) {
    std::size_t bytes = 0;
    const auto fill_name = [](std::array<char, wire::name_bytes>& name, std::string_view from) {
        from.copy(name.data(), name.size() - 1);
    };
    const auto told = names_filled_.begin() + name_count_;
    if (e.kind == kind::receipt) return 0;
    if (e.endpoint && !handles_.announced(e.endpoint) &&
        std::find(names_filled_.begin(), told, e.endpoint) == told) {
        bytes += wire::frame_bytes<wire::endpoint_named>();
        if (!count_only) {
            wire::endpoint_named named;
            named.endpoint = handles_.handle_of(e.endpoint);
            fill_name(named.name, host_.name_of(e.endpoint));
            wire::put_frame(to, named);
            names_filled_[name_count_++] = e.endpoint;
        }
    }
    const auto k = static_cast<unsigned>(e.kind) % most_kinds;
    if (e.kind >= kind::first_host && !has_bit(kinds_named_[k / 64], k % 64) &&
        !has_bit(kinds_filled_[k / 64], k % 64)) {
        bytes += wire::frame_bytes<wire::kind_named>();
        if (!count_only) {
            wire::kind_named named;
            named.kind = e.kind;
            fill_name(named.name, host_.name_of(e.kind));
            wire::put_frame(to, named);
            kinds_filled_[k / 64] |= bit(k % 64);
        }
    }
    return bytes;
}

inline void session::sent() {
    replies_.pop(reply_bytes_filled_);
    events_sent_ += events_filled_;
    for (std::uint8_t n = 0; n < name_count_; ++n) handles_.set_announced(names_filled_[n], true);
    for (std::size_t w = 0; w < kinds_named_.size(); ++w) kinds_named_[w] |= kinds_filled_[w];
    outbox_.commit([this](const event& e) { on_sent(e); });
    if (export_filled_) {
        memctxs_sent_ += export_->fds_included ? 1 : 0;
        export_.reset();
        next_memctx();
    }
    not_sent(); // forgets what was filled
}

inline void session::on_sent(const event& e) {
    if (const auto* r = e.as<receipt>()) {
        --commands_open_;
        if (r->verb == verb::mem_read) --reads_open_;
    }
    if (revokes(e)) outbox_.number_anew(e.endpoint);
    if (revokes(e) || e.kind == kind::endpoint_removed) handles_.forget(e.endpoint);
}

inline void session::not_sent() {
    outbox_.rollback();
    for (std::uint8_t n = 0; n < name_count_; ++n)
        if (!handles_.announced(names_filled_[n])) handles_.forget(names_filled_[n]);
    reply_bytes_filled_ = 0;
    events_filled_ = 0;
    name_count_ = 0;
    kinds_filled_ = {};
    export_filled_ = false;
}

inline void session::next_memctx() {
    std::copy(memctx_wanted_.begin() + 1, memctx_wanted_.end(), memctx_wanted_.begin());
    --memctx_count_;
}

inline void session::refuse_memctx(refusal why) {
    wire::memctx answer;
    answer.request = memctx_wanted_[0].request;
    answer.endpoint = memctx_wanted_[0].endpoint;
    answer.why = why;
    reply(answer);
    next_memctx();
}

/// After everything of the safety lane: a memctx never overtakes the invalidation of the one
/// before. It is taken from the bus now, when it is sent.
inline std::size_t session::fill_memctx(std::span<std::byte> datagram, std::span<int> fds,
                                        std::size_t& fd_count) {
    fd_count = 0;
    if (memctxs_sent_ != memctxs_acknowledged_ || outbox_.safety_waits()) return 0;
    while (!export_) {
        if (memctx_count_ == 0) return 0;
        auto taken = bus_.memctx(named(memctx_wanted_[0].endpoint));
        if (taken)
            export_ = std::move(*taken);
        else
            refuse_memctx(taken.error());
    }
    wire::memctx answer;
    answer.request = memctx_wanted_[0].request;
    answer.endpoint = memctx_wanted_[0].endpoint;
    const memctx_locator& l = export_->locator;
    answer.fds_included = export_->fds_included;
    wire::writer to{datagram};
    wire::put_locator(to, answer, l);
    if (export_->fds_included)
        for (; fd_count < l.fd_count && fd_count < fds.size(); ++fd_count)
            fds[fd_count] = export_->fds[fd_count].get();
    export_filled_ = true;
    return to.size();
}

inline void session::move_fds(std::span<unique_fd> fds) {
    for (std::size_t n = 0; n < fds.size(); ++n) fds[n] = std::move(export_->fds[n]);
}

} // namespace vmsig
