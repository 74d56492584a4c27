// control_subject: a control as a rule of control_conformance.hpp sees it: calls that are awaited,
// and questions about all that came.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <vmsig/testing/control_port.hpp>

namespace vmsig::testing {

/// A control and all that came to it. Requests are awaited: the loop turns until the answer is
/// there, or beyond all patience, which counts as `gone`.
template <class Bench>
class control_subject {
public:
    using call = control_request::call;

    control_subject(Bench& on, std::unique_ptr<control_port> port)
        : bench_{on}
        , port_{std::move(port)} {}

    origin_id origin() const { return port_->origin(); }
    const std::deque<control_message>& log() const { return log_; }
    /// What has come so far is read, and seen no more by the questions below.
    void forget() {
        read();
        begin_ = log_.size();
    }
    void read() {
        control_message m;
        while (port_->receive(m)) log_.push_back(std::move(m));
    }
    std::uint64_t send(const control_request& r) {
        port_->send(++last_, r);
        return last_;
    }
    const control_message& ask(const control_request& r) {
        static const control_message nothing = [] {
            control_message m;
            m.why = refusal::gone;
            m.acquired.why = refusal::gone;
            return m;
        }();
        const std::uint64_t number = send(r);
        const control_message* got = nullptr;
        bench_.until([&] { return (got = answer(number)) != nullptr; });
        return got ? *got : nothing;
    }
    const control_message* answer(std::uint64_t number) const {
        for (const control_message& m : log_)
            if (m.is == control_message::type::answer && m.number == number) return &m;
        return nullptr;
    }

    submit_result submit(const command& c, std::span<const std::byte> bulk = {}) {
        control_request r = of(call::submit, c.endpoint);
        r.what = c;
        r.bulk.assign(bulk.begin(), bulk.end());
        const control_message& m = ask(r);
        return {m.id, m.why};
    }
    cancel_result cancel(correlation_id id) {
        control_request r = of(call::cancel);
        r.id = id;
        return ask(r).cancelled;
    }
    acquire_result acquire(endpoint_id at, lease_class c, const lease_options& o = {}) {
        control_request r = of(call::acquire, at);
        r.lease_class = c;
        r.options = o;
        return ask(r).acquired;
    }
    refusal release(const lease& l) { return with_lease(call::release, l); }
    refusal renew(const lease& l, duration d) { return with_lease(call::renew, l, d); }
    refusal withdraw(wait_id w) {
        control_request r = of(call::withdraw);
        r.wait = w;
        return ask(r).why;
    }
    const control_message& status(endpoint_id at, lease_class c) {
        control_request r = of(call::status, at);
        r.lease_class = c;
        return ask(r);
    }
    refusal subscribe(const subscription& s) {
        control_request r = of(call::subscribe);
        r.wanted = s;
        return ask(r).why;
    }
    refusal may(verb v, endpoint_id at) {
        control_request r = of(call::may, at);
        r.verb = v;
        return ask(r).why;
    }
    const control_message& memctx(endpoint_id at) { return ask(of(call::memctx, at)); }
    refusal refresh(endpoint_id at) { return ask(of(call::refresh, at)).why; }
    const control_message& find(std::string_view name) {
        control_request r = of(call::find);
        r.name = name;
        return ask(r);
    }
    void detach() { send(of(call::detach)); }

    // Questions about what came since `forget`.

    template <class F>
    std::size_t count_if(F&& f) const {
        std::size_t n = 0;
        for (std::size_t i = begin_; i < log_.size(); ++i) n += f(log_[i]) ? 1u : 0u;
        return n;
    }
    std::size_t count(kind k) const {
        return count_if([k](const control_message& m) { return is(m, k); });
    }
    std::size_t events() const {
        return count_if([](const auto& m) { return m.is == control_message::type::event; });
    }
    std::size_t farewells() const {
        return count_if([](const auto& m) { return m.is == control_message::type::farewell; });
    }
    template <class P>
    std::vector<P> all() const {
        std::vector<P> found;
        for (std::size_t i = begin_; i < log_.size(); ++i)
            if (log_[i].is == control_message::type::event)
                if (const P* p = log_[i].event.template as<P>()) found.push_back(*p);
        return found;
    }
    /// Where the first such message stands in all that came; past the end: nowhere.
    template <class F>
    std::size_t place(F&& f) const {
        return static_cast<std::size_t>(
            std::find_if(log_.begin() + static_cast<std::ptrdiff_t>(begin_), log_.end(), f) -
            log_.begin());
    }
    std::size_t place(kind k) const {
        return place([k](const control_message& m) { return is(m, k); });
    }
    std::size_t place_of_receipt(correlation_id id) const {
        return place([id](const control_message& m) { return is_receipt(m, id); });
    }
    std::size_t receipts_of(correlation_id id) const {
        return count_if([id](const control_message& m) { return is_receipt(m, id); });
    }
    /// Its outcome; `none` when there is no receipt.
    outcome outcome_of(correlation_id id) const {
        const std::size_t at = place_of_receipt(id);
        return at < log_.size() ? log_[at].event.template as<receipt>()->outcome : outcome::none;
    }

    static bool is(const control_message& m, kind k) {
        return m.is == control_message::type::event && m.event.is(k);
    }
    static bool is_receipt(const control_message& m, correlation_id id) {
        return is(m, kind::receipt) && m.event.correlation == id &&
               m.event.template as<receipt>() != nullptr;
    }

private:
    static control_request of(call c, endpoint_id at = {}) {
        control_request r;
        r.asks = c;
        r.at = at;
        return r;
    }
    refusal with_lease(call c, const lease& l, duration d = {}) {
        control_request r = of(c, l.endpoint);
        r.held = l;
        r.time = d;
        return ask(r).why;
    }

    Bench& bench_;
    std::unique_ptr<control_port> port_;
    std::deque<control_message> log_; ///< references into it stay
    std::size_t begin_ = 0;
    std::uint64_t last_ = 0;
};

} // namespace vmsig::testing
