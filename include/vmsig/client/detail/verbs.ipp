// client: the verbs, one request and one answer each.
#pragma once

namespace vmsig {

/// Appends a frame to what is to be sent; the place of its tail.
template <class Frame>
std::span<std::byte> client::put(const Frame& f, std::size_t tail) {
    const std::size_t bytes = wire::frame_bytes<Frame>(tail);
    const std::size_t before = to_send_.size();
    to_send_.resize(before + bytes);
    wire::writer to{std::span{to_send_}.subspan(before)};
    wire::put_frame(to, f, tail);
    return std::span{to_send_}.last(tail);
}

/// Waits for the answer; null: the connection is lost.
inline answers* client::await(std::uint32_t request, bool with_descriptors) {
    const instant until = now() + answer_;
    for (bool whole = write(until) == writing::done;; whole = false) { // of the time that it has
        if (auto* got = inbox_.answered(request)) return rest(), got;
        if (!connection_) return nullptr;
        if (!whole && !wait(until)) {
            lose({wire::farewell::none, {ETIMEDOUT, "answer"}});
            return nullptr;
        }
        read({whole, with_descriptors}); // the first is nearly always the answer
        (void)reply();
    }
}

/// False: no answer that means anything.
template <class Reply, class Frame>
bool client::ask(Frame f, Reply& out, std::span<const std::byte> tail) {
    if (!connection_) return false;
    f.request = inbox_.ask();
    const std::span<std::byte> place = put(f, tail.size());
    std::copy(tail.begin(), tail.end(), place.begin());
    answers* const got = await(f.request);
    std::span<const std::byte> rest;
    const bool good = got && got->back().type == Reply::type && wire::parse(got->back(), out, rest);
    inbox_.forget(f.request);
    return good;
}

inline std::uint32_t client::send(const command& c, std::span<const std::byte> bulk) {
    wire::submit s;
    const std::span<const std::byte> changes = wire::tail_of(c);
    const std::size_t bytes = wire::frame_bytes<wire::submit>(changes.size() + bulk.size());
    if (!wire::to_submit(c, s) || bytes > wire::max_datagram_bytes) return 0;
    const inbox::endpoint_view* view = inbox_.view_of(c.endpoint);
    if (!s.epoch && view) s.epoch = view->seen;
    s.request = inbox_.ask();
    const std::span<std::byte> tail = put(s, changes.size() + bulk.size());
    std::copy(bulk.begin(), bulk.end(), std::copy(changes.begin(), changes.end(), tail.begin()));
    return s.request;
}

inline bool client::submitted(std::uint32_t request, submit_result& out) {
    answers* const got = inbox_.answered(request);
    if (!got && connection_) return false;
    out = {{}, refusal::gone};
    wire::submitted s;
    std::span<const std::byte> rest;
    const bool good = got && got->back().type == s.type;
    if (good && wire::parse(got->back(), s, rest)) out = {s.correlation, s.why};
    inbox_.forget(request);
    return true;
}

inline submit_result client::submit(const command& c, std::span<const std::byte> bulk) {
    submit_result out{{}, refusal::gone};
    const std::uint32_t request = send(c, bulk);
    if (request == 0) return {{}, refusal::invalid};
    (void)await(request);
    (void)submitted(request, out);
    return out;
}

inline cancel_result client::cancel(correlation_id id) {
    wire::cancelled answer;
    return ask(wire::cancel{0, {}, id}, answer) ? answer.result : cancel_result::gone;
}

inline acquire_result client::acquire(endpoint_id e, lease_class c, const lease_options& o) {
    wire::acquire q;
    q.endpoint = e;
    q.lease_class = c;
    q.wait = o.wait;
    q.wait_for = o.wait_for;
    q.time_to_live = o.time_to_live;
    o.reason.copy(q.reason.data(), q.reason.size() - 1);
    wire::acquired answer;
    acquire_result out;
    out.why = refusal::gone;
    if (!ask(q, answer)) return out;
    out.what = answer.what;
    out.why = answer.why;
    out.lease = {e, answer.serial, c};
    out.wait = answer.wait;
    out.holder = answer.holder;
    out.since = answer.since;
    return out;
}

inline refusal client::release(const lease& l) {
    wire::answer a;
    return ask(wire::release{0, l.lease_class, {}, l.endpoint, l.serial, {}}, a) ? a.why
                                                                                 : refusal::gone;
}

inline refusal client::renew(const lease& l, duration time_to_live) {
    wire::answer a;
    const wire::renew q{0, l.lease_class, {}, l.endpoint, l.serial, time_to_live};
    return ask(q, a) ? a.why : refusal::gone;
}

inline refusal client::withdraw(wait_id w) {
    wire::answer a;
    return ask(wire::withdraw{0, {}, w}, a) ? a.why : refusal::gone;
}

inline expected<lease_view, refusal> client::status(endpoint_id e, lease_class c) {
    wire::lease_state s;
    if (!ask(wire::status{0, c, {}, e, {}, {}}, s)) return unexpected{refusal::gone};
    if (s.why != refusal::none) return unexpected{s.why};
    return lease_view{s.holder, s.serial, s.since, s.expires, s.rank, s.waiters, s.reason};
}

inline refusal client::force_release(endpoint_id e, lease_class c) {
    wire::answer a;
    return ask(wire::force_release{0, c, {}, e, {}, {}}, a) ? a.why : refusal::gone;
}

inline expected<std::vector<audit_record>, refusal> client::read_audit(endpoint_id e,
                                                                       std::uint32_t last) {
    if (!connection_) return unexpected{refusal::gone};
    const wire::read_audit q{inbox_.ask(), last, e};
    put(q);
    answers* const got = await(q.request);
    std::vector<audit_record> out;
    wire::audit_read end;
    std::span<const std::byte> rest;
    bool good = got && got->back().type == end.type && wire::parse(got->back(), end, rest) &&
                end.count + 1 == got->size();
    for (std::size_t n = 0; good && n < end.count; ++n) {
        wire::audit_entry a;
        good = (*got)[n].type == a.type && wire::parse((*got)[n], a, rest);
        audit_record r = audit_record::of(a.what);
        r.number = a.number;
        r.time = a.time;
        r.origin = a.origin;
        r.endpoint = a.endpoint;
        r.epoch = a.epoch;
        r.serial = a.serial;
        r.correlation = a.correlation;
        r.verdict = a.verdict;
        r.subject = a.subject;
        r.flags = a.flags;
        r.detail = a.detail;
        out.push_back(r);
    }
    inbox_.forget(q.request);
    if (!good) return unexpected{refusal::gone};
    if (end.why != refusal::none) return unexpected{end.why};
    return out;
}

inline expected<endpoint_statistics, refusal> client::statistics(endpoint_id e) {
    wire::statistics_read s;
    if (!ask(wire::statistics{0, 0, e}, s)) return unexpected{refusal::gone};
    if (s.why != refusal::none) return unexpected{s.why};
    return endpoint_statistics{s.epoch, s.events, s.commands, s.lost_events,
                               s.dropped_publications};
}

inline refusal client::subscribe(const subscription& s) {
    wire::subscribe q;
    q.sources = s.sources_value();
    q.every = s.every();
    std::vector<std::byte> handles;
    for (unsigned slot = 0; !q.every && slot < endpoint_names::capacity; ++slot) {
        if (const endpoint_id e = s.at(slot)) {
            const auto* bytes = reinterpret_cast<const std::byte*>(&e.value);
            handles.insert(handles.end(), bytes, bytes + sizeof e.value);
        }
    }
    wire::answer a;
    return ask(q, a, handles) ? a.why : refusal::gone;
}

inline refusal client::may(verb v, endpoint_id e) {
    wire::answer a;
    return ask(wire::may{0, static_cast<std::uint32_t>(v), e}, a) ? a.why : refusal::gone;
}

inline expected<memctx_export, refusal> client::memctx(endpoint_id e) {
    if (!connection_) return unexpected{refusal::gone};
    const inbox::endpoint_view* view = inbox_.view_of(e);
    const wire::take_memctx q{inbox_.ask(), view && view->fds_lost ? 1u : 0u, e};
    put(q);
    answers* const got = await(q.request, true); // nobody else asks for descriptors
    wire::memctx m;
    memctx_export out;
    if (!got || got->back().type != m.type)
        return inbox_.forget(q.request), unexpected{refusal::gone};
    const bool good = wire::get_locator(got->back(), m, out.locator);
    out.fds_included = m.fds_included;
    const bool complete = !m.fds_included || got->fds().size() == m.fd_count;
    std::move(got->fds().begin(), got->fds().end(), out.fds.begin());
    if (m.fds_included) inbox_.note_fds(e, !complete);
    inbox_.forget(q.request);
    (void)reply();
    if (m.why != refusal::none) return unexpected{m.why};
    if (!good) return unexpected{refusal::invalid};
    if (!complete) return unexpected{refusal::exhausted};
    return out;
}

inline refusal client::refresh(endpoint_id e) {
    wire::answer a;
    return ask(wire::refresh{0, 0, e}, a) ? a.why : refusal::gone;
}

inline expected<endpoint_id, refusal> client::find(std::string_view name) {
    wire::find q;
    if (name.size() >= q.name.size()) return unexpected{refusal::denied};
    name.copy(q.name.data(), q.name.size() - 1);
    wire::found f;
    if (!ask(q, f)) return unexpected{refusal::gone};
    if (f.why != refusal::none) return unexpected{f.why};
    inbox_.note_endpoint(f.endpoint, name);
    return f.endpoint;
}

inline std::string_view client::name_of(endpoint_id e) const {
    const inbox::endpoint_view* v = inbox_.view_of(e);
    return v ? std::string_view{v->name} : std::string_view{};
}

} // namespace vmsig
