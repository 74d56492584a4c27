// Rule: whatever a callback does, at whatever call of a life, is legal or refused: it may detach
// itself or anybody, destroy what it has detached, attach, remove the endpoint, post, stop, throw,
// or enter the loop again. Nobody is called after its detachment, and all that is left goes on.
#include "life.hpp"

using namespace vmsig;
using namespace vmsig::test;
using namespace vmsig::test::lives;

namespace {

struct named_act {
    const char* name;
    life::act does;
};

void detach_self(life&, const life::called& c) {
    if (c.control) c.control->bus.detach();
    if (c.machine) c.machine->bus.detach();
    if (c.sensor) c.sensor->bus.detach();
}
void detach_control(life& l, const life::called&) {
    if (l.b) l.b->bus.detach();
}
void detach_adapter(life& l, const life::called&) {
    if (l.machine) l.machine->bus.detach();
}
void detach_everybody(life& l, const life::called&) {
    for (const auto* p : {&l.a, &l.b})
        if (*p) (*p)->bus.detach();
    if (l.machine) l.machine->bus.detach();
    if (l.sensor) l.sensor->bus.detach();
}
void attach_control(life& l, const life::called&) { l.come(l.fresh, "fresh", 93, full(l.vm, 2)); }
void attach_adapter(life& l, const life::called&) { l.plug(l.fresh_sensor, "fresh sensor", l.vm); }
void remove_endpoint(life& l, const life::called&) {
    l.bus->remove_endpoint(l.vm);
    for (const auto* p : {&l.a, &l.b})
        if (*p)
            l.expect((*p)->bus.acquire(l.vm, lease_class::power).why != refusal::none,
                     "a removed endpoint accepts nothing");
}
void add_endpoint(life& l, const life::called&) { (void)l.bus->add_endpoint("more"); }
void post(life& l, const life::called&) {
    l.expect(l.bus->post([&l] { l.expect(true, ""); }), "posting");
}
void stop(life& l, const life::called&) {
    l.bus->stop();
    l.bus->wake();
    l.expect(l.bus->stopped(), "stop is sticky");
}
void enter_again(life& l, const life::called& c) {
    if (c.at == spot::reader || c.at == spot::cleanup) return; // the host's, between turns
    const std::size_t before = l.calls();
    l.expect(!l.bus->dispatch(), "the loop is not entered again");
    l.bus->run();
    l.expect(l.calls() == before, "nothing is called by that");
}
void destroy_self(life& l, const life::called& c) { l.end(c); }
void destroy_control(life& l, const life::called&) { l.end(l.b); }
void destroy_adapter(life& l, const life::called&) { l.end(l.machine); }
void destroy_everybody(life& l, const life::called&) {
    l.end(l.a);
    l.end(l.b);
    l.end(l.machine);
    l.end(l.sensor);
}
void reset(life& l, const life::called&) {
    if (l.sensor)
        (void)l.sensor->bus.emit(lifecycle{transition::reset, cause::guest, vm_state::unknown, 0});
}
void take_rights(life& l, const life::called&) {
    for (const auto* p : {&l.a, &l.b})
        if (*p) (void)l.bus->set_grant((*p)->bus.origin(), grant{});
}
void force_release(life& l, const life::called&) {
    for (const auto c : {lease_class::input, lease_class::power}) l.bus->force_release(l.vm, c);
}
void contend(life& l, const life::called&) {
    for (const auto* p : {&l.a, &l.b})
        if (*p) {
            const auto got = (*p)->bus.acquire(l.vm, lease_class::input, {.wait = true});
            (void)(*p)->bus.submit(press(got.lease, KEY_Z));
            (void)(*p)->bus.release(got.lease);
        }
}
void unwatch(life& l, const life::called&) { l.bus->unwatch(l.watched); }
void fail(life&, const life::called& c) {
    if (c.control || c.machine || c.sensor) throw std::runtime_error{"unexpected"};
}

constexpr named_act acts[] = {
    {"detach itself", detach_self},
    {"detach a control", detach_control},
    {"detach an adapter", detach_adapter},
    {"detach everybody", detach_everybody},
    {"attach a control", attach_control},
    {"attach an adapter", attach_adapter},
    {"remove the endpoint", remove_endpoint},
    {"add an endpoint", add_endpoint},
    {"post", post},
    {"stop", stop},
    {"enter the loop again", enter_again},
    {"destroy itself", destroy_self},
    {"destroy a control", destroy_control},
    {"destroy an adapter", destroy_adapter},
    {"destroy everybody", destroy_everybody},
    {"reset the machine", reset},
    {"take all rights", take_rights},
    {"release by force", force_release},
    {"acquire, submit and release", contend},
    {"unwatch", unwatch},
    {"throw", fail},
};
void nothing(life&, const life::called&) {}

} // namespace

