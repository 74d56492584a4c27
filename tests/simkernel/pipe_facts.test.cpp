// Rule: the simulated pipe answers as the real one does.
#include "facts_fixture.hpp"

using namespace vmsig;
using namespace vmsig::simkernel;

TEMPLATE_TEST_CASE("pipe fact: bytes come through in order, in parts too", "", real_machine,
                   sim_machine) {
    script<TestType> s;
    auto p = s.pipe();
    CHECK(s.read(*p.first).empty());
    CHECK(errno == EAGAIN);
    CHECK(s.write(*p.second, "abc") == 3);
    CHECK(s.write(*p.second, "de") == 2);
    CHECK(s.read(*p.first, 2) == "ab");
    CHECK(s.read(*p.first) == "cde");
    CHECK(s.write(*p.first, "x") == -EBADF);
}

TEMPLATE_TEST_CASE("pipe fact: readiness of both ends", "", real_machine, sim_machine) {
    script<TestType> s;
    auto p = s.pipe();
    s.add(*p.first, EPOLLIN | EPOLLRDHUP, 1);
    CHECK(s.events() == 0);
    s.write(*p.second, "abc");
    CHECK(s.events() == EPOLLIN);
    s.read(*p.first, 1);
    CHECK(s.events() == EPOLLIN);
    s.read(*p.first);
    CHECK(s.events() == 0);
    s.add(*p.second, EPOLLOUT, 2);
    CHECK(s.order() == list{2});
}

TEMPLATE_TEST_CASE("pipe fact: a writer that closed is HUP beside what is left to read", "",
                   real_machine, sim_machine) {
    script<TestType> s;
    auto p = s.pipe();
    s.add(*p.first, EPOLLIN, 1);
    s.write(*p.second, "abc");
    p.second.close();
    CHECK(s.events() == (EPOLLIN | EPOLLHUP));
    CHECK(s.read(*p.first) == "abc");
    CHECK(s.events() == EPOLLHUP);
    CHECK(TestType::read(*p.first, nullptr, 0) == 0);
    char byte = 0;
    CHECK(TestType::read(*p.first, &byte, 1) == 0);
    CHECK(s.events() == EPOLLHUP);
    s.modify(*p.first, 0, 1); // asked for or not
    CHECK(s.events() == EPOLLHUP);
}

TEMPLATE_TEST_CASE("pipe fact: a duplicate keeps the writer alive", "", real_machine, sim_machine) {
    script<TestType> s;
    auto p = s.pipe();
    owned<TestType> child{TestType::dup(*p.second)};
    s.add(*p.first, EPOLLIN, 1);
    p.second.close();
    CHECK(s.events() == 0);
    CHECK(s.write(*child, "x") == 1);
    CHECK(s.events() == EPOLLIN);
    s.read(*p.first);
    child.close();
    CHECK(s.events() == EPOLLHUP);
}

TEMPLATE_TEST_CASE("pipe fact: a reader that closed is ERR, and writing is EPIPE", "", real_machine,
                   sim_machine) {
    script<TestType> s;
    auto p = s.pipe();
    s.add(*p.second, 0, 1);
    CHECK(s.events() == 0);
    p.first.close();
    CHECK(s.events() == EPOLLERR);
    CHECK(s.write(*p.second, "x") == -EPIPE);
    s.modify(*p.second, EPOLLOUT, 1);
    CHECK(s.events() == (EPOLLOUT | EPOLLERR));
}

TEMPLATE_TEST_CASE("pipe fact: a full pipe refuses, and a page of room is an edge", "",
                   real_machine, sim_machine) {
    script<TestType> s;
    auto p = s.pipe();
    const std::string page(4096, 'x');
    s.add(*p.second, EPOLLOUT | EPOLLET, 1);
    CHECK(s.events() == EPOLLOUT);
    for (int i = 0; i < 16; ++i) REQUIRE(s.write(*p.second, page) == 4096);
    CHECK(s.write(*p.second, "x") == -EAGAIN);
    CHECK(s.events() == 0);
    s.read(*p.first, 100);
    CHECK(s.events() == 0);
    CHECK(s.write(*p.second, "x") == -EAGAIN); // no page is free
    s.read(*p.first, 4096);
    CHECK(s.events() == EPOLLOUT);
    CHECK(s.write(*p.second, page + page) == 4096); // what there is room for
}

TEMPLATE_TEST_CASE("pipe fact: each write is an edge", "", real_machine, sim_machine) {
    script<TestType> s;
    auto p = s.pipe();
    s.add(*p.first, EPOLLIN | EPOLLET, 1);
    for (int again = 0; again < 3; ++again) {
        s.write(*p.second, "x");
        CHECK(s.order() == list{1});
        CHECK(s.order().empty());
    }
    s.read(*p.first, 1);
    CHECK(s.order().empty());
}
