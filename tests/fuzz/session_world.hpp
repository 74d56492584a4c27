// session_world: a session between a core with two stub machines and a peer that speaks whatever an
// input says, without sockets. What the session sends is read by the client's inbox, so each side
// checks the other.
#pragma once

#include "drawn_request.hpp"
#include "session_listener.hpp"

#include <algorithm>
#include <memory>

#include <vmsig/core/core.hpp>
#include <vmsig/reactor/manual_reactor.hpp>
#include <vmsig/stub/machine.hpp>
#include <vmsig/transport/session.hpp>

namespace vmsig::fuzz {

class world final : private session_host, private listener {
    struct traits : default_traits {
        using reactor = manual_reactor;
    };

public:
    world() {
        vm_ = bus_.add_endpoint("build-7");
        other_ = bus_.add_endpoint("db-1");
        source_ = bus_.name_source("ticks");
        tick_ = bus_.register_kind("tick", {.name = "tick", .source = source_});
        renew_machines();
        operator_ = bus_.attach(driver_, grant{}.on_every().allow(all()).rank(100));
        settle();
    }

    /// From here on a new peer; the first byte says what it may, and whether it says hello.
    void connect(std::uint8_t how) {
        session_.reset();
        may_ = how % 8;
        over_ = detached_ = false;
        hear_anew();
        if (how >= 64) return;
        std::vector<std::byte> hello;
        append(hello, wire::hello{});
        receive(hello);
        settle();
        drain(32);
    }
    bool open() const { return !over_; }

    // The peer.

    /// A datagram of some frames; `end`: with one in it that ends the connection.
    void say(bytes& in, bool end) {
        std::vector<std::byte> d;
        drawer draw{in, heard_};
        const unsigned before = 1 + in.byte() % 6;
        for (unsigned n = 0; n < before; ++n) append_drawn(d, draw, in, false);
        if (end) {
            const std::uint8_t how = in.byte();
            if (how % 4 == 0 && session_.greeted())
                append(d, wire::hello{});
            else if (how % 4 == 1)
                append(d, wire::bye{});
            else
                append_header(d, {wire::header_bytes, std::uint16_t{200}, 0});
            for (unsigned n = in.byte() % 4; n > 0; --n) append_drawn(d, draw, in, true);
        }
        receive(d);
        if (end && could_receive_) require(over_, "9: what is no request goes on");
    }
    void say_raw(bytes& in) {
        std::vector<std::byte> d(1 + in.byte() % 128);
        for (std::byte& b : d) b = std::byte{in.byte()};
        raw_ = promoted_ = true;
        receive(d);
    }
    void say_spoilt(bytes& in) {
        std::vector<std::byte> d;
        drawer draw{in, heard_};
        for (unsigned n = 1 + in.byte() % 3; n > 0; --n) append_drawn(d, draw, in, false);
        if (d.empty()) return;
        const std::size_t at = in.take<std::uint16_t>() % d.size();
        if ((in.byte() & 1) != 0)
            d.resize(at);
        else
            d[at] ^= std::byte{static_cast<std::uint8_t>(in.byte() | 1)};
        raw_ = promoted_ = true;
        receive(d);
    }
    void acknowledge() {
        std::vector<std::byte> d;
        append(d, wire::acknowledge{events_, memctxs_});
        receive(d);
        if (!could_receive_) return;
        require(!inbox_->welcomed() || !over_, "60: an honest acknowledgement is refused");
        acknowledged_ = {events_, memctxs_};
    }
    /// Beyond what was sent, or back.
    void forge_acknowledgement(std::uint8_t how) {
        wire::acknowledge a{events_, memctxs_};
        std::uint64_t& one = (how & 1) != 0 ? a.events : a.memctxs;
        const std::uint64_t least = (how & 1) != 0 ? acknowledged_.events : acknowledged_.memctxs;
        const std::uint64_t back = least - 1 - how / 4;
        one = (how & 2) != 0 && least > how / 4 ? back : one + 1 + how / 4;
        std::vector<std::byte> d;
        append(d, a);
        receive(d);
        if (could_receive_) require(over_, "60: a forged acknowledgement is taken");
    }
    void ping() {
        if (session_.greeted()) session_.ping(7);
    }

    // The server's part.

