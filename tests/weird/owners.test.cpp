// An owner that is stopped, dies and leaves its socket to a child, or hands it on, or goes on with
// what it has lost; and what may be done with the guest's memory: rows 17, 32 to 39 and 58, 59,
// against the host's program.
#include "scene.hpp"

#include <fcntl.h>
#include <sys/mman.h>

using namespace vmsig;
using namespace vmsig::test;

namespace {

struct ready_pipe {
    ready_pipe() { REQUIRE(::pipe2(ends, O_CLOEXEC) == 0); }
    ~ready_pipe() {
        ::close(ends[0]);
        ::close(ends[1]);
    }
    void say() const { must(::write(ends[1], "x", 1) == 1, "pipe"); }
    void wait() const {
        char c = 0;
        REQUIRE(::read(ends[0], &c, 1) == 1);
    }
    int ends[2];
};

/// Of the healthy control, which has the higher rank: the keyboard of the other machine, until it
/// is given back.
void preempt(scene& s) {
    const auto vm = s.control->find("build-7");
    REQUIRE(vm);
    const auto got = s.control->acquire(*vm, lease_class::input);
    REQUIRE(got);
    CHECK(s.control->release(got.lease) == refusal::none);
}

refusal press_with(raw_client& c, serial_number serial) {
    std::vector<std::byte> changes;
    const wire::submit s = c.key(serial, KEY_B, true, changes);
    return c.ask<wire::submitted>(s, changes).why;
}

void wrong_machine(const std::string& path) {
    raw_client c{path};
    c.join();
    serial_number serial;
    must(c.acquire(serial) == refusal::none, "no lease");
    wire::find f;
    std::string_view{"db-1"}.copy(f.name.data(), 63);
    const refusal forbidden = c.ask<wire::found>(f).why;
    f.name = {};
    std::string_view{"no-such"}.copy(f.name.data(), 63);
    must(forbidden != refusal::none && forbidden == c.ask<wire::found>(f).why,
         "absent and forbidden answer differently");
    // Every handle that there might be, and those of the bus itself.
    for (std::uint32_t slot = 0; slot < 64; ++slot) {
        for (std::uint64_t generation = 0; generation < 4; ++generation) {
            const endpoint_id e = endpoint_id::make(slot, generation);
            if (e == c.vm) continue;
            wire::acquire q;
            q.endpoint = e;
            must(c.ask<wire::acquired>(q).why == refusal::denied, "a forged handle acquires");
            wire::status s;
            s.endpoint = e;
            must(c.ask<wire::lease_state>(s).why == refusal::denied, "a forged handle is told");
        }
    }
    must(press_with(c, {serial.value + 1}) == refusal::not_holder, "a forged serial acts");
}
void wrong_right(const std::string& path) {
    raw_client c{path};
    c.join();
    serial_number serial;
    must(c.acquire(serial) == refusal::none, "no lease");
    for (const verb v : {verb::power_off, verb::reset, verb::pause, verb::mem_write}) {
        wire::submit s;
        s.verb = v;
        s.endpoint = c.vm;
        s.serial = serial;
        s.epoch = c.epoch;
        s.length = 8;
        must(c.ask<wire::submitted>(s).why == refusal::denied, "the lease of input does more");
    }
    for (const auto cls : {lease_class::power, lease_class::memwrite}) {
        wire::acquire q;
        q.endpoint = c.vm;
        q.lease_class = cls;
        must(c.ask<wire::acquired>(q).why == refusal::denied, "a lease beyond the grant");
        wire::force_release r;
        r.endpoint = c.vm;
        r.lease_class = cls;
        must(c.ask<wire::answer>(r).why == refusal::denied, "who is no admin releases");
    }
    wire::read_audit r;
    r.endpoint = c.vm;
    r.number = 8;
    must(c.ask<wire::audit_read>(r).why == refusal::denied, "who is no admin reads the audit");
    for (std::uint64_t id = 0; id < 300; ++id)
        must(c.ask<wire::cancelled>(wire::cancel{0, {}, {id << 16 | 1}}).result !=
                 cancel_result::cancelled,
             "another's command is cancelled");
}
void write_to_memory(const std::string& path) {
    auto c = client::connect(path, {"hostile", seconds(20)});
    must(static_cast<bool>(c), "can not connect");
    for (const event* e = nullptr; !e || !e->is(kind::replay_end);)
        must((e = (*c)->next_event(seconds(20))) != nullptr, "nothing is told");
    const auto vm = (*c)->find("build-7");
    must(static_cast<bool>(vm), "no machine");
    const auto got = (*c)->memctx(*vm);
    must(got && got->fds_included, "no memory");
    const int ram = got->fds[0].get();
    const std::string own = "/proc/self/fd/" + std::to_string(ram);
    must(::open(own.c_str(), O_WRONLY | O_TRUNC) < 0, "the memory is emptied");
    for (const int fd : {ram, ::open(own.c_str(), O_RDWR | O_CLOEXEC)}) { // sealed, it may open
        must(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED,
             "the memory is mapped for writing");
        must(::ftruncate(fd, 0) != 0, "the memory is cut off");
        must(::fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) != 0, "a seal is added");
        must(::pwrite(fd, "x", 1, 0) < 0, "the memory is written");
    }
    char byte = 0;
    must(::pread(ram, &byte, 1, 0) == 1, "the memory can not be read");
}
void slow_with_descriptors(const std::string& path) {
    raw_client c{path};
    c.join();
    wire::take_memctx q;
    q.endpoint = c.vm;
    (void)c.ask<wire::memctx>(q);
    c.put(q).flush(); // and the first is not acknowledged
    (void)c.ask<wire::answer>(wire::may{0, 0, c.vm});
    c.read(100);
    const auto memctxs = [&c] {
        return std::count_if(c.frames.begin(), c.frames.end(),
                             [](const auto& f) { return f.type == wire::frame_type::memctx; });
    };
    must(memctxs() == 1, "a second memctx comes before the first is acknowledged");
    c.put(wire::acknowledge{0, 1}).flush();
    (void)c.await<wire::memctx>();
    must(memctxs() == 2, "after the acknowledgement it does not come");
}

} // namespace

