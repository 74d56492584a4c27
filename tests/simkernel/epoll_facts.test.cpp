// Rule: the simulated epoll answers as the real one does: what is watched, in which order it is
// told, and what becomes of it when descriptors are closed or their numbers used again.
#include "facts_fixture.hpp"

using namespace vmsig;
using namespace vmsig::simkernel;

TEMPLATE_TEST_CASE("epoll fact: what add, modify and remove refuse", "", real_machine,
                   sim_machine) {
    script<TestType> s;
    auto e = s.counter();
    CHECK(s.modify(*e, EPOLLIN) == ENOENT);
    CHECK(s.remove(*e) == ENOENT);
    CHECK(s.add(*e, EPOLLIN) == 0);
    CHECK(s.add(*e, EPOLLIN) == EEXIST);
    CHECK(s.add(-1, EPOLLIN) == EBADF);
    CHECK(s.modify(-1, EPOLLIN) == EBADF);
    CHECK(s.remove(-1) == EBADF);
    CHECK(s.add(*s.set, EPOLLIN) == EINVAL);
    auto m = s.memory(4096, 0);
    CHECK(s.add(*m, EPOLLIN) == EPERM);
    epoll_event any{};
    CHECK(TestType::epoll_ctl(*e, EPOLL_CTL_ADD, *s.set, &any) == -1);
    CHECK(errno == EINVAL);
    CHECK(TestType::epoll_wait(*s.set, &any, 0, 0) == -1);
    CHECK(errno == EINVAL);
    const int closed = *e;
    e.close();
    CHECK(s.remove(closed) == EBADF);
    CHECK(TestType::epoll_wait(closed, &any, 1, 0) == -1);
    CHECK(errno == EBADF);
}

TEMPLATE_TEST_CASE("epoll fact: a level is told until it is gone, an edge once", "", real_machine,
                   sim_machine) {
    script<TestType> s;
    auto level = s.counter();
    auto edge = s.counter();
    s.add(*level, EPOLLIN, 1);
    s.add(*edge, EPOLLIN | EPOLLET, 2);
    s.put(*level);
    s.put(*edge);
    CHECK(s.order() == list{1, 2});
    CHECK(s.order() == list{1});
    CHECK(s.take(*level) == 1);
    CHECK(s.order().empty());
    s.put(*edge); // never read, and an edge all the same
    CHECK(s.order() == list{2});
    CHECK(s.order().empty());
}

TEMPLATE_TEST_CASE("epoll fact: modify makes an edge anew of what is ready", "", real_machine,
                   sim_machine) {
    script<TestType> s;
    auto e = s.counter(1);
    s.add(*e, EPOLLIN | EPOLLET, 1);
    CHECK(s.order() == list{1});
    CHECK(s.order().empty());
    CHECK(s.modify(*e, EPOLLIN | EPOLLET, 2) == 0);
    CHECK(s.order() == list{2});
    CHECK(s.modify(*e, 0, 3) == 0);
    CHECK(s.order().empty());
    CHECK(s.modify(*e, EPOLLIN, 4) == 0);
    CHECK(s.order() == list{4});
}

TEMPLATE_TEST_CASE("epoll fact: a one-shot watch sleeps until it is modified", "", real_machine,
                   sim_machine) {
    script<TestType> s;
    auto e = s.counter(1);
    s.add(*e, EPOLLIN | EPOLLONESHOT, 1);
    CHECK(s.order() == list{1});
    s.put(*e);
    CHECK(s.order().empty());
    s.modify(*e, EPOLLIN | EPOLLONESHOT, 2);
    CHECK(s.order() == list{2});
}

TEMPLATE_TEST_CASE("epoll fact: what was ready before it was added is told", "", real_machine,
                   sim_machine) {
    script<TestType> s;
    auto e = s.counter(1);
    s.add(*e, EPOLLIN | EPOLLOUT, 7);
    CHECK(s.events() == (EPOLLIN | EPOLLOUT));
    s.modify(*e, EPOLLOUT, 7);
    CHECK(s.events() == EPOLLOUT);
}

TEMPLATE_TEST_CASE("epoll fact: batches take turns, and the first ready is the first told", "",
                   real_machine, sim_machine) {
    script<TestType> s;
    std::vector<owned<TestType>> all;
    for (std::uint64_t i = 0; i < 5; ++i) {
        all.push_back(s.counter());
        s.add(*all.back(), EPOLLIN, i);
    }
    for (const std::size_t i : {3u, 0u, 4u, 1u, 2u}) s.put(*all[i]);
    CHECK(s.order(2) == list{3, 0});
    CHECK(s.order(2) == list{4, 1});
    CHECK(s.order(2) == list{2, 3});
    CHECK(s.order(16) == list{0, 4, 1, 2, 3});
    s.take(*all[4]);
    CHECK(s.order(3) == list{0, 1, 2});
    s.put(*all[4]); // behind those that are still in line
    CHECK(s.order(2) == list{3, 0});
    CHECK(s.order(16) == list{1, 2, 4, 3, 0});
}

