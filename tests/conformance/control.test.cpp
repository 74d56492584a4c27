// Rule: a control on the loop's thread gets what the bus promises to every control, and the suite
// notices each way of breaking it between the two.
#include <vmsig/testing/control_conformance.hpp>

#include <functional>
#include <string>

#include <support/catch.hpp>

#include <vmsig/testing/direct_carrier.hpp>

#include "carried.hpp"

using namespace vmsig;
using namespace vmsig::testing;

namespace {

struct asking_traits : test::carried_traits {
    using arbitration = ask_arbitration;
};
using bus = test::carried_bus;
using asking_bus = core<asking_traits>;
using call = control_request::call;
using type = control_message::type;
using messages = std::deque<control_message>;

/// What goes wrong on the way: of requests, and of what comes, with what comes before it is read.
struct fault {
    const char* name;
    std::function<void(control_request&)> asked = [](control_request&) {};
    std::function<void(control_message&&, messages&)> came = [](control_message&& m, messages& to) {
        to.push_back(std::move(m));
    };
    grant (*granted)(const grant&) = [](const grant& g) { return g; };
    subscription (*wanted)(const subscription&) = [](const subscription& s) { return s; };
};

class faulty_port final : public control_port {
public:
    faulty_port(std::unique_ptr<control_port> inner, const fault& f)
        : inner_{std::move(inner)}
        , fault_{f} {}
    void send(std::uint64_t number, const control_request& r) override {
        control_request changed = r;
        fault_.asked(changed);
        inner_->send(number, changed);
    }
    bool receive(control_message& into) override {
        for (control_message m; inner_->receive(m);) fault_.came(std::move(m), came_);
        if (came_.empty()) return false;
        into = std::move(came_.front());
        came_.pop_front();
        return true;
    }
    origin_id origin() const override { return inner_->origin(); }

private:
    std::unique_ptr<control_port> inner_;
    const fault& fault_;
    messages came_;
};

template <class Core>
struct faulty_carrier : direct_carrier<Core> {
    explicit faulty_carrier(const fault& f)
        : what{f} {}
    std::unique_ptr<control_port> attach(Core& to, const grant& g, const subscription& s) {
        return std::make_unique<faulty_port>(
            direct_carrier<Core>::attach(to, what.granted(g), what.wanted(s)), what);
    }
    const fault& what;
};

bool is_event(const control_message& m, kind k) { return m.is == type::event && m.event.is(k); }

auto drops(kind k) {
    return [k](control_message&& m, messages& to) {
        if (!is_event(m, k)) to.push_back(std::move(m));
    };
}
control_message copy_of(const control_message& m) {
    control_message copy;
    copy.is = m.is;
    copy.event = m.event;
    copy.bytes = m.bytes;
    return copy;
}
auto repeats(kind k) {
    return [k](control_message&& m, messages& to) {
        if (is_event(m, k)) to.push_back(copy_of(m));
        to.push_back(std::move(m));
    };
}
auto changes(std::function<void(control_message&)> f) {
    return [f](control_message&& m, messages& to) {
        f(m);
        to.push_back(std::move(m));
    };
}
auto overtakes(kind k) {
    return [k](control_message&& m, messages& to) {
        if (is_event(m, k))
            to.push_front(std::move(m));
        else
            to.push_back(std::move(m));
    };
}
fault of(const char* name, std::function<void(control_message&&, messages&)> came) {
    fault f{name};
    f.came = std::move(came);
    return f;
}
fault asking(const char* name, std::function<void(control_request&)> asked) {
    fault f{name};
    f.asked = std::move(asked);
    return f;
}

/// Of events on their way.
void add_faults_of_events(std::vector<fault>& all) {
    for (const kind k :
         {kind::replay_begin, kind::replay_end, kind::receipt, kind::epoch_changed,
          kind::memctx_published, kind::memctx_invalidated, kind::memctx_unavailable,
          kind::lease_granted, kind::lease_lost, kind::lease_wait_ended, kind::lease_changed,
          kind::lifecycle, kind::console_output, kind::grant_changed, kind::endpoint_removed}) {
        all.push_back(of("drops one kind", drops(k)));
        all.push_back(of("repeats one kind", repeats(k)));
    }
    for (const kind k : {kind::receipt, kind::replay_end, kind::lease_lost, kind::epoch_changed,
                         kind::memctx_published, kind::console_output})
        all.push_back(of("lets one kind overtake", overtakes(k)));
    all.push_back(of("drops a sample now and then", [n = 0](auto&& m, messages& to) mutable {
        if (!is_event(m, kind::console_output) || ++n % 5 != 0) to.push_back(std::move(m));
    }));
    all.push_back(of("loses the bytes of a read", changes([](auto& m) { m.bytes.clear(); })));
    all.push_back(of("loses the origin", changes([](auto& m) { m.event.origin = {}; })));
    all.push_back(of("no farewell", [](auto&& m, messages& to) {
        if (m.is != type::farewell) to.push_back(std::move(m));
    }));
    all.push_back(of("goes on after the farewell", [](auto&& m, messages& to) {
        const bool last = m.is == type::farewell;
        to.push_back(std::move(m));
        control_message late;
        late.event.kind = kind::console_output;
        if (last) to.push_back(std::move(late));
    }));
}

/// Of answers on their way.
void add_faults_of_answers(std::vector<fault>& all) {
    all.push_back(of("no answers", [](auto&& m, messages& to) {
        if (m.is != type::answer) to.push_back(std::move(m));
    }));
    all.push_back(of("answers gone late", changes([](control_message& m) {
                         if (m.is == type::answer && m.why == refusal::gone) m.why = refusal::none;
                     })));
    all.push_back(of("accepts what was refused", changes([](control_message& m) {
                         if (m.why == refusal::not_holder) m.why = refusal::none;
                     })));
    all.push_back(of("calls everything denied", changes([](control_message& m) {
                         if (m.why != refusal::none) m.why = refusal::denied;
                     })));
    all.push_back(of("tells absent from forbidden", changes([](control_message& m) {
                         if (m.why == refusal::denied && m.number % 2) m.why = refusal::unsupported;
                     })));
    all.push_back(of("gives one id twice", changes([id = correlation_id{}](auto& m) mutable {
                         if (m.id && !id) id = m.id;
                         if (m.id) m.id = id;
                     })));
    all.push_back(of("calls failed done", changes([](control_message& m) {
                         const auto* r = m.event.template as<receipt>();
                         if (m.is != type::event || !r || r->outcome != outcome::failed) return;
                         receipt done = *r;
                         done.outcome = outcome::done;
                         m.event.set_payload(done);
                     })));
    all.push_back(of("forgets the epoch of a pinned command", changes([](control_message& m) {
                         if (m.why == refusal::stale_epoch) m.why = refusal::none;
                     })));
    all.push_back(of("loses descriptors", changes([](auto& m) { m.fds.clear(); })));
    all.push_back(of("shares descriptors again", changes([](control_message& m) {
                         if (m.locator.region_count != 0 && m.fds.empty())
                             m.fds.emplace_back(::dup(2));
                     })));
    all.push_back(of("hides nothing of the holder", changes([](control_message& m) {
                         if (m.acquired.why == refusal::held)
                             m.acquired.holder = origin_id::make(0, 1);
                     })));
}

/// Of what was asked for.
void add_faults_of_requests(std::vector<fault>& all) {
    fault generous{"grants everything"};
    generous.granted = [](const grant& g) {
        return grant{}.on_every().allow(rights::all()).rank(g.rank_value());
    };
    all.push_back(generous);
    fault flat{"forgets the rank"};
    flat.granted = [](const grant& g) { return grant{g}.rank(0); };
    all.push_back(flat);
    fault unlimited{"forgets the quotas"};
    unlimited.granted = [](const grant& g) { return grant{g}.pending(256).timers(256).waiters(8); };
    all.push_back(unlimited);
    fault curious{"subscribes to all"};
    curious.wanted = [](const subscription&) { return subscription::all(); };
    all.push_back(curious);

    all.push_back(asking("forgets deadlines", [](auto& r) { r.what.deadline = {}; }));
    all.push_back(asking("forgets delays", [](auto& r) { r.what.not_before = {}; }));
    all.push_back(asking("forgets holds", [](auto& r) { r.what.hold = {}; }));
    all.push_back(asking("forgets what to follow", [](auto& r) { r.what.after = {}; }));
    all.push_back(asking("forgets the epoch", [](auto& r) { r.what.epoch = {}; }));
    all.push_back(asking("forgets to wait", [](auto& r) { r.options.wait = false; }));
    all.push_back(asking("forgets how long", [](auto& r) { r.options.wait_for = {}; }));
    all.push_back(asking("forgets to live", [](auto& r) { r.options.time_to_live = {}; }));
    all.push_back(asking("forgets to subscribe", [](auto& r) { r.wanted = {}; }));
    for (const call c : {call::cancel, call::release, call::renew, call::withdraw, call::refresh,
                         call::subscribe, call::detach})
        all.push_back(asking("loses one call", [c](auto& r) {
            if (r.asks == c) r.asks = call::may;
        }));
}

std::vector<fault> faults() {
    std::vector<fault> all;
    add_faults_of_events(all);
    add_faults_of_answers(all);
    add_faults_of_requests(all);
    return all;
}

std::string described(const finding& f) {
    return std::string{f.rule} + ": " + f.expression + " (" + f.file + ":" +
           std::to_string(f.line) + ")";
}

} // namespace

TEST_CASE("a control on the loop's thread gets what every control is promised") {
    test::keeps_every_rule<direct_carrier<bus>>();
    test::keeps_every_rule<direct_carrier<asking_bus>, asking_bus>();
}

TEST_CASE("what stands between the bus and a control, and has a fault, is found out") {
    int number = 0;
    for (const fault& f : faults()) {
        std::string first;
        const auto told = [&first](const finding& one) {
            if (!one.ok && first.empty()) first = described(one);
        };
        report to{told};
        control_conformance<bus>([&f] { return faulty_carrier<bus>{f}; }, to);
        INFO(f.name << ", number " << number++ << " of the list");
        CHECK(to.failures() != 0);
    }
    using passes = std::function<void(control_message&&, messages&)>;
    for (const passes& came :
         {passes{drops(kind::lease_asked)}, passes{repeats(kind::lease_asked)}}) {
        const fault f = of("of the notice that somebody asks", came);
        const auto told = [](const finding&) {};
        report to{told};
        control_conformance<asking_bus>([&f] { return faulty_carrier<asking_bus>{f}; }, to);
        CHECK(to.failures() != 0);
    }
}
