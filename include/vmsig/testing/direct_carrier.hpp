// direct_carrier: the controls of control_conformance.hpp as objects on the loop's own thread, on a
// core with the manual reactor. The first model of `control_carrier`.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <utility>

#include <vmsig/control/control.hpp>
#include <vmsig/testing/control_port.hpp>

namespace vmsig::testing {

class direct_port final : public control_port {
public:
    direct_port() = default;
    direct_port(const direct_port&) = delete;
    direct_port& operator=(const direct_port&) = delete;
    ~direct_port() override { bus.detach(); }

    void send(std::uint64_t number, const control_request& r) override {
        control_message m = answer(r);
        m.is = control_message::type::answer;
        m.number = number;
        if (r.asks != control_request::call::detach) came_.push_back(std::move(m));
    }
    bool receive(control_message& into) override {
        if (came_.empty()) return false;
        into = std::move(came_.front());
        came_.pop_front();
        return true;
    }
    origin_id origin() const override { return bus.origin(); }

    void on_event(const event& e, control_handle handle) {
        control_message m;
        m.event = e;
        const auto bytes = handle.bytes(e.payload);
        m.bytes.assign(bytes.begin(), bytes.end());
        came_.push_back(std::move(m));
    }
    void on_detached() {
        control_message m;
        m.is = control_message::type::farewell;
        came_.push_back(std::move(m));
    }

    control_handle bus; ///< set by who attaches it

private:
    control_message answer(const control_request& r) const {
        using call = control_request::call;
        control_message m;
        switch (r.asks) {
        case call::submit: {
            const submit_result s = bus.submit(r.what, r.bulk);
            m.why = s.why;
            m.id = s.id;
            break;
        }
        case call::cancel: m.cancelled = bus.cancel(r.id); break;
        case call::acquire: m.acquired = bus.acquire(r.at, r.lease_class, r.options); break;
        case call::release: m.why = bus.release(r.held); break;
        case call::renew: m.why = bus.renew(r.held, r.time); break;
        case call::withdraw: m.why = bus.withdraw(r.wait); break;
        case call::status: take(bus.status(r.at, r.lease_class), m.view, m.why); break;
        case call::subscribe: m.why = bus.subscribe(r.wanted); break;
        case call::may: m.why = bus.may(r.verb, r.at); break;
        case call::memctx: export_to(m, r.at); break;
        case call::refresh: m.why = bus.refresh(r.at); break;
        case call::find: take(bus.find(r.name), m.found, m.why); break;
        case call::detach: bus.detach(); break;
        }
        return m;
    }
    template <class T>
    static void take(expected<T, refusal> from, T& into, refusal& why) {
        if (from)
            into = *from;
        else
            why = from.error();
    }
    void export_to(control_message& m, endpoint_id at) const {
        auto got = bus.memctx(at);
        if (!got) {
            m.why = got.error();
            return;
        }
        m.locator = got->locator;
        for (unique_fd& fd : got->fds)
            if (fd) m.fds.push_back(std::move(fd));
    }

    std::deque<control_message> came_;
};

template <class Core>
struct direct_carrier {
    std::unique_ptr<control_port> attach(Core& bus, const grant& g, const subscription& s) {
        auto port = std::make_unique<direct_port>();
        port->bus = bus.attach(*port, g, s);
        return port;
    }
    bool turn(Core& bus) { return bus.dispatch(); }
    void pass(Core& bus, duration d) { bus.reactor().advance(d); }
};

} // namespace vmsig::testing
