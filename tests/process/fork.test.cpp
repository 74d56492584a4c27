// Rule: a fork without exec leaves the child's copy of a bus inert, whatever it was doing: the
// child destroys it, or returns into it, and touches no object of the kernel that it shares with
// its parent, no guest and no key; the parent goes on as if nothing had been.
#include <memory>

#include "child.hpp"
#include "workload.hpp"

#include <support/sanitizers.hpp>

using namespace vmsig;
using namespace vmsig::test;

namespace {

/// A bus with everything under way that can be, at rest.
struct full_house {
    workload w;
    control_handle me;
    correlation_id begun, delayed;

    full_house() {
        w.dispatch(7);
        me = w.drives.handle();
    }
    void hold_keys() {
        const auto held =
            me.submit(frame_of(w.drives.input(), {input_change::key(KEY_LEFTSHIFT, true),
                                                  input_change::key(KEY_X, true)}));
        REQUIRE(held);
        w.drives.accepted += 1;
        w.turn_until([&] { return w.machine.holds(KEY_X); });
    }
    std::uint64_t typed() const { return w.machine.word(offsetof(vmsig_guest_state, key_count)); }
};

/// Everything that a child might do with its copy, and at last the end of it. 0, or what failed.
int abuse(std::unique_ptr<full_house>& h) {
    workload_core& bus = h->w.bus;
    const endpoint_id vm = h->w.vm;
    const control_handle me = h->me;
    if (me.submit(query_status(vm)).why != refusal::gone) return 1;
    if (me.release(h->w.drives.input()) != refusal::gone) return 2;
    if (me.memctx(vm).error() != refusal::gone) return 3;
    if (bus.dispatch() || bus.post([] {})) return 4;
    bus.run(); // returns
    bus.wake();
    bus.stop();
    me.detach();
    bus.detach(me.origin());
    bus.force_release(vm, lease_class::input);
    bus.remove_endpoint(vm);
    unique_fd fd{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    if (bus.watch(fd, interest::read, [](interests) {})) return 5;
    if (bus.set_grant(me.origin(), grant{})) return 6;
    h->w.machine.unplug();
    h.reset();
    return 0;
}

/// A child that abuses its copy changes nothing, and the parent's workload ends rightly.
void check_child(std::unique_ptr<full_house>& h) {
    const auto objects = kernel_objects();
    const std::uint64_t typed = h->typed();
    CHECK(in_child([&] { return abuse(h); }) == 0);
    CHECK(kernel_objects() == objects);
    CHECK(h->typed() == typed);
}
void check_parent(full_house& h) {
    h.w.post_from_beside(200);
    h.w.run(10);
    h.w.dispatch(10);
    h.w.check_all();
}

/// An adapter that forks when its bell rings, waits for its child, and returns in both.
struct forker {
    pid_t child = -1;
    bool untouched = false;
    adapter_handle bus;
    void on_attach(adapter_handle b) { bus = b; }
    void on_ready(cookie, adapter_handle) {
        std::uint64_t rung = 0;
        (void)!::read(bell.get(), &rung, sizeof rung);
        const std::string objects = kernel_objects();
        child = ::fork();
        if (child != 0 && wait_for(child) != 0) child = -2;
        untouched = kernel_objects() == objects;
    }
    unique_fd bell{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
};

} // namespace

TEST_CASE("a child forked while the bus is idle destroys its copy and takes nothing") {
    auto h = std::make_unique<full_house>();
    check_child(h);
    check_parent(*h);
}

TEST_CASE("a child forked while keys are held, leases owned and waited for types nothing") {
    auto h = std::make_unique<full_house>();
    h->hold_keys();
    struct waiter {
        void on_event(const event&, control_handle) {}
    } waits;
    const control_handle other = h->w.bus.attach(waits, full(h->w.vm));
    h->w.bus.dispatch();
    REQUIRE(other.acquire(h->w.vm, lease_class::power, {.wait = true}).what ==
            acquire_result::status::waiting);
    check_child(h);
    CHECK(h->w.machine.holds(KEY_X));
    CHECK(h->w.machine.holds(KEY_LEFTSHIFT));
    const std::uint64_t typed = h->typed();
    const auto lost = h->w.bus.lease_of(h->w.vm, lease_class::input).owner;
    CHECK(lost.who == h->me.origin());
    h->w.bus.force_release(h->w.vm, lease_class::input);
    h->w.turn_until([&] { return h->typed() == typed + 2; }); // each went up once
    CHECK_FALSE(h->w.machine.holds(KEY_X));
    other.detach();
}

TEST_CASE("a child forked while a command is begun and one waits for its time ends neither") {
    auto h = std::make_unique<full_house>();
    h->w.machine.script().completes = stub::completing::on_demand;
    const auto delayed = h->me.submit(query_status(h->w.vm).delayed(seconds(60)));
    const auto begun = h->me.submit(query_status(h->w.vm));
    REQUIRE((delayed && begun));
    h->w.turn_until([&] { return h->w.machine.pending() == 1; });
    check_child(h);
    CHECK(h->w.bus.pending_of(h->me.origin()) == 2);
    CHECK(h->me.cancel(delayed.id) == cancel_result::cancelled);
    CHECK(h->me.cancel(begun.id) == cancel_result::too_late);
    h->w.machine.script().completes = stub::completing::at_once;
    h->w.machine.complete_pending();
    h->w.turn_until([&] { return h->w.bus.pending_of(h->me.origin()) == 0; });
}

TEST_CASE("a child forked while memory is exported may read on, and its parent too") {
    auto h = std::make_unique<full_house>();
    REQUIRE(h->w.drives.has_view());
    check_child(h);
    CHECK(h->w.drives.has_view());
    check_parent(*h);
}

TEST_CASE("a child forked inside a callback that returns from it finds the rest undone") {
    auto h = std::make_unique<full_house>();
    workload& w = h->w;
    h->hold_keys();
    const std::uint64_t typed = h->typed();
    const bool own_loop = GENERATE(true, false);
    std::string objects;
    pid_t child = -1;
    // Behind this closure in the same turn: another one, a command for the adapter, and the end of
    // a lease, which would let the keys go up.
    REQUIRE(w.bus.post([&] {
        (void)h->me.submit(release_key(w.drives.input(), KEY_X));
        objects = kernel_objects();
        child = ::fork();
        if (child != 0 && wait_for(child) != 0) child = -1;
        CHECK(kernel_objects() == objects);
        w.bus.stop();
    }));
    bool second = false;
    REQUIRE(w.bus.post([&] { second = true; }));
    if (own_loop) w.bus.run();
    while (!own_loop && child == -1) w.bus.dispatch();
    if (child == 0) {
        leave_child([&] {
            if (second || h->typed() != typed) return 10;
            return abuse(h);
        });
    }
    REQUIRE(child > 0);
    w.bus.restart();
    w.turn_until([&] { return second && h->typed() == typed + 1; });
    CHECK_FALSE(w.machine.holds(KEY_X));
    CHECK(w.machine.holds(KEY_LEFTSHIFT));
}

TEST_CASE(
    "a child forked inside the callback of an adapter that returns from it executes nothing") {
    auto h = std::make_unique<full_house>();
    workload& w = h->w;
    forker forks;
    w.bus.attach_adapter(forks, w.vm);
    REQUIRE(forks.bus.watch(forks.bell.get(), interest::read, {}));
    const std::uint64_t typed = h->typed();
    const auto pressed = h->me.submit(press(w.drives.input(), KEY_X));
    const std::uint64_t one = 1;
    REQUIRE(::write(forks.bell.get(), &one, sizeof one) == sizeof one);
    while (forks.child == -1) w.bus.dispatch();
    if (forks.child == 0) {
        leave_child([&] {
            if (h->typed() != typed) return 10;
            forks.bus.detach();
            return abuse(h);
        });
    }
    REQUIRE(forks.child > 0);
    CHECK(forks.untouched);
    REQUIRE(pressed);
    w.turn_until([&] { return h->typed() == typed + 1; });
    forks.bus.detach();
}

TEST_CASE("children forked while another thread runs the bus destroy their copies in any state") {
    if (VMSIG_TEST_TSAN)
        VMSIG_SKIP("ThreadSanitizer takes the child's copy for the parent's memory");
    auto h = std::make_unique<full_house>();
    workload& w = h->w;
    std::thread loop{[&] { w.run(600); }};
    bool all = true;
    int forks = 0;
    std::uint64_t before = w.ran;
    for (; forks < 40; ++forks) {
        all = in_child([&] { return abuse(h); }) == 0 && all;
        (void)w.bus.post([&w] { ++w.ran; });
    }
    loop.join();
    CHECK(all);
    w.turn_until([&] { return w.ran == before + 40; });
    w.to_post = w.posted = w.ran;
    w.check_all();
}