TEMPLATE_TEST_CASE("epoll fact: one that stopped being ready takes no place in a batch", "",
                   real_machine, sim_machine) {
    script<TestType> s;
    auto a = s.counter(1);
    auto b = s.counter(1);
    s.add(*a, EPOLLIN, 1);
    s.add(*b, EPOLLIN, 2);
    s.take(*a);
    CHECK(s.order(1) == list{2});
    CHECK(s.order(1) == list{2});
}

TEMPLATE_TEST_CASE("epoll fact: a closed descriptor with a living duplicate fires on", "",
                   real_machine, sim_machine) {
    script<TestType> s;
    auto e = s.counter();
    owned<TestType> twin{TestType::dup(*e)};
    s.add(*e, EPOLLIN, 1);
    const int number = *e;
    e.close();
    s.put(*twin);
    CHECK(s.order() == list{1});
    CHECK(s.remove(number) == EBADF); // and there is no way to say so
    CHECK(s.remove(*twin) == ENOENT);
    CHECK(s.order() == list{1});
    twin.close();
    CHECK(s.order().empty());
}

TEMPLATE_TEST_CASE("epoll fact: a number used again is another watch beside the ghost", "",
                   real_machine, sim_machine) {
    script<TestType> s;
    auto e = s.counter(1);
    owned<TestType> twin{TestType::dup(*e)};
    s.add(*e, EPOLLIN, 1);
    const int number = *e;
    e.close();
    auto next = s.counter(1);
    REQUIRE(*next == number); // the lowest that is free
    CHECK(s.modify(*next, EPOLLIN, 2) == ENOENT);
    CHECK(s.add(*next, EPOLLIN, 2) == 0);
    CHECK(s.order() == list{1, 2});
    CHECK(s.remove(number) == 0);
    CHECK(s.order() == list{1});
}

TEMPLATE_TEST_CASE("epoll fact: the last close of a file takes its watch away", "", real_machine,
                   sim_machine) {
    script<TestType> s;
    auto e = s.counter(1);
    s.add(*e, EPOLLIN, 1);
    e.close();
    CHECK(s.order().empty());
    auto next = s.counter(1);
    CHECK(s.order().empty());
    CHECK(s.add(*next, EPOLLIN, 2) == 0);
    CHECK(s.order() == list{2});
}

TEMPLATE_TEST_CASE("epoll fact: a number can be used again within one batch", "", real_machine,
                   sim_machine) {
    script<TestType> s;
    auto a = s.counter(1);
    auto b = s.counter(1);
    s.add(*a, EPOLLIN, 1);
    s.add(*b, EPOLLIN, 2);
    const auto batch = s.order();
    REQUIRE(batch == list{1, 2});
    const int number = *b;
    b.close(); // while serving the first of the batch
    auto c = s.counter();
    CHECK(*c == number); // the second of the batch names nobody now
    s.add(*c, EPOLLIN, 3);
    CHECK(s.order() == list{1});
}

TEMPLATE_TEST_CASE("epoll fact: two watches of one file, the newer is told first", "", real_machine,
                   sim_machine) {
    script<TestType> s;
    auto e = s.counter();
    owned<TestType> twin{TestType::dup(*e)};
    CHECK(s.add(*e, EPOLLIN, 1) == 0);
    CHECK(s.add(*twin, EPOLLIN, 2) == 0);
    s.put(*e);
    CHECK(s.order() == list{2, 1});
}

TEMPLATE_TEST_CASE("epoll fact: an epoll is itself readable while something in it is", "",
                   real_machine, sim_machine) {
    script<TestType> s;
    auto e = s.counter();
    owned<TestType> outer{TestType::epoll_create1(EPOLL_CLOEXEC)};
    epoll_event in{EPOLLIN, {.u64 = 9}};
    REQUIRE(TestType::epoll_ctl(*outer, EPOLL_CTL_ADD, *s.set, &in) == 0);
    epoll_event out{};
    s.add(*e, EPOLLIN, 1);
    CHECK_FALSE(s.host_sees(*s.set));
    CHECK(TestType::epoll_wait(*outer, &out, 1, 0) == 0);
    s.put(*e);
    CHECK(s.host_sees(*s.set));
    CHECK(s.host_sees(*s.set)); // looking takes nothing
    CHECK(TestType::epoll_wait(*outer, &out, 1, 0) == 1);
    CHECK(s.order() == list{1});
    CHECK(s.host_sees(*s.set));
    s.take(*e);
    CHECK_FALSE(s.host_sees(*s.set));
    CHECK(TestType::epoll_wait(*outer, &out, 1, 0) == 0);
    CHECK(s.control(EPOLL_CTL_ADD, *outer, EPOLLIN) == ELOOP);
}

TEMPLATE_TEST_CASE("epoll fact: an edge is seen by a host until a wait takes it", "", real_machine,
                   sim_machine) {
    script<TestType> s;
    auto e = s.counter();
    s.add(*e, EPOLLIN | EPOLLET, 1);
    s.put(*e);
    CHECK(s.host_sees(*s.set));
    CHECK(s.order() == list{1});
    CHECK_FALSE(s.host_sees(*s.set)); // though it was never read
}
