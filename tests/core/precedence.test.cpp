// Rule: when several reasons apply to a command at once, the strongest is its outcome:
// endpoint_gone, adapter_fault, revoked, lease_lost, stale_epoch, cancelled, expired, in this
// order.
#include "harness.hpp"

#include <algorithm>

using namespace vmsig;
using namespace vmsig::test;

namespace {

constexpr outcome strongest_first[] = {
    outcome::endpoint_gone, outcome::adapter_fault, outcome::revoked, outcome::lease_lost,
    outcome::stale_epoch,   outcome::cancelled,     outcome::expired,
};
outcome strongest(const std::vector<outcome>& apply) {
    for (const outcome o : strongest_first)
        if (std::find(apply.begin(), apply.end(), o) != apply.end()) return o;
    return outcome::none;
}

/// A write that has not begun: in the queue, or handed to an adapter that keeps it. A key is down,
/// so that the adapter is called in the middle of whatever ends the input lease or the epoch.
struct unbegun : bench<> {
    agent a;
    machine m;
    lease keys, writes;
    correlation_id id;

    explicit unbegun(bool handed) {
        bus.attach_adapter(m, vm);
        keys = own(a, lease_class::input);
        writes = own(a, lease_class::memwrite);
        REQUIRE(a.bus.submit(press(keys, KEY_A)));
        settle();
        REQUIRE(m.bus.watch(5, interest::read, cookie{}).has_value());
        m.does = habit::leave;
        const auto s = a.bus.submit(store(writes, {0x1000, 0}, 1).within(milliseconds(1)));
        REQUIRE(s.why == refusal::none);
        id = s.id;
        if (handed) settle();
        REQUIRE(m.waiting.size() == (handed ? 1u : 0u));
    }
    /// Makes that reason apply.
    void cause(outcome o) {
        switch (o) {
        case outcome::endpoint_gone: bus.remove_endpoint(vm); break;
        case outcome::adapter_fault: {
            const beside_the_turn mine;
            throw std::runtime_error{"scripted"};
        }
        case outcome::revoked:
            bus.set_grant(a.bus.origin(), grant{}.on(vm).allow(right::observe));
            break;
        case outcome::lease_lost: bus.force_release(vm, lease_class::memwrite); break;
        case outcome::stale_epoch:
            m.bus.emit(lifecycle{transition::reset, vmsig::cause::guest, {}, 0});
            break;
        case outcome::cancelled: a.bus.cancel(id); break;
        default: break;
        }
    }
    /// In a turn, before its timers; `late`: past the deadline of the command.
    void in_a_turn(bool late, std::function<void()> f) {
        if (late) bus.reactor().advance(milliseconds(2));
        m.when_ready = [this, f](cookie, adapter_handle) {
            bus.reactor().clear_ready(5);
            f();
        };
        bus.reactor().make_ready(5, interest::read);
        settle();
    }
};

/// The release of the input lease is no reason for a write: `none`.
void begin(unbegun& w, outcome first) {
    if (first == outcome::none)
        w.a.bus.release(w.keys);
    else
        w.cause(first);
}

/// What becomes of the write when `second` comes in the middle of what makes `first` apply.
outcome ended_by(outcome first, outcome second, bool late, bool handed) {
    unbegun w{handed};
    bool asked = false;
    w.m.on_neutral = [&] {
        if (!std::exchange(asked, true)) w.cause(second);
    };
    w.in_a_turn(late, [&] { begin(w, first); });
    CHECK(asked);
    for (const fenced_command& kept : w.m.waiting) CHECK_FALSE(kept.take().has_value());
    w.settle();
    CHECK(w.a.receipts_of(w.id).size() == 1);
    return w.a.outcome_of(w.id);
}

/// Members of the core that a test changes behind its back, so that nothing but the fence notices.
template <class Name, auto Member>
struct opened {
    friend constexpr auto member_of(Name) { return Member; }
};
struct leases {
    friend constexpr auto member_of(leases);
};
struct controls {
    friend constexpr auto member_of(controls);
};
struct endpoints {
    friend constexpr auto member_of(endpoints);
};
struct nodes {
    friend constexpr auto member_of(nodes);
};
template struct opened<leases, &core<test_traits>::arbiter_>;
template struct opened<controls, &core<test_traits>::controls_>;
template struct opened<endpoints, &core<test_traits>::endpoints_>;
template struct opened<nodes, &core<test_traits>::nodes_>;

/// The reason applies, and the command has not been ended for it.
void apply_silently(unbegun& w, outcome o) {
    auto& ep = (w.bus.*member_of(endpoints{}))[w.vm.slot()];
    switch (o) {
    case outcome::endpoint_gone: ep.leaving = true; break;
    case outcome::revoked:
        (w.bus.*member_of(controls{}))[w.a.bus.origin().slot()].grant = grant{};
        break;
    case outcome::lease_lost:
        (void)(w.bus.*member_of(leases{}))
            .end(lease_cell(w.vm, lease_class::memwrite), lease_end::forced);
        break;
    case outcome::stale_epoch:
        REQUIRE(ep.epochs.raise(small_limits::counter_limit).has_value());
        break;
    case outcome::expired:
        (w.bus.*member_of(nodes{}))[w.id.slot()].command.deadline = instant{1};
        break;
    default: FAIL("the fence does not know that reason");
    }
}

constexpr outcome fenced_by[] = {outcome::endpoint_gone, outcome::revoked, outcome::lease_lost,
                                 outcome::stale_epoch, outcome::expired};

/// By the bits of `set`.
std::vector<outcome> reasons(unsigned set) {
    std::vector<outcome> apply;
    for (unsigned i = 0; i < std::size(fenced_by); ++i)
        if ((set >> i & 1u) != 0) apply.push_back(fenced_by[i]);
    return apply;
}
constexpr outcome in_the_middle[] = {
    outcome::none,       outcome::endpoint_gone, outcome::adapter_fault, outcome::revoked,
    outcome::lease_lost, outcome::stale_epoch,   outcome::cancelled};
constexpr unsigned sets = 1u << std::size(fenced_by);

} // namespace

