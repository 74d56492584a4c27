// session, requests: what a peer may ask, one function each. Each answers with one frame.
#pragma once

#include <algorithm>

namespace vmsig {

template <class Frame>
void session::reply(const Frame& f) {
    wire::writer to{replies_.append(wire::frame_bytes<Frame>())};
    wire::put_frame(to, f);
}

/// Parses a request without a tail and runs it. A verb that answers says whether it makes sense.
template <class Frame, class Answer>
bool session::with(const wire::frame_view& f, Answer (session::*verb)(const Frame&)) {
    Frame q;
    std::span<const std::byte> tail;
    if (!wire::parse(f, q, tail)) return false;
    if constexpr (std::is_same_v<Answer, bool>) return (this->*verb)(q);
    (this->*verb)(q);
    return true;
}

inline bool session::submit(const wire::frame_view& f) {
    wire::submit s;
    std::span<const std::byte> tail;
    if (!wire::parse(f, s, tail) || (s.options & ~wire::all_submit_options) != 0) return false;
    command c;
    std::span<const std::byte> bulk;
    wire::submitted answer;
    answer.request = s.request;
    answer.why = wire::to_command(s, tail, named(s.endpoint), c, bulk);
    if (s.verb == verb::mem_read && s.length > outbox::payload_bytes) answer.why = refusal::invalid;
    // Only the peer knows what it has seen; whoever says nothing has seen nothing.
    const command_class cls = class_of(s.verb);
    const bool fenced = cls == command_class::input || cls == command_class::memwrite ||
                        cls == command_class::memread || c.fenced_by_epoch;
    if (answer.why == refusal::none && fenced && !c.epoch) answer.why = refusal::not_ready;
    const bool read = s.verb == verb::mem_read;
    if (commands_open_ == outbox::receipts || (read && reads_open_ == outbox::read_payloads))
        if (answer.why == refusal::none) answer.why = refusal::busy;
    if (answer.why == refusal::none) {
        const submit_result r = bus_.submit(c, bulk);
        answer.why = r.why;
        answer.correlation = r.id;
        if (r) ++commands_open_;
        if (r && read) ++reads_open_;
    }
    reply(answer);
    return true;
}

inline void session::cancel(const wire::cancel& q) {
    wire::cancelled answer;
    answer.request = q.request;
    answer.result = bus_.cancel(q.correlation);
    reply(answer);
}

inline void session::acquire(const wire::acquire& q) {
    wire::acquired answer;
    answer.request = q.request;
    const std::string_view reason = wire::text_of(q.reason);
    const acquire_result r = bus_.acquire(named(q.endpoint), q.lease_class,
                                          {q.wait, q.wait_for, q.time_to_live, reason});
    answer.what = r.what;
    answer.why = r.why;
    answer.serial = r.lease.serial;
    answer.wait = r.wait;
    answer.holder = r.holder;
    answer.since = r.since;
    reply(answer);
}

inline void session::release(const wire::release& q) {
    const lease l{named(q.endpoint), q.serial, q.lease_class};
    reply(wire::answer{q.request, bus_.release(l), {}});
}

inline void session::renew(const wire::renew& q) {
    const lease l{named(q.endpoint), q.serial, q.lease_class};
    reply(wire::answer{q.request, bus_.renew(l, q.time_to_live), {}});
}

inline void session::withdraw(const wire::withdraw& q) {
    reply(wire::answer{q.request, bus_.withdraw(q.wait), {}});
}

inline void session::status(const wire::status& q) {
    wire::lease_state answer;
    answer.request = q.request;
    if (const auto s = bus_.status(named(q.endpoint), q.lease_class)) {
        answer.waiters = s->waiters;
        answer.rank = s->rank;
        answer.holder = s->holder;
        answer.serial = s->serial;
        answer.since = s->since;
        answer.expires = s->expires;
        answer.reason = s->reason;
        answer.reason.back() = '\0';
    } else {
        answer.why = s.error();
    }
    reply(answer);
}

inline void session::force_release(const wire::force_release& q) {
    const refusal r = bus_.force_release(named(q.endpoint), q.lease_class);
    reply(wire::answer{q.request, r, {}});
}

inline void session::read_audit(const wire::read_audit& q) {
    wire::audit_read answer;
    answer.request = q.request;
    const std::size_t most = std::min(q.number, most_audit_records);
    const std::size_t room = (most + 1) * wire::frame_bytes<wire::audit_entry>();
    if (replies_.room() < answers_of_a_datagram + room) {
        answer.why = refusal::busy;
        return reply(answer);
    }
    const auto put = [&](const audit_record& r) {
        if (answer.count == most) return;
        ++answer.count;
        wire::audit_entry e;
        e.request = q.request;
        e.detail = r.detail;
        e.what = r.what;
        e.verdict = r.verdict;
        e.subject = r.subject;
        e.flags = r.flags;
        e.number = r.number;
        e.time = r.time;
        e.origin = r.origin;
        e.endpoint = q.endpoint;
        e.epoch = r.epoch;
        e.serial = r.serial;
        e.correlation = r.correlation;
        reply(e);
    };
    const auto read = bus_.read_audit(named(q.endpoint), most, put);
    if (!read) answer.why = read.error();
    reply(answer);
}

inline void session::statistics(const wire::statistics& q) {
    wire::statistics_read answer;
    answer.request = q.request;
    if (const auto s = bus_.statistics(named(q.endpoint))) {
        answer.epoch = s->epoch;
        answer.events = s->events;
        answer.commands = s->commands;
        answer.lost_events = s->lost_events;
        answer.dropped_publications = s->dropped_publications;
    } else {
        answer.why = s.error();
    }
    reply(answer);
}

inline bool session::subscribe(const wire::frame_view& f) {
    wire::subscribe q;
    std::span<const std::byte> tail;
    if (!wire::parse(f, q, tail) || tail.size() % sizeof(std::uint64_t) != 0 ||
        tail.size() > endpoint_names::capacity * sizeof(std::uint64_t) ||
        (q.every && !tail.empty()))
        return false;
    subscription s = q.every ? subscription::all() : subscription::none();
    refusal why = refusal::none;
    for (wire::reader from{tail}; !from.left().empty();) {
        endpoint_id handle;
        wire::get(from, handle);
        const endpoint_id e = named(handle);
        if (!e) why = refusal::denied;
        s.on(e);
    }
    s.from(q.sources);
    if (why == refusal::none) why = bus_.subscribe(s);
    reply(wire::answer{q.request, why, {}});
    return true;
}

inline bool session::may(const wire::may& q) {
    if (q.number > static_cast<std::uint32_t>(wire::last_of<verb>)) return false;
    const refusal r = bus_.may(static_cast<verb>(q.number), named(q.endpoint));
    reply(wire::answer{q.request, r, {}});
    return true;
}

inline bool session::take_memctx(const wire::take_memctx& q) {
    if (q.number > 1) return false;
    if (q.number == 1) bus_.memctx_lost(named(q.endpoint));
    if (memctx_count_ == most_memctx_requests) {
        wire::memctx answer;
        answer.request = q.request;
        answer.why = refusal::busy;
        answer.endpoint = q.endpoint;
        reply(answer);
    } else {
        memctx_wanted_[memctx_count_++] = {q.request, q.endpoint};
    }
    return true;
}

inline void session::refresh(const wire::refresh& q) {
    reply(wire::answer{q.request, bus_.refresh(named(q.endpoint)), {}});
}

inline void session::find(const wire::find& q) {
    wire::found answer;
    answer.request = q.request;
    if (const auto e = bus_.find(wire::text_of(q.name))) {
        answer.endpoint = handles_.handle_of(*e);
        if (answer.endpoint) {
            handles_.set_announced(*e, true);
            outbox_.tell_removal(*e);
        }
        if (!answer.endpoint) answer.why = refusal::busy;
    } else {
        answer.why = e.error();
    }
    reply(answer);
}

} // namespace vmsig
