// Rule: what makes no sense is refused `invalid` and changes nothing, whatever shape it has; what
// the system refuses is told as an answer, not as a fault.
#include "harness.hpp"

#include <array>
#include <cerrno>
#include <span>
#include <string>

namespace {

using namespace vmsig;
using namespace vmsig::test;

constexpr auto no_class = static_cast<lease_class>(200);

struct scene {
    scene() {
        b.bus.attach_adapter(m, b.vm);
        m.bus.publish(epoch_number{1});
        b.join(a, full(b.vm));
    }
    machine m;
    agent a;
    bench<> b;
};

TEST_CASE("a lease of a class that does not exist is nobody's") {
    scene s;
    CHECK(s.a.bus.acquire(s.b.vm, no_class).why == refusal::invalid);
    CHECK(s.a.bus.status(s.b.vm, no_class).error() == refusal::invalid);
    CHECK(s.a.bus.force_release(s.b.vm, no_class) == refusal::invalid);
    const lease none{s.b.vm, serial_number{1}, no_class};
    CHECK(s.a.bus.renew(none, seconds(1)) != refusal::none);
    CHECK(s.a.bus.release(none) != refusal::none);
}

TEST_CASE("a lease of an endpoint that is gone can be neither renewed nor released") {
    scene s;
    const lease held = s.b.own(s.a, lease_class::input);
    s.b.bus.remove_endpoint(s.b.vm);
    s.b.settle();
    CHECK(s.a.bus.renew(held, seconds(1)) == refusal::not_holder);
    CHECK(s.a.bus.release(held) == refusal::not_holder);
}

TEST_CASE("a verb that does not exist is invalid to ask for and to submit") {
    scene s;
    for (const verb v : {verb::none, static_cast<verb>(200)}) {
        CHECK(s.a.bus.may(v, s.b.vm) == refusal::invalid);
        command c = query_status(s.b.vm);
        c.verb = v;
        CHECK(s.a.bus.submit(c).why == refusal::invalid);
    }
}

TEST_CASE("a frame is beside its command or in it, fits there, and only one in it can be held") {
    scene s;
    const lease l = s.b.own(s.a, lease_class::input);
    constexpr auto down = input_change::key(KEY_A, true);
    CHECK(s.a.bus.submit(frame_of(l, {down, down, down, down, down, down, down})).why ==
          refusal::invalid);
    const std::array frame{down, input_change::key(KEY_B, true)};
    command beside = frame_of(l, {});
    CHECK(s.a.bus.submit(beside).why == refusal::invalid); // there is none
    CHECK(s.a.bus.submit(press(l, KEY_A), std::as_bytes(std::span{frame})).why ==
          refusal::invalid); // there are two
    CHECK(s.a.bus.submit(beside, std::as_bytes(std::span{frame}).first(3)).why == refusal::invalid);
    beside.hold = milliseconds(5);
    CHECK(s.a.bus.submit(beside, std::as_bytes(std::span{frame})).why == refusal::invalid);
    beside.hold = {};
    const auto sent = s.a.bus.submit(beside, std::as_bytes(std::span{frame}));
    REQUIRE(sent);
    s.b.settle();
    CHECK(s.a.outcome_of(sent.id) == outcome::done);
    CHECK(s.m.executed.back().frame.size() == 2);
}

TEST_CASE("the bytes of a short write are in the command or beside it") {
    scene s;
    const lease l = s.b.own(s.a, lease_class::memwrite);
    const std::array<std::byte, 8> bytes{std::byte{1}};
    const auto beside = s.a.bus.submit(store(l, {0x1000}, 0), bytes);
    REQUIRE(beside);
    s.b.settle();
    CHECK(s.m.executed.back().bulk.size() == bytes.size());
    CHECK(s.a.bus.submit(store(l, {0x1000}, 0), std::span{bytes}.first(7)).why == refusal::invalid);
}

TEST_CASE("times of a command can be instants as well as lengths") {
    scene s;
    command later = query_status(s.b.vm);
    later.not_before = s.b.bus.reactor().now() + milliseconds(5);
    later.deadline = s.b.bus.reactor().now() + milliseconds(50);
    const auto sent = s.a.bus.submit(later);
    REQUIRE(sent);
    s.b.settle();
    CHECK(s.a.outcome_of(sent.id) == outcome::none);
    s.b.advance(milliseconds(6));
    CHECK(s.a.outcome_of(sent.id) == outcome::done);
    command late = query_status(s.b.vm);
    late.deadline = s.b.bus.reactor().now() + milliseconds(5);
    s.m.does = habit::leave;
    late.not_before = s.b.bus.reactor().now() + milliseconds(10);
    const auto expired = s.a.bus.submit(late);
    if (expired) {
        s.b.advance(milliseconds(11));
        CHECK(s.a.outcome_of(expired.id) == outcome::expired);
    } else {
        CHECK(expired.why == refusal::invalid);
    }
}

TEST_CASE("names of sources are bounded, shared by name, and end") {
    bench<> b;
    CHECK_THROWS_AS(b.bus.name_source(""), setup_error);
    CHECK_THROWS_AS(b.bus.name_source(std::string(200, 'x')), setup_error);
    const source first = b.bus.name_source("thermometer");
    CHECK(b.bus.name_source("thermometer") == first);
    CHECK(b.bus.name_source("barometer") != first);
    bool ended = false;
    for (int n = 0; n < 64 && !ended; ++n) {
        try {
            b.bus.name_source("s" + std::to_string(n));
        } catch (const setup_error& e) {
            CHECK(e.fault() == setup_fault::table_full);
            ended = true;
        }
    }
    CHECK(ended);
    CHECK(b.bus.name_source("thermometer") == first); // those that are known stay
}

TEST_CASE("write interest that the reactor refuses is refused, and the control stays") {
    struct with_fd {
        void on_event(const event&, control_handle) {}
        int fd() const { return 77; }
        void on_ready(interests, control_handle) {}
    } c;
    bench<> b;
    const control_handle me = b.bus.attach(c, full(b.vm));
    b.settle();
    b.bus.reactor().fail(manual_reactor::call::modify, ENOMEM);
    CHECK(me.want_write(true) == refusal::busy);
    CHECK(me.want_write(true) == refusal::none);
    me.detach();
}

} // namespace