TEST_CASE("a reason that comes in the middle of another one: the stronger is the outcome") {
    for (const bool handed : {false, true})
        for (const bool late : {false, true})
            for (const outcome first : {outcome::none, outcome::endpoint_gone, outcome::revoked})
                for (const outcome second : in_the_middle) {
                    const outcome last = late ? outcome::expired : outcome::none;
                    const outcome expected = strongest({first, second, last});
                    if (expected == outcome::none) continue;
                    INFO("handed " << handed << ", first " << static_cast<int>(first) << ", second "
                                   << static_cast<int>(second) << ", late " << late);
                    CHECK(static_cast<int>(ended_by(first, second, late, handed)) ==
                          static_cast<int>(expected));
                }
}

TEST_CASE("a raise has ended what is stale before an adapter is called, whatever comes then") {
    for (const bool handed : {false, true})
        for (const bool late : {false, true})
            for (const outcome second : in_the_middle) {
                INFO("handed " << handed << ", second " << static_cast<int>(second) << ", late "
                               << late);
                CHECK(static_cast<int>(ended_by(outcome::stale_epoch, second, late, handed)) ==
                      static_cast<int>(outcome::stale_epoch));
            }
}

TEST_CASE("what an adapter takes in the middle of a change is refused for the strongest reason") {
    for (const bool late : {false, true})
        for (const outcome first : {outcome::none, outcome::endpoint_gone, outcome::revoked}) {
            const outcome expected = strongest({first, late ? outcome::expired : outcome::none});
            unbegun w{true};
            outcome refused = outcome::done;
            w.m.on_neutral = [&] {
                const auto got = w.m.waiting.at(0).take();
                refused = got ? outcome::none : got.error();
            };
            w.in_a_turn(late, [&] { begin(w, first); });
            INFO("first " << static_cast<int>(first) << ", late " << late);
            CHECK(static_cast<int>(refused) == static_cast<int>(expected));
            CHECK(static_cast<int>(w.a.outcome_of(w.id)) == static_cast<int>(expected));
        }
}

TEST_CASE("the fence alone, of each set of reasons, names the strongest when a command is taken") {
    for (unsigned set = 0; set < sets; ++set) {
        unbegun w{true};
        const std::vector<outcome> apply = reasons(set);
        const outcome expected = strongest(apply);
        for (const outcome o : apply) apply_silently(w, o);
        const auto got = w.m.waiting.at(0).take();
        INFO("set " << set);
        CHECK(got.has_value() == (expected == outcome::none));
        if (!got) CHECK(static_cast<int>(got.error()) == static_cast<int>(expected));
        if (!got) CHECK(static_cast<int>(w.a.outcome_of(w.id)) == static_cast<int>(expected));
        (w.bus.*member_of(endpoints{}))[w.vm.slot()].leaving = false;
    }
}

TEST_CASE("the fence alone, of each set of reasons, names the strongest at dispatch") {
    for (unsigned set = 0; set < sets; ++set) {
        unbegun w{false};
        const std::vector<outcome> apply = reasons(set);
        const outcome expected = strongest(apply);
        for (const outcome o : apply) apply_silently(w, o);
        w.settle();
        INFO("set " << set);
        CHECK(w.m.waiting.size() == (expected == outcome::none ? 1u : 0u));
        CHECK(static_cast<int>(w.a.outcome_of(w.id)) == static_cast<int>(expected));
        (w.bus.*member_of(endpoints{}))[w.vm.slot()].leaving = false;
    }
}

TEST_CASE("what is cancelled, or has expired, ends for the strongest of all reasons") {
    for (const bool cancel : {false, true})
        for (unsigned set = 0; set < sets; ++set) {
            unbegun w{true};
            std::vector<outcome> apply = reasons(set);
            for (const outcome o : apply) apply_silently(w, o);
            apply.push_back(cancel ? outcome::cancelled : outcome::expired);
            if (cancel)
                CHECK(w.a.bus.cancel(w.id) == cancel_result::cancelled);
            else
                w.advance(milliseconds(2));
            INFO("set " << set << ", cancel " << cancel);
            CHECK(static_cast<int>(w.a.outcome_of(w.id)) == static_cast<int>(strongest(apply)));
            CHECK_FALSE(w.m.waiting.at(0).take().has_value());
            (w.bus.*member_of(endpoints{}))[w.vm.slot()].leaving = false;
        }
}
