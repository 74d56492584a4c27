// Rule: the simulated table of descriptors and its memfds answer as the real ones do.
#include "facts_fixture.hpp"

using namespace vmsig;
using namespace vmsig::simkernel;

namespace {

constexpr int all_seals = seal::seal | seal::shrink | seal::grow | seal::future_write;

template <class M>
owned<M> reopened(int fd, int flags) {
    return owned<M>{M::open(("/proc/self/fd/" + std::to_string(fd)).c_str(), flags | O_CLOEXEC)};
}

} // namespace

TEMPLATE_TEST_CASE("file fact: the lowest free number is given out, and at once", "", real_machine,
                   sim_machine) {
    script<TestType> s;
    auto a = s.counter();
    auto b = s.counter();
    auto c = s.counter();
    const int first = *a, second = *b;
    CHECK(first < second);
    CHECK(second < *c);
    b.close();
    a.close();
    auto d = s.counter();
    auto e = s.timer();
    CHECK(*d == first);
    CHECK(*e == second);
    CHECK(TestType::close(-1) == -1);
    CHECK(errno == EBADF);
}

TEMPLATE_TEST_CASE("file fact: beyond the limit it is EMFILE, and nothing has changed", "",
                   real_machine, sim_machine) {
    script<TestType> s;
    auto last = s.counter();
    const int bound = *last + 1;
    s.machine.limit(bound);
    CHECK(TestType::dup(*last) == -1);
    CHECK(errno == EMFILE);
    CHECK(TestType::eventfd(0, EFD_CLOEXEC) == -1);
    CHECK(errno == EMFILE);
    int ends[2];
    CHECK(TestType::pipe(ends) == -1);
    CHECK(errno == EMFILE);
    last.close();
    CHECK(TestType::socketpair(ends) == -1); // room for one of the two
    CHECK(errno == EMFILE);
    auto again = s.counter();
    CHECK(*again == bound - 1);
}

TEMPLATE_TEST_CASE("file fact: a memfd reads short at its end, and nothing beyond it", "",
                   real_machine, sim_machine) {
    script<TestType> s;
    auto m = s.memory(100, 0);
    char bytes[64];
    CHECK(TestType::pread(*m, bytes, 64, 10) == 64);
    CHECK(TestType::pread(*m, bytes, 64, 70) == 30);
    CHECK(TestType::pread(*m, bytes, 64, 100) == 0);
    CHECK(TestType::pread(*m, bytes, 64, 5000) == 0);
    CHECK(TestType::truncate(*m, 20) == 0);
    CHECK(TestType::pread(*m, bytes, 64, 10) == 10);
    CHECK(TestType::pread(*m, bytes, 64, 20) == 0);
    auto p = s.pipe();
    CHECK(TestType::pread(*p.first, bytes, 1, 0) == -1);
    CHECK(errno == ESPIPE);
}

TEMPLATE_TEST_CASE("file fact: seals stop whoever comes later, and are final", "", real_machine,
                   sim_machine) {
    script<TestType> s;
    auto m = s.memory(4096, 0);
    CHECK(TestType::fcntl(*m, F_GET_SEALS) == 0);
    CHECK(TestType::pwrite(*m, "x", 1, 0) == 1);
    CHECK(TestType::add_seals(*m, all_seals) == 0);
    CHECK(TestType::fcntl(*m, F_GET_SEALS) == all_seals);
    CHECK(TestType::pwrite(*m, "x", 1, 0) == -1);
    CHECK(errno == EPERM);
    CHECK(TestType::truncate(*m, 100) == -1);
    CHECK(errno == EPERM);
    CHECK(TestType::truncate(*m, 8192) == -1);
    CHECK(errno == EPERM);
    CHECK(TestType::add_seals(*m, 0) == -1);
    CHECK(errno == EPERM);
    auto e = s.counter();
    CHECK(TestType::fcntl(*e, F_GET_SEALS) == -1);
    CHECK(errno == EINVAL);
}

TEMPLATE_TEST_CASE("file fact: a read-only memfd is opened again for writing", "", real_machine,
                   sim_machine) {
    script<TestType> s;
    auto m = s.memory(4096, 0);
    auto read_only = reopened<TestType>(*m, O_RDONLY);
    CHECK((TestType::fcntl(*read_only, F_GETFL) & O_ACCMODE) == O_RDONLY);
    CHECK(TestType::pwrite(*read_only, "x", 1, 0) == -1);
    CHECK(errno == EBADF);
    CHECK(TestType::add_seals(*read_only, seal::grow) == -1);
    CHECK(errno == EPERM);
    auto writable = reopened<TestType>(*read_only, O_RDWR);
    CHECK((TestType::fcntl(*writable, F_GETFL) & O_ACCMODE) == O_RDWR);
    CHECK(TestType::pwrite(*writable, "x", 1, 7) == 1);
    char byte = 0;
    CHECK(TestType::pread(*read_only, &byte, 1, 7) == 1);
    CHECK(byte == 'x');
    CHECK(TestType::add_seals(*writable, all_seals) == 0); // of the file, not of the descriptor
    CHECK(TestType::fcntl(*read_only, F_GET_SEALS) == all_seals);
}

TEMPLATE_TEST_CASE("file fact: what cannot be opened through /proc", "", real_machine,
                   sim_machine) {
    script<TestType> s;
    auto e = s.counter();
    const std::string path = "/proc/self/fd/" + std::to_string(*e);
    CHECK(TestType::open(path.c_str(), O_RDONLY) == -1);
    CHECK(errno == ENXIO);
    e.close();
    CHECK(TestType::open(path.c_str(), O_RDONLY) == -1);
    CHECK(errno == ENOENT);
}

TEMPLATE_TEST_CASE("file fact: fstat tells a memfd from what is none", "", real_machine,
                   sim_machine) {
    script<TestType> s;
    auto m = s.memory(4096, 0);
    auto p = s.pipe();
    auto q = s.sockets();
    struct stat status {};
    CHECK(TestType::fstat(*m, &status) == 0);
    CHECK(S_ISREG(status.st_mode));
    CHECK((status.st_mode & 0777) == 0777);
    CHECK(status.st_size == 4096);
    CHECK(TestType::fstat(*p.first, &status) == 0);
    CHECK(S_ISFIFO(status.st_mode));
    CHECK(TestType::fstat(*q.first, &status) == 0);
    CHECK(S_ISSOCK(status.st_mode));
    CHECK(TestType::fstat(-1, &status) == -1);
    CHECK(errno == EBADF);
}

TEMPLATE_TEST_CASE("file fact: the last close of a socket is a hang-up, whoever holds it", "",
                   real_machine, sim_machine) {
    script<TestType> s;
    auto p = s.sockets();
    owned<TestType> a{TestType::dup(*p.first)};
    owned<TestType> b{TestType::dup(*a)};
    s.add(*p.second, EPOLLIN, 1);
    p.first.close();
    a.close();
    CHECK(s.events() == 0);
    b.close();
    CHECK(s.events() == (EPOLLIN | EPOLLHUP));
}