    void drain(unsigned datagrams) {
        for (unsigned n = 0; n < datagrams && !over_; ++n) {
            const std::size_t size = fill();
            if (size == 0) return;
            session_.sent();
            read(std::span{buffer_}.first(size), bus_.now());
        }
    }
    void fill_in_vain() {
        if (over_ || fill() == 0) return;
        session_.not_sent();
        memctx_filled_ = false;
    }

    // The surroundings.

    void pass(duration d) {
        bus_.reactor().advance(d);
        settle();
        heard_.now = bus_.now();
    }
    void let_guest_act(std::uint8_t how) {
        stub::machine& m = *machines_[how & 1];
        if (how / 2 % 4 == 1) m.script().guest_resets = 1;
        if (how / 2 % 4 == 2) (void)m.script().completes;
        m.script().completes =
            how / 8 % 4 == 3 ? stub::completing::next_step : stub::completing::at_once;
        m.step();
        settle();
    }
    void let_host_act(std::uint8_t how) {
        promoted_ = true;
        if (how % 4 == 0) {
            may_ = how / 4 % 8;
            if (session_.greeted()) bus_.set_grant(session_.bus().origin(), given());
        } else if (how % 4 == 1) {
            bus_.force_release(vm_, static_cast<lease_class>(how / 4 % 3));
        } else if (how % 4 == 2) {
            bus_.remove_endpoint(other_);
            settle();
            other_ = bus_.add_endpoint("db-1");
            machines_[1]->plug_into(bus_, other_);
        } else {
            machines_[how / 4 % 2]->unplug();
            machines_[how / 4 % 2]->plug_into(bus_, how / 4 % 2 == 0 ? vm_ : other_);
        }
        settle();
    }
    void let_rival_act(std::uint8_t how) {
        const auto cls = static_cast<lease_class>(how % 3);
        const auto got = operator_.acquire(vm_, cls);
        settle();
        if (got && how < 128) operator_.release(got.lease);
        settle();
    }

    /// The connection ends, if it has not. Nothing of it may be left.
    void finish() {
        drain(1000);
        if (!over_) acknowledge();
        if (!over_) drain(1000);
        require(raw_ || over_ || !session_.wants_to_send() || !memctx_acknowledged() ||
                    !window_open(),
                "a session that wants to send sends nothing");
        const origin_id who = session_.greeted() ? session_.bus().origin() : origin_id{};
        hang_up();
        settle();
        if (who) {
            for (const endpoint_id e : {vm_, other_})
                for (const auto cls :
                     {lease_class::input, lease_class::power, lease_class::memwrite})
                    require(bus_.lease_of(e, cls).owner.who != who, "I13: a lease is left over");
            require(bus_.pending_of(who) == 0, "I11: a command is left over");
        }
        tidy_up();
    }

private:
    /// The session's peer as a control.
    struct peer {
        world* of = nullptr;
        void on_event(const event& e, control_handle) { of->session_.on_event(e); }
        void take_back(const grant& g) { of->session_.take_back(g); }
        void on_detached() { of->detached_ = true; }
    };
    struct driver {
        void on_event(const event&, control_handle) {}
    };

    static rights all() {
        return right::observe | right::memctx | right::memread | right::memwrite | right::input |
               right::power | right::admin;
    }
    grant given() const {
        switch (may_) {
        case 0:
        case 1: return grant{}.on_every().allow(all()).rank(10).sources(sources::all());
        case 2: return grant{}.on(vm_).allow(right::observe | right::input).rank(10).pending(3);
        case 3: return grant{}.on(vm_).allow(right::memctx | right::memread).waiters(1);
        case 4: return grant{}.on(vm_).allow(all()).on(other_).allow(right::observe).timers(2);
        case 5: return grant{}.on(vm_).allow(right::power | right::admin);
        default: return grant{}.on_every().allow(all()).highest_lane(lane::bulk).rank(200);
        }
    }

    expected<control_handle, wire::farewell> admit(const wire::hello&) override {
        require(!over_, "9: a second hello is heard");
        if (may_ == 7) return unexpected{wire::farewell::denied};
        peer_.of = this;
        return bus_.attach(peer_, given());
    }
    std::string_view name_of(endpoint_id e) const override { return bus_.name_of(e); }
    std::string_view name_of(kind k) const override { return bus_.name_of(k); }
    kind_traits traits_of(kind k) const override { return bus_.kind_traits_of(k); }

