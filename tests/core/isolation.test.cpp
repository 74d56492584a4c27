// Rule: what one has used up is one's own loss, a descriptor that one adapter closed is no other's,
// and an end is an end for whoever came during it.
#include "harness.hpp"

#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>

using namespace vmsig;
using namespace vmsig::test;

namespace {

struct epoll_traits : test_traits {
    using reactor = epoll_reactor<>;
};
struct two_waiters_limits : small_limits {
    static constexpr std::uint16_t waiters_per_cell = 2;
};
struct two_waiters : asking_traits {
    using limits = two_waiters_limits;
};
lease_options in_line() {
    lease_options o;
    o.wait = true;
    return o;
}

} // namespace

// Contract 2: "A control at its cap is refused with `busy`; nobody else notices."
TEST_CASE("controls that pin all that they may leave a sensor blocks for the others") {
    bench<> w;
    sensor s;
    agent first, second, third;
    w.bus.attach_adapter(s, w.vm);
    const kind large = w.bus.register_kind("large", {});
    for (agent* a : {&first, &second, &third}) w.join(*a, full(w.vm));
    const auto pin = [large](const event& e, control_handle bus) {
        if (e.is(large)) bus.pin(e.payload);
    };
    int emitted = 0;
    for (int i = 0; i < 40; ++i) { // one keeps the first eight of them, the other the next
        first.script = second.script = {};
        (i < 8 ? first : second).script = pin;
        const payload_id p = s.bus.allocate(8);
        if (p && s.bus.emit(large, p, 8)) ++emitted;
    }
    CHECK(emitted == 40);
    CHECK(third.count(large) == 40);
}

// quotas.hpp: "pooled payloads of commands whose receipt is to come": this one's is here.
TEST_CASE("a control that may have one payload under way reads again in the receipt") {
    bench<> w;
    machine m;
    agent a;
    w.bus.attach_adapter(m, w.vm);
    REQUIRE(m.bus.publish(w.bus.epoch_of(w.vm)));
    w.join(a, full(w.vm).payloads(1));
    std::vector<refusal> answers;
    answers.reserve(3);
    a.script = [&](const event& e, control_handle bus) {
        if (e.is(kind::receipt) && answers.size() < 3)
            answers.push_back(bus.submit(read_memory(w.vm, {0, 0}, 8)).why);
    };
    REQUIRE(a.bus.submit(read_memory(w.vm, {0, 0}, 8)));
    w.settle();
    CHECK(answers == std::vector<refusal>(3, refusal::none));
}

// Contract 4: "Ask: the owner gets a notice with a deadline (...) and is preempted at the deadline
// whatever it does": however many of a lower rank wait in line.
TEST_CASE("a full queue of lower ranks does not keep an operator from asking") {
    bench<two_waiters> w;
    agent owner, one, two, operators;
    w.join(owner, full(w.vm, 5));
    w.join(one, full(w.vm, 1));
    w.join(two, full(w.vm, 2));
    w.join(operators, full(w.vm, 9));
    REQUIRE(owner.bus.acquire(w.vm, lease_class::power));
    REQUIRE_FALSE(one.bus.acquire(w.vm, lease_class::power, in_line()));
    REQUIRE_FALSE(two.bus.acquire(w.vm, lease_class::power, in_line()));
    CHECK(operators.bus.acquire(w.vm, lease_class::power).what == acquire_result::status::waiting);
    w.advance(seconds(6));
    CHECK(w.bus.lease_of(w.vm, lease_class::power).owner.who == operators.bus.origin());
}

// Faults 27 and 64: "adapter closes its own fd behind us": nobody else is affected.
TEST_CASE("an adapter that unwatches a descriptor that it had closed unwatches nobody else's") {
    bench<epoll_traits> w;
    sensor careless, careful;
    w.bus.attach_adapter(careless, w.vm);
    w.bus.attach_adapter(careful, w.vm);
    int told = 0;
    unique_fd mine{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    const int number = mine.get();
    const auto watch = careless.bus.watch(number, interest::read, cookie{});
    REQUIRE(watch);
    mine.reset();
    const unique_fd other{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    REQUIRE(other.get() == number);
    careful.when_ready = [&](cookie, adapter_handle b) {
        ++told;
        b.detach();
    };
    REQUIRE(careful.bus.watch(number, interest::read, cookie{}).has_value());
    careless.bus.unwatch(*watch);
    const std::uint64_t one = 1;
    REQUIRE(::write(number, &one, sizeof one) == sizeof one);
    w.settle();
    CHECK(told == 1);
}

// core.hpp: "Detaches everybody."
TEST_CASE("who is attached during the destruction of the core is detached by it too") {
    agent first, leaver, late;
    {
        bench<> w;
        w.join(first, full(w.vm));
        w.join(leaver, full(w.vm));
        first.bus.detach();
        w.settle();
        leaver.on_farewell = [&] { late.bus = w.bus.attach(late, full(w.vm)); };
    }
    REQUIRE(late.bus.origin());
    CHECK(late.farewells == 1);
}

// Contract 12: "A fork without exec leaves the child's copy inert."
TEST_CASE("in a forked child nothing is set up or audited either") {
    bench<> w;
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        const std::uint64_t before = w.bus.audit().number();
        try {
            w.bus.add_endpoint("child's");
        } catch (const setup_error&) {}
        ::_exit(w.bus.audit().number() == before ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}
