// Rule: the simulated eventfd and timerfd answer as the real ones do.
#include "facts_fixture.hpp"

using namespace vmsig;
using namespace vmsig::simkernel;

TEMPLATE_TEST_CASE("eventfd fact: writes add up, a read takes all", "", real_machine, sim_machine) {
    script<TestType> s;
    auto e = s.counter(2);
    CHECK(s.put(*e, 40) == 0);
    CHECK(s.take(*e) == 42);
    CHECK(s.take(*e) == -EAGAIN);
    char small[4] = {};
    CHECK(TestType::read(*e, small, sizeof small) == -1);
    CHECK(errno == EINVAL);
    CHECK(TestType::write(*e, small, sizeof small) == -1);
    CHECK(errno == EINVAL);
}

TEMPLATE_TEST_CASE("eventfd fact: EAGAIN of a write says that it is signalled already", "",
                   real_machine, sim_machine) {
    script<TestType> s;
    auto e = s.counter();
    const std::uint64_t most = ~std::uint64_t{0} - 1;
    CHECK(s.put(*e, most + 1) == EINVAL);
    CHECK(s.put(*e, most) == 0);
    s.add(*e, EPOLLIN | EPOLLOUT | EPOLLET, 1);
    CHECK(s.events() == EPOLLIN); // no room to write
    CHECK(s.put(*e, 1) == EAGAIN);
    CHECK(s.events() == 0); // and no edge of it
    CHECK(s.take(*e) == static_cast<std::int64_t>(most));
    CHECK(s.events() == EPOLLOUT);
    CHECK(s.put(*e, 1) == 0);
    CHECK(s.events() == (EPOLLIN | EPOLLOUT));
}

TEMPLATE_TEST_CASE("eventfd fact: each write is an edge, read or not", "", real_machine,
                   sim_machine) {
    script<TestType> s;
    auto e = s.counter();
    s.add(*e, EPOLLIN | EPOLLET, 1);
    for (int again = 0; again < 3; ++again) {
        s.put(*e);
        s.put(*e);
        CHECK(s.order() == list{1});
        CHECK(s.order().empty());
    }
    CHECK(s.put(*e, 0) == 0); // even of nothing
    CHECK(s.order() == list{1});
}

TEMPLATE_TEST_CASE("timerfd fact: an absolute time in the past fires at once", "", real_machine,
                   sim_machine) {
    script<TestType> s;
    auto t = s.timer();
    s.add(*t, EPOLLIN | EPOLLET, 1);
    CHECK(s.events() == 0);
    CHECK(s.set_timer(*t, {1}) == 0);
    s.until_readable(*t);
    CHECK(s.events() == EPOLLIN);
    CHECK(s.take(*t) == 1);
    CHECK(s.take(*t) == -EAGAIN);
}

TEMPLATE_TEST_CASE("timerfd fact: it fires not before its time, and once", "", real_machine,
                   sim_machine) {
    script<TestType> s;
    auto t = s.timer();
    s.add(*t, EPOLLIN | EPOLLET, 1);
    const instant due = s.now() + milliseconds(5);
    s.set_timer(*t, due);
    CHECK(s.take(*t) == -EAGAIN);
    CHECK(s.wait(16, -1).size() == 1);
    CHECK(s.now() >= due);
    s.machine.pass(milliseconds(2));
    CHECK(s.order().empty());
    CHECK(s.host_sees(*t)); // a level, until it is read
    CHECK(s.take(*t) == 1);
}

TEMPLATE_TEST_CASE("timerfd fact: an expiry that nobody took is disarmed too", "", real_machine,
                   sim_machine) {
    script<TestType> s;
    auto t = s.timer();
    s.add(*t, EPOLLIN | EPOLLET, 1);
    s.set_timer(*t, {1});
    s.until_readable(*t);
    CHECK(s.set_timer(*t, instant::never()) == 0);
    CHECK_FALSE(s.host_sees(*t));
    CHECK(s.events() == 0);
    CHECK(s.take(*t) == -EAGAIN);
}

TEMPLATE_TEST_CASE("timerfd fact: setting it again replaces what was set", "", real_machine,
                   sim_machine) {
    script<TestType> s;
    auto t = s.timer();
    s.add(*t, EPOLLIN | EPOLLET, 1);
    s.set_timer(*t, s.now() + seconds(3600));
    s.set_timer(*t, s.now() + milliseconds(1));
    CHECK(s.wait(16, -1).size() == 1);
    s.set_timer(*t, s.now() + milliseconds(1));
    CHECK(s.wait(16, -1).size() == 1); // never read, and an edge all the same
    s.set_timer(*t, s.now() + seconds(3600));
    CHECK(s.take(*t) == -EAGAIN);
}

TEMPLATE_TEST_CASE("timerfd fact: what is no time is refused", "", real_machine, sim_machine) {
    script<TestType> s;
    auto t = s.timer();
    auto e = s.counter();
    itimerspec bad{};
    bad.it_value.tv_nsec = 1'000'000'000;
    CHECK(TestType::timerfd_settime(*t, 0, &bad) == -1);
    CHECK(errno == EINVAL);
    CHECK(s.set_timer(*e, {1}) == EINVAL);
    CHECK(s.set_timer(-1, {1}) == EBADF);
}

TEMPLATE_TEST_CASE("timerfd fact: an interval counts what was missed", "", real_machine,
                   sim_machine) {
    script<TestType> s;
    auto t = s.timer();
    itimerspec value{};
    value.it_value.tv_nsec = 1'000'000;
    value.it_interval.tv_nsec = 1'000'000;
    REQUIRE(TestType::timerfd_settime(*t, 0, &value) == 0);
    s.machine.pass(milliseconds(10));
    CHECK(s.take(*t) >= 9);
    s.until_readable(*t);
    CHECK(s.take(*t) >= 1);
}