    /// One of the requests; `never`: it must not be answered.
    void append_drawn(std::vector<std::byte>& d, drawer& draw, bytes& in, bool never) {
        static const unsigned kinds = [] {
            unsigned n = 0;
            wire::for_each_request([&n]<class Frame>(const char*) { ++n; });
            return n;
        }();
        unsigned pick = in.byte() % (kinds + 12), n = 0;
        if (pick >= kinds) pick = pick % 2 == 0 ? 4 : 6; // submit, acquire: what most hangs on
        wire::for_each_request([&]<class Frame>(const char*) {
            if (n++ != pick) return;
            if constexpr (requires(Frame & f) { f.request; }) {
                append_request<Frame>(d, draw, in, never);
            } else if constexpr (Frame::type == wire::frame_type::acknowledge) {
                said_ = {events_, memctxs_};
                append(d, said_);
            } else if constexpr (Frame::type == wire::frame_type::pong) {
                append(d, wire::pong{7});
            }
        });
    }
    template <class Frame>
    void append_request(std::vector<std::byte>& d, drawer& draw, bytes& in, bool never) {
        std::vector<std::byte> tail;
        Frame f = draw_request<Frame>(draw, in, tail);
        f.request = ++heard_.request;
        promoted_ = promoted_ || std::is_same_v<Frame, wire::subscribe>;
        if (!never) inbox_->expect(f.request);
        (never ? forbidden_ : asked_)[f.request] = {};
        append(d, f, tail);
    }
    void receive(std::span<const std::byte> d) {
        if (d.empty()) return;
        could_receive_ = !over_ && session_.can_receive();
        if (!could_receive_) {
            said_ = acknowledged_;
            return;
        }
        if (session_.receive(d) != wire::farewell::none) return hang_up();
        acknowledged_.events = std::max(acknowledged_.events, said_.events);
        acknowledged_.memctxs = std::max(acknowledged_.memctxs, said_.memctxs);
    }
    /// What a server does then.
    void hang_up() {
        if (std::exchange(over_, true)) return;
        if (!session_.greeted()) return;
        bus_.detach(session_.bus().origin());
        require(detached_, "a peer that was detached is not told");
    }
    void settle() {
        for (unsigned n = 0; bus_.dispatch() && n < 200; ++n) {}
    }

    std::size_t fill() {
        std::array<int, max_ram_fds> fds{};
        std::size_t count = 0;
        memctx_filled_ = false;
        if (const std::size_t size = session_.fill_memctx(buffer_, fds, count)) {
            require(memctx_acknowledged() || raw_, "a second memctx is under way");
            memctx_filled_ = count != 0;
            return size;
        }
        return session_.fill(buffer_);
    }
    void renew_machines() {
        for (unsigned n = 0; n < 2; ++n) {
            machines_[n].reset();
            machines_[n] =
                std::make_unique<stub::machine>(stub::machine_options{stub::clocking::manual});
            machines_[n]->plug_into(bus_, n == 0 ? vm_ : other_);
        }
    }
    /// For the next input: what a command has changed, and what was held.
    void tidy_up() {
        for (unsigned n = 0; n < 2; ++n) {
            stub::machine& m = *machines_[n];
            m.script().completes = stub::completing::at_once;
            m.complete_pending();
            m.step();
            settle();
            for (const auto key : keys)
                require(m.state() != vm_state::running || !m.holds(key), "I13: a key stays down");
        }
        for (const auto cls : {lease_class::input, lease_class::power, lease_class::memwrite})
            bus_.force_release(vm_, cls);
        if (machines_[0]->state() != vm_state::running ||
            machines_[1]->state() != vm_state::running)
            renew_machines();
        settle();
    }

    std::array<std::unique_ptr<stub::machine>, 2> machines_;
    driver driver_;
    peer peer_;
    core<traits> bus_;
    session session_{*this};
    endpoint_id vm_, other_;
    source source_{};
    kind tick_{};
    control_handle operator_;

    unsigned may_ = 0;
    bool over_ = true, detached_ = false, could_receive_ = false;
    std::array<std::byte, wire::max_datagram_bytes> buffer_;
};

} // namespace vmsig::fuzz
