// frame_port: a control of control_conformance.hpp that speaks frames over a connection: what both
// carriers that have a queue between them and the loop bring.
#pragma once

#include <vmsig/client/connection.hpp>
#include <vmsig/client/inbox.hpp>
#include <vmsig/testing/control_port.hpp>
#include <vmsig/transport/command_codec.hpp>
#include <vmsig/transport/locator_codec.hpp>

#include <deque>
#include <map>
#include <memory>
#include <string>

namespace vmsig::testing {

/// A peer. It acknowledges what it hands out, and says of a command what it has handed out before.
class frame_port final : public control_port {
public:
    using call = control_request::call;

    /// Says hello where somebody must, and asks for nothing yet.
    explicit frame_port(std::unique_ptr<connection> to)
        : connection_{std::move(to)} {
        if (connection_->greets()) put(wire::hello{});
        wire::subscribe nothing;
        nothing.every = false;
        ask(nothing);
        flush();
    }
    ~frame_port() override {
        put(wire::bye{});
        flush();
    }

    bool welcomed() {
        read();
        return inbox_.welcomed();
    }
    /// From here on it is as if it had been attached with that subscription.
    void begin(const subscription& s, std::string_view name) {
        wire::find f;
        name.copy(f.name.data(), f.name.size() - 1);
        ask(f);
        wanted_ = s;
        flush();
    }
    /// Whether all that was asked before the beginning is answered.
    bool begun() {
        read();
        if (!subscribed_ && inbox_.answered(request_)) {
            subscribed_ = true;
            wire::found f;
            parse(inbox_.answered(request_)->back(), f);
            if (f.endpoint) inbox_.note_endpoint(f.endpoint, {}); // the answer names it
            while (inbox_.next()) {}                              // the snapshot of nothing
            subscribe(wanted_, f.endpoint);
            flush();
        }
        return subscribed_ && inbox_.answered(request_) != nullptr;
    }

    void send(std::uint64_t number, const control_request& r) override {
        if (over_) return answer_gone(number, r);
        numbers_[request_ + 1] = {number, r.asks, {r.at, {}, r.lease_class}, 0};
        put_request(r);
        flush();
    }
    bool receive(control_message& into) override {
        read();
        if (!gone_.empty()) {
            into = std::move(gone_.front());
            gone_.pop_front();
            return true;
        }
        if (next_answered(into)) return true;
        if (const inbox::item* i = inbox_.next()) {
            into = {};
            into.event = i->event;
            into.bytes = i->payload;
            acknowledge();
            return true;
        }
        if (!over_ || told_) return false;
        told_ = true;
        into = {};
        into.is = control_message::type::farewell;
        return true;
    }
    origin_id origin() const override { return inbox_.welcome().origin; }

private:
    struct asked {
        std::uint64_t number = 0;
        call what = call::may;
        lease wanted{};           ///< what an acquisition speaks of
        std::uint64_t behind = 0; ///< events that came before the answer
    };

    template <class Frame>
    void put(const Frame& f, std::span<const std::byte> tail = {}) {
        const std::size_t before = out_.size();
        out_.resize(before + wire::frame_bytes<Frame>(tail.size()));
        wire::writer to{std::span{out_}.subspan(before)};
        wire::put_frame(to, f, tail.size());
        to.bytes(tail.data(), tail.size());
    }
    template <class Frame>
    void ask(Frame f, std::span<const std::byte> tail = {}) {
        f.request = ++request_;
        inbox_.expect(f.request);
        put(f, tail);
    }
    void flush() {
        if (!over_) (void)connection_->send(out_);
        out_.clear();
    }
    void acknowledge() {
        put(wire::acknowledge{inbox_.events_taken(), inbox_.memctxs_taken()});
        flush();
    }
    template <class Frame>
    static void parse(const wire::frame_view& a, Frame& f) {
        std::span<const std::byte> tail;
        VMSIG_ASSERT(a.type == Frame::type);
        const bool good = wire::parse(a, f, tail);
        VMSIG_ASSERT(good);
        (void)good;
    }

    void subscribe(const subscription& s, endpoint_id only) {
        wire::subscribe q;
        q.sources = s.sources_value();
        q.every = s.every();
        std::vector<std::byte> handles;
        for (unsigned slot = 0; !q.every && slot < endpoint_names::capacity; ++slot) {
            const endpoint_id e = s.at(slot) && only ? only : s.at(slot);
            if (!e) continue;
            const auto* bytes = reinterpret_cast<const std::byte*>(&e.value);
            handles.insert(handles.end(), bytes, bytes + sizeof e.value);
        }
        ask(q, handles);
    }
    void submit(const command& c, std::span<const std::byte> bulk);
    void put_request(const control_request& r);
    void answer_gone(std::uint64_t number, const control_request& r);
    void read();
    bool next_answered(control_message& into);
    void fill(control_message& m, call what, answers& got);
    void fill_memctx(control_message& m, answers& got);

