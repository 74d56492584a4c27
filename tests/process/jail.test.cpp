// Rule: docs/system-calls.md names the system calls of a running bus, of one that is made and
// destroyed, and of a server: nothing else is called, and nothing in the lists is there for
// nothing.
#include <sys/wait.h>

#include <vmsig/client/client.hpp>
#include <vmsig/transport/listener.hpp>
#include <vmsig/transport/server.hpp>

#include "child.hpp"
#include "jail.hpp"
#include "workload.hpp"

#include <support/sanitizers.hpp>

using namespace vmsig;
using namespace vmsig::test;

namespace {

bool right(const workload& w) {
    return !w.drives.wrong && w.drives.receipts == w.drives.accepted && w.comes.right();
}
/// The workload in both loops, from a bus that was made before the door closed.
int run_jailed(const std::vector<std::string>& names) {
    return in_child([&] {
        workload& w = *new workload; // never destroyed
        w.dispatch(2);
        unique_fd bell{::eventfd(0, EFD_CLOEXEC)};
        enter_jail(names);
        w.run(30);
        for (int posts = 0; posts < 10; ++posts) (void)w.bus.post([] {});
        const auto watched = w.bus.watch(bell, interest::read, [](interests) {});
        if (!watched) return 2;
        w.bus.unwatch(*watched);
        const std::uint64_t before = w.drives.rounds;
        w.drives.go(30);
        while (w.drives.rounds < before + 30 || !w.drives.resting()) w.bus.dispatch();
        return right(w) ? 0 : 1;
    });
}
/// From the first line of a host's main to the last.
int live_jailed(const std::vector<std::string>& names) {
    return in_child([&] {
        enter_jail(names);
        for (int i = 0; i < 200; ++i) detail::new_anchor(); // the next one is on a page of its own
        workload w;
        w.run(20);
        return right(w) ? 0 : 1;
    });
}
struct open_gate {
    endpoint_id vm;
    std::optional<grant> authenticate(const peer_identity&) { return full(vm, 5); }
};
/// A peer that comes, asks for everything once, descriptors too, and goes.
bool visits(const std::string& path) {
    auto c = client::connect(path, {"visitor"});
    if (!c) return false;
    const auto vm = (*c)->find("vm");
    if (!vm) return false;
    for (const event* e = nullptr; (e = (*c)->next_event(seconds(5))) != nullptr;)
        if (e->is(kind::replay_end)) break;
    const auto shown = (*c)->memctx(*vm);
    return shown && shown->fds_included && (*c)->may(verb::power_off, *vm) == refusal::none;
}
/// A server serves one visitor.
int serve_jailed(const std::vector<std::string>& names) {
    char folder[] = "/tmp/vmsig-XXXXXX";
    REQUIRE(::mkdtemp(folder) != nullptr);
    const std::string path = std::string{folder} + "/socket";
    auto listening = listening_socket::at(path, 0600);
    REQUIRE(listening);
    const pid_t visitor = ::fork();
    REQUIRE(visitor >= 0);
    if (visitor == 0) leave_child([&] { return visits(path) ? 0 : 1; });
    const int ended = in_child([&] {
        workload& w = *new workload; // never destroyed
        w.dispatch(2);
        open_gate& gate = *new open_gate{w.vm};
        const auto& door = *new server{w.bus, gate, listening->take()};
        enter_jail(names);
        while (door.statistics().gone == 0) w.bus.dispatch();
        return right(w) ? 0 : 1;
    });
    if (ended != 0) ::kill(visitor, SIGKILL); // it waits for nobody
    const int visited = wait_for(visitor);
    ::unlink((path + ".lock").c_str());
    ::unlink(path.c_str());
    ::rmdir(folder);
    return ended != 0 ? ended : visited;
}

} // namespace

TEST_CASE("a running bus makes the system calls that the page lists, and no others") {
    if (VMSIG_TEST_SANITIZED) VMSIG_SKIP("a sanitizer makes system calls");
    const auto names = listed("A running bus");
    const int ended = run_jailed(names);
    if (ended == no_filter) VMSIG_SKIP("the kernel takes no filter");
    CHECK(ended == 0);
    for (const std::string& name : names) {
        INFO("without " << name);
        CHECK(run_jailed(without(names, name)) == -SIGSYS); // this program's clock has no vDSO
    }
}

TEST_CASE("a bus is made and destroyed with the system calls that the page lists besides") {
    if (VMSIG_TEST_SANITIZED) VMSIG_SKIP("a sanitizer makes system calls");
    const auto more = listed("Making and destroying one");
    const auto names = both(listed("A running bus"), more);
    const int ended = live_jailed(names);
    if (ended == no_filter) VMSIG_SKIP("the kernel takes no filter");
    CHECK(ended == 0);
    for (const std::string& name : more) {
        INFO("without " << name);
        if (name != "brk") CHECK(live_jailed(without(names, name)) == -SIGSYS); // or mmap
    }
}

TEST_CASE("a server makes the system calls that the page lists besides") {
    if (VMSIG_TEST_SANITIZED) VMSIG_SKIP("a sanitizer makes system calls");
    const auto more = listed("A server on a socket");
    const auto names = both(listed("A running bus"), more);
    const int ended = serve_jailed(names);
    if (ended == no_filter) VMSIG_SKIP("the kernel takes no filter");
    CHECK(ended == 0);
    for (const std::string& name : more) {
        INFO("without " << name);
        CHECK(serve_jailed(without(names, name)) == -SIGSYS);
    }
}