TEST_CASE("callbacks may detach themselves, others, attach, post and stop, each in each") {
    life quiet{nothing, ~std::size_t{0}};
    quiet.live();
    REQUIRE(quiet.broken() == "");
    for (std::size_t s = 0; s < static_cast<std::size_t>(spot::count); ++s) {
        CAPTURE(s);
        CHECK(quiet.calls_at(static_cast<spot>(s)) > 0);
    }
    for (const named_act& one : acts)
        for (std::size_t when = 0; when < quiet.calls(); ++when) {
            CAPTURE(one.name, when);
            life l{one.does, when};
            l.live();
            CAPTURE(static_cast<unsigned>(l.acted_at()));
            REQUIRE(l.acted());
            CHECK(l.broken() == "");
        }
}

TEST_CASE("a control that leaves when it is asked to take back leaves no work behind") {
    struct leaver {
        control_handle bus;
        bool leaves = false;
        void on_event(const event&, control_handle) {}
        void take_back(const grant&) {
            if (leaves) bus.detach();
        }
    } one;
    bench<> w;
    one.bus = w.bus.attach(one, full(w.vm));
    w.settle();
    REQUIRE(w.bus.set_grant(one.bus.origin(), grant{}.on(w.vm).allow(right::observe)));
    one.leaves = true;
    CHECK(w.bus.set_grant(one.bus.origin(), full(w.vm)));
    CHECK(one.bus.may(verb::status, w.vm) == refusal::gone);
    w.settle();
    CHECK_FALSE(w.bus.reactor().readable());
}

TEST_CASE("who is attached while an adapter is asked for its codes has a place of its own") {
    struct inviting : machine {
        std::function<void()> when_asked;
        const input_codes& codes() const {
            if (when_asked) when_asked();
            return machine::codes();
        }
    };
    bench<> w;
    sensor guest;
    inviting first, second;
    agent a;
    first.when_asked = [&] { w.bus.attach_adapter(guest, w.vm); };
    const adapter_id id = w.bus.attach_adapter(first, w.vm);
    CHECK(id == first.bus.id());
    CHECK(id.slot() != guest.bus.id().slot());
    const lease host = w.own(a, lease_class::power);
    const auto paused = a.bus.submit(power(host, verb::pause)).id;
    w.settle();
    CHECK(a.outcome_of(paused) == outcome::done);
    first.bus.detach();
    second.when_asked = [&] { w.bus.remove_endpoint(w.vm); };
    try {
        w.bus.attach_adapter(second, w.vm);
        FAIL("attached to an endpoint that it removed");
    } catch (const setup_error& e) {
        CHECK(e.fault() == setup_fault::no_such_endpoint);
    }
    CHECK(second.farewells == 0);
}

TEST_CASE("what is submitted is checked again when its adapter has told its regions") {
    struct screened : input_device {
        std::array<input_region, 1> screens{{{1, 100, 100}}};
        std::function<void()> when_asked;
        screened() { takes = input_codes::tablet(); }
        std::span<const input_region> regions() const {
            if (when_asked) when_asked();
            return screens;
        }
    };
    const refusal expected_of[] = {refusal::gone,       refusal::denied,     refusal::denied,
                                   refusal::not_holder, refusal::not_holder, refusal::none};
    for (int what = 0; what < 6; ++what) {
        CAPTURE(what);
        bench<> w;
        screened s;
        agent a;
        w.bus.attach_adapter(s, w.vm);
        const lease keys = w.own(a, lease_class::input);
        const origin_id who = a.bus.origin();
        s.when_asked = [&] {
            switch (what) {
            case 0: a.bus.detach(); break;
            case 1: w.bus.set_grant(who, grant{}.on(w.vm).allow(right::observe)); break;
            case 2: w.bus.remove_endpoint(w.vm); break;
            case 3: (void)a.bus.release(keys); break;
            case 4: s.bus.detach(); break;
            default: CHECK_FALSE(w.bus.dispatch()); break;
            }
        };
        const auto got = a.bus.submit(frame_of(keys, {input_change::abs(ABS_X, 5)}).in_region(1));
        CHECK(got.why == expected_of[what]);
        w.settle();
        CHECK(w.bus.pending_of(who) == 0);
    }
}