    std::unique_ptr<connection> connection_;
    inbox inbox_;
    subscription wanted_;
    bool subscribed_ = false;
    std::uint32_t request_ = 0;
    std::vector<std::byte> out_;
    std::map<std::uint32_t, asked> numbers_;
    std::deque<control_message> gone_;
    bool over_ = false, told_ = false;
};

inline void frame_port::submit(const command& c, std::span<const std::byte> bulk) {
    wire::submit s;
    if (!wire::to_submit(c, s)) s.endpoint = c.endpoint; // no verb: as invalid as a frame can say
    const inbox::endpoint_view* view = inbox_.view_of(c.endpoint);
    if (!s.epoch && view) s.epoch = view->seen;
    const std::span<const std::byte> changes = wire::tail_of(c);
    std::vector<std::byte> tail{changes.begin(), changes.end()};
    tail.insert(tail.end(), bulk.begin(), bulk.end());
    ask(s, tail);
}

inline void frame_port::put_request(const control_request& r) {
    const lease& held = r.held;
    switch (r.asks) {
    case call::submit: return submit(r.what, r.bulk);
    case call::cancel: return ask(wire::cancel{0, {}, r.id});
    case call::acquire: {
        wire::acquire q;
        q.lease_class = r.lease_class;
        q.endpoint = r.at;
        q.wait = r.options.wait;
        q.wait_for = r.options.wait_for;
        q.time_to_live = r.options.time_to_live;
        r.options.reason.copy(q.reason.data(), q.reason.size() - 1);
        return ask(q);
    }
    case call::release:
        return ask(wire::release{0, held.lease_class, {}, held.endpoint, held.serial, {}});
    case call::renew:
        return ask(wire::renew{0, held.lease_class, {}, held.endpoint, held.serial, r.time});
    case call::withdraw: return ask(wire::withdraw{0, {}, r.wait});
    case call::status: return ask(wire::status{0, r.lease_class, {}, r.at, {}, {}});
    case call::subscribe: return subscribe(r.wanted, {});
    case call::may: return ask(wire::may{0, static_cast<std::uint32_t>(r.verb), r.at});
    case call::memctx: return ask(wire::take_memctx{0, 0, r.at});
    case call::refresh: return ask(wire::refresh{0, 0, r.at});
    case call::find: {
        wire::find q;
        r.name.copy(q.name.data(), q.name.size() - 1);
        return ask(q);
    }
    case call::detach: return put(wire::bye{});
    }
}

inline void frame_port::answer_gone(std::uint64_t number, const control_request& r) {
    if (r.asks == call::detach) return;
    control_message m;
    m.is = control_message::type::answer;
    m.number = number;
    m.why = m.acquired.why = refusal::gone;
    gone_.push_back(std::move(m));
}

inline void frame_port::read() {
    const auto take = [this](std::span<const std::byte> bytes, std::span<unique_fd> fds) {
        over_ = !inbox_.receive(bytes, fds);
    };
    while (!over_) {
        const std::uint64_t events = inbox_.events_taken() + inbox_.waiting();
        const auto any = connection_->receive(take, {.descriptors = true});
        over_ = over_ || !any;
        for (auto& [request, a] : numbers_)
            if (a.behind == 0 && inbox_.answered(request)) a.behind = events;
        if (any && !*any) return;
    }
}

/// The next answer, when what came before it has been handed out.
inline bool frame_port::next_answered(control_message& into) {
    if (numbers_.empty()) return false;
    const auto first = numbers_.begin();
    answers* const got = inbox_.answered(first->first);
    if (got && inbox_.events_taken() < first->second.behind) return false;
    if (!got && (!over_ || inbox_.waiting() != 0)) return false;
    const asked a = first->second;
    into = {};
    into.is = control_message::type::answer;
    into.number = a.number;
    if (got)
        fill(into, a.what, *got);
    else
        into.why = into.acquired.why = refusal::gone;
    into.acquired.lease.endpoint = a.wanted.endpoint;
    into.acquired.lease.lease_class = a.wanted.lease_class;
    inbox_.forget(first->first);
    numbers_.erase(first);
    return a.what != call::detach || next_answered(into);
}

inline void frame_port::fill(control_message& m, call what, answers& got) {
    const wire::frame_view a = got.back();
    switch (what) {
    case call::submit: {
        wire::submitted s;
        parse(a, s);
        m.why = s.why;
        m.id = s.correlation;
        return;
    }
    case call::cancel: {
        wire::cancelled c;
        parse(a, c);
        m.cancelled = c.result;
        return;
    }
    case call::acquire: {
        wire::acquired q;
        parse(a, q);
        m.acquired.what = q.what;
        m.acquired.why = q.why;
        m.acquired.lease.serial = q.serial;
        m.acquired.wait = q.wait;
        m.acquired.holder = q.holder;
        m.acquired.since = q.since;
        return;
    }
    case call::status: {
        wire::lease_state s;
        parse(a, s);
        m.why = s.why;
        m.view = {s.holder, s.serial, s.since, s.expires, s.rank, s.waiters, s.reason};
        return;
    }
    case call::memctx: return fill_memctx(m, got);
    case call::find: {
        wire::found f;
        parse(a, f);
        m.why = f.why;
        m.found = f.endpoint;
        return;
    }
    default: {
        wire::answer plain;
        parse(a, plain);
        m.why = plain.why;
    }
    }
}

inline void frame_port::fill_memctx(control_message& m, answers& got) {
    wire::memctx x;
    const bool good = wire::get_locator(got.back(), x, m.locator);
    VMSIG_ASSERT(good);
    (void)good;
    m.why = x.why;
    for (unique_fd& fd : got.fds()) m.fds.push_back(std::move(fd));
    acknowledge();
}

} // namespace vmsig::testing