TEST_CASE("owners: one that is stopped is preempted, and what it says later does nothing") {
    if (!may_become_another()) VMSIG_SKIP("only root can become another user");
    scene s;
    const ready_pipe lost;
    const pid_t child = s.start([&](const std::string& path) {
        raw_client c{path};
        c.join();
        serial_number serial;
        must(c.acquire(serial) == refusal::none, "no lease");
        must(press_with(c, serial) == refusal::none, "no key");
        ::raise(SIGSTOP);
        must(press_with(c, serial) == refusal::not_holder, "a lost lease acts");
        must(c.was_told(kind::lease_lost), "a lost lease is not told of");
    });
    int status = 0;
    REQUIRE(::waitpid(child, &status, WUNTRACED) == child);
    REQUIRE(WIFSTOPPED(status));
    preempt(s);
    REQUIRE(::kill(child, SIGCONT) == 0);
    s.await_end(child);
    s.finish();
}

TEST_CASE("owners: the lease of one that is stopped ends with its time to live") {
    scene s;
    const pid_t child = s.start([](const std::string& path) {
        raw_client c{path};
        c.join();
        wire::acquire q;
        q.endpoint = c.vm;
        q.time_to_live = milliseconds(300);
        must(c.ask<wire::acquired>(q).why == refusal::none, "no lease");
        ::raise(SIGSTOP);
    });
    int status = 0;
    REQUIRE(::waitpid(child, &status, WUNTRACED) == child);
    REQUIRE(WIFSTOPPED(status));
    const auto vm = s.control->find("build-7");
    REQUIRE(vm);
    bool free = false;
    for (int tries = 0; tries < 1000 && !free; ++tries) {
        (void)s.rounds(1);
        const auto told = s.control->status(*vm, lease_class::input);
        REQUIRE(told);
        free = !told->holder;
        ::usleep(10'000);
    }
    CHECK(free);
    REQUIRE(::kill(child, SIGCONT) == 0);
    s.await_end(child);
    s.finish();
}

TEST_CASE("owners: a child that keeps the socket of a dead one keeps no lease from others") {
    if (!may_become_another()) VMSIG_SKIP("only root can become another user");
    scene s;
    const ready_pipe held, over;
    const pid_t child = s.start([&](const std::string& path) {
        raw_client c{path};
        c.join();
        serial_number serial;
        must(c.acquire(serial) == refusal::none, "no lease");
        if (::fork() == 0) { // it keeps the socket until it is told
            ::close(over.ends[1]);
            held.say();
            char none = 0;
            (void)!::read(over.ends[0], &none, 1);
        }
    });
    held.wait();
    s.await_end(child);
    const auto vm = s.control->find("build-7");
    REQUIRE(vm);
    const auto status = s.control->status(*vm, lease_class::input);
    REQUIRE(status);
    CHECK(status->holder); // the kernel has told nobody
    preempt(s);
    REQUIRE(::write(over.ends[1], "x", 1) == 1);
    s.finish();
}

TEST_CASE("owners: a socket handed to another process has the rights of who connected") {
    if (!may_become_another()) VMSIG_SKIP("only root can become another user");
    scene s;
    int pair[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
    const unique_fd here{pair[0]}, there{pair[1]};
    const pid_t child = s.start([&](const std::string& path) {
        raw_client c{path};
        raw_client carrier{path};
        const int fd = c.fd.get();
        carrier.fd = unique_fd{::dup(there.get())};
        carrier.out.resize(1); // something to carry it
        must(carrier.flush({&fd, 1}), "can not hand it on");
    });
    s.await_end(child);
    char byte = 0;
    ::iovec v{&byte, 1};
    alignas(::cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> space{};
    ::msghdr m{};
    m.msg_iov = &v;
    m.msg_iovlen = 1;
    m.msg_control = space.data();
    m.msg_controllen = space.size();
    REQUIRE(::recvmsg(here.get(), &m, MSG_CMSG_CLOEXEC) == 1);
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof fd);
    auto c = client::over(unique_fd{fd}, {"root", seconds(20)}); // this process is root
    REQUIRE(c);
    const event* e = next(**c, kind::replay_end);
    REQUIRE(e);
    const endpoint_id vm = e->endpoint;
    CHECK((*c)->acquire(vm, lease_class::power).why == refusal::denied);
    CHECK((*c)->find("db-1").error() == refusal::denied);
    CHECK((*c)->acquire(vm, lease_class::input));
    c->reset();
    s.finish();
}

TEST_CASE("owners: rights on one machine are none on another, whatever the handle says") {
    run_as_another("wrong machine", wrong_machine);
}
TEST_CASE("owners: one right is not another, and a lease is good for its class alone") {
    run_as_another("wrong right", wrong_right);
}
TEST_CASE("owners: the memory of a guest can not be written, cut or sealed by who may read it") {
    run_beside("memory", write_to_memory);
}
TEST_CASE("owners: whoever does not acknowledge a memctx gets no second one, others theirs") {
    run_beside("slow with descriptors", slow_with_descriptors);
}
