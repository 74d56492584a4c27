// Rule: a simulated pair of SOCK_SEQPACKET sockets answers as a real one does.
#include "facts_fixture.hpp"

using namespace vmsig;
using namespace vmsig::simkernel;

TEMPLATE_TEST_CASE("socket fact: a frame comes whole, or its rest is lost", "", real_machine,
                   sim_machine) {
    script<TestType> s;
    auto p = s.sockets();
    CHECK(s.receive(*p.second) == -EAGAIN);
    CHECK(s.send(*p.first, "abc") == 3);
    CHECK(s.send(*p.first, "defgh") == 5);
    CHECK(s.send(*p.first, "ijklm") == 5);
    CHECK(s.read(*p.second) == "abc");
    CHECK(s.receive(*p.second, 2) == 2);
    CHECK(s.receive(*p.second, 2, MSG_TRUNC) == 5);
    CHECK(s.receive(*p.second) == -EAGAIN);
}

TEMPLATE_TEST_CASE("socket fact: a frame of no bytes reads as 0, like the end", "", real_machine,
                   sim_machine) {
    script<TestType> s;
    auto p = s.sockets();
    s.add(*p.second, EPOLLIN | EPOLLRDHUP, 1);
    CHECK(s.send(*p.first, "") == 0);
    CHECK(s.events() == EPOLLIN); // only that there is no hang-up beside it
    CHECK(s.receive(*p.second) == 0);
    CHECK(s.events() == 0);
    CHECK(s.receive(*p.second) == -EAGAIN);
    p.first.close();
    CHECK(s.events() == (EPOLLIN | EPOLLRDHUP | EPOLLHUP));
    CHECK(s.receive(*p.second) == 0);
    CHECK(s.receive(*p.second) == 0);
}

TEMPLATE_TEST_CASE("socket fact: a killed peer is IN and HUP, with its frames still readable", "",
                   real_machine, sim_machine) {
    script<TestType> s;
    auto p = s.sockets();
    s.add(*p.second, EPOLLIN | EPOLLOUT, 1);
    CHECK(s.events() == EPOLLOUT);
    s.send(*p.first, "one");
    s.send(*p.first, "two");
    p.first.close();
    CHECK(s.events() == (EPOLLIN | EPOLLOUT | EPOLLHUP));
    CHECK(s.read(*p.second) == "one");
    CHECK(s.read(*p.second) == "two");
    CHECK(s.receive(*p.second) == 0);
    CHECK(s.events() == (EPOLLIN | EPOLLOUT | EPOLLHUP)); // for ever
    CHECK(s.send(*p.second, "x") == -EPIPE);
}

TEMPLATE_TEST_CASE("socket fact: a peer that left frames unread resets the connection", "",
                   real_machine, sim_machine) {
    script<TestType> s;
    auto p = s.sockets();
    s.add(*p.second, EPOLLIN, 1);
    s.send(*p.first, "for second");
    s.send(*p.second, "for first");
    p.first.close();
    CHECK(s.events() == (EPOLLIN | EPOLLERR | EPOLLHUP));
    CHECK(s.receive(*p.second) == -ECONNRESET); // once, before what is queued
    CHECK(s.events() == (EPOLLIN | EPOLLHUP));
    CHECK(s.read(*p.second) == "for second");
    CHECK(s.receive(*p.second) == 0);
}

TEMPLATE_TEST_CASE("socket fact: a child that holds the peer hides its death", "", real_machine,
                   sim_machine) {
    script<TestType> s;
    auto p = s.sockets();
    owned<TestType> child{TestType::dup(*p.first)};
    s.add(*p.second, EPOLLIN | EPOLLRDHUP, 1);
    p.first.close();
    CHECK(s.events() == 0);
    CHECK(s.send(*p.second, "x") == 1);
    child.close();
    CHECK((s.events() & EPOLLHUP) != 0);
}

TEMPLATE_TEST_CASE("socket fact: a peer that sends no more is RDHUP, to those who ask", "",
                   real_machine, sim_machine) {
    script<TestType> s;
    auto p = s.sockets();
    s.add(*p.second, 0, 1);
    s.send(*p.first, "last");
    CHECK(TestType::shutdown(*p.first, SHUT_WR) == 0);
    CHECK(s.events() == 0);
    s.modify(*p.second, EPOLLRDHUP, 1);
    CHECK(s.events() == EPOLLRDHUP);
    s.modify(*p.second, EPOLLIN, 1);
    CHECK(s.events() == EPOLLIN);
    CHECK(s.read(*p.second) == "last");
    CHECK(s.receive(*p.second) == 0);
    CHECK(s.send(*p.first, "x") == -EPIPE);
    CHECK(s.send(*p.second, "back") == 4); // the other direction is open
    CHECK(s.read(*p.first) == "back");
    CHECK(TestType::shutdown(*p.second, SHUT_WR) == 0);
    CHECK(s.events() == (EPOLLIN | EPOLLHUP));
}

TEMPLATE_TEST_CASE("socket fact: a full peer refuses long before, and room is told late", "",
                   real_machine, sim_machine) {
    script<TestType> s;
    auto p = s.sockets();
    const std::string frame(64, 'x');
    int sent = 0;
    while (s.send(*p.first, frame) == 64 && sent < 100'000) ++sent;
    CHECK(sent > 100);
    CHECK(sent < 1000);
    CHECK(s.send(*p.first, frame) == -EAGAIN);
    s.add(*p.first, EPOLLOUT, 1);
    CHECK(s.events() == 0);
    int read = 0;
    for (; s.events() == 0 && read < sent; ++read) REQUIRE(s.receive(*p.second) == 64);
    CHECK(s.events() == EPOLLOUT);
    CHECK(read > sent / 2); // not before the most of it was read
    CHECK(read < sent);
}

TEMPLATE_TEST_CASE("socket fact: each frame is an edge", "", real_machine, sim_machine) {
    script<TestType> s;
    auto p = s.sockets();
    s.add(*p.second, EPOLLIN | EPOLLET, 1);
    for (int again = 0; again < 3; ++again) {
        s.send(*p.first, "x");
        CHECK(s.order() == list{1});
        CHECK(s.order().empty());
    }
    s.receive(*p.second);
    CHECK(s.order().empty());
}

TEMPLATE_TEST_CASE("socket fact: what is too long for the buffer is never sent", "", real_machine,
                   sim_machine) {
    script<TestType> s;
    auto p = s.sockets();
    CHECK(s.send(*p.first, std::string(1u << 20, 'x')) == -EMSGSIZE);
    CHECK(s.receive(*p.second) == -EAGAIN);
}
