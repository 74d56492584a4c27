// The C face has every verb of the client, and keeps its promises at its edge: sizes, nulls, no
// memory, nobody there.
#include <vmsig/client.h>

#include <client/served_thread.hpp>
#include <support/alloc_guard.hpp>

#include "story.h"

using namespace vmsig;
using test::failing_allocations;
using test::served_thread;

namespace {

struct closer {
    void operator()(vmsig_client* c) const { vmsig_client_close(c); }
};
using c_client = std::unique_ptr<vmsig_client, closer>;

c_client joined(const served_thread& w) {
    vmsig_client* c = nullptr;
    REQUIRE(vmsig_client_connect(w.path().c_str(), nullptr, &c, nullptr) == VMSIG_OK);
    return c_client{c};
}
vmsig_result next(vmsig_client* c, vmsig_event& e) {
    return vmsig_client_next_event(c, 20'000'000'000, &e);
}
std::uint64_t settled(vmsig_client* c) {
    vmsig_event e = VMSIG_EVENT_INIT;
    for (int ends = 0; ends < 2;) {
        REQUIRE(next(c, e) == VMSIG_OK);
        ends += e.kind == VMSIG_KIND_REPLAY_END ? 1 : 0;
    }
    std::uint64_t vm = 0;
    REQUIRE(vmsig_client_find(c, "build-7", &vm) == VMSIG_OK);
    return vm;
}

} // namespace

TEST_CASE("c_client: a command, its receipt, its end") {
    served_thread w;
    CHECK(story_of_a_command(w.path().c_str()) == 0);
}
TEST_CASE("c_client: leases: held, waited for, withdrawn, renewed, forced") {
    served_thread w;
    CHECK(story_of_leases(w.path().c_str()) == 0);
}
TEST_CASE("c_client: memory: descriptors, writes, reads, refresh") {
    served_thread w;
    CHECK(story_of_memory(w.path().c_str()) == 0);
}
TEST_CASE("c_client: many commands in flight, with a loop of one's own") {
    served_thread w;
    CHECK(story_of_many_commands(w.path().c_str()) == 0);
}
TEST_CASE("c_client: names, rights, subscriptions") {
    served_thread w;
    CHECK(story_of_what_one_may(w.path().c_str()) == 0);
}
TEST_CASE("c_client: a reset, the epoch, the audit, the statistics") {
    served_thread w;
    CHECK(story_of_an_operator(w.path().c_str()) == 0);
}
TEST_CASE("c_client: to connect again is to begin anew") {
    served_thread w;
    CHECK(story_of_another_connection(w.path().c_str()) == 0);
}

TEST_CASE("c_client: a struct of an older header is taken, one of a newer if it asks no more") {
    served_thread w;
    const c_client c = joined(w);
    const std::uint64_t vm = settled(c.get());
    struct {
        vmsig_acquire_options now = VMSIG_ACQUIRE_OPTIONS_INIT;
        std::uint64_t later = 0;
    } options;
    struct {
        vmsig_acquired now = VMSIG_ACQUIRED_INIT;
        std::uint64_t later = 7, beyond = 7;
    } out;
    options.now.size = sizeof options;
    out.now.size = sizeof out.now + sizeof out.later;
    REQUIRE(vmsig_client_acquire(c.get(), vm, VMSIG_LEASE_INPUT, &options.now, &out.now) ==
            VMSIG_OK);
    CHECK(out.now.serial == 1);
    CHECK(out.now.size == sizeof out.now + sizeof out.later);
    CHECK(out.later == 0);
    CHECK(out.beyond == 7);

    options.later = 1;
    CHECK(vmsig_client_acquire(c.get(), vm, VMSIG_LEASE_INPUT, &options.now, nullptr) ==
          VMSIG_ERROR_ARGUMENT);
    options.now.size = 4; // of no header that there was
    CHECK(vmsig_client_acquire(c.get(), vm, VMSIG_LEASE_INPUT, &options.now, nullptr) ==
          VMSIG_ERROR_ARGUMENT);
    vmsig_event unset{};
    CHECK(vmsig_client_next_event(c.get(), 0, &unset) == VMSIG_ERROR_ARGUMENT);
}

TEST_CASE("c_client: what is null or unknown is said, and changes nothing") {
    vmsig_client* none = nullptr;
    vmsig_event e = VMSIG_EVENT_INIT;
    vmsig_command k = VMSIG_COMMAND_INIT;
    vmsig_memctx m = VMSIG_MEMCTX_INIT;
    CHECK(vmsig_client_connect(nullptr, nullptr, &none, nullptr) == VMSIG_ERROR_ARGUMENT);
    CHECK(vmsig_client_connect("x", nullptr, nullptr, nullptr) == VMSIG_ERROR_ARGUMENT);
    CHECK(vmsig_client_over(-1, nullptr, &none, nullptr) == VMSIG_ERROR_ARGUMENT);
    CHECK(vmsig_client_next_event(nullptr, 0, &e) == VMSIG_ERROR_ARGUMENT);
    CHECK(vmsig_client_receive(nullptr) == VMSIG_ERROR_ARGUMENT);
    CHECK(vmsig_client_dispatch(nullptr, nullptr, nullptr) == VMSIG_ERROR_ARGUMENT);
    CHECK(vmsig_client_fd(nullptr) == -1);
    CHECK(vmsig_client_origin(nullptr) == 0);
    CHECK(vmsig_client_connected(nullptr, nullptr) == 0);
    CHECK(vmsig_client_endpoint_name(nullptr, 1, nullptr, 0) == 0);
    vmsig_memctx_close(nullptr);
    served_thread w;
    const c_client c = joined(w);
    const std::uint64_t vm = settled(c.get());
    CHECK(vmsig_client_submit(c.get(), nullptr, nullptr) == VMSIG_ERROR_ARGUMENT);
    CHECK(vmsig_client_send(c.get(), &k, nullptr) == VMSIG_ERROR_ARGUMENT);
    CHECK(vmsig_client_submit(c.get(), &k, nullptr) == VMSIG_REFUSED_INVALID); // no verb
    k.verb = VMSIG_VERB_INPUT;
    k.change_count = 1;
    CHECK(vmsig_client_submit(c.get(), &k, nullptr) == VMSIG_ERROR_ARGUMENT); // changes: null
    k.change_count = 0;
    k.flags = 1u << 30;
    CHECK(vmsig_client_submit(c.get(), &k, nullptr) == VMSIG_REFUSED_INVALID);
    CHECK(vmsig_client_find(c.get(), nullptr, nullptr) == VMSIG_ERROR_ARGUMENT);
    CHECK(vmsig_client_status(c.get(), vm, VMSIG_LEASE_INPUT, nullptr) == VMSIG_ERROR_ARGUMENT);
    CHECK(vmsig_client_statistics(c.get(), vm, nullptr) == VMSIG_ERROR_ARGUMENT);
    CHECK(vmsig_client_subscribe(c.get(), nullptr) == VMSIG_ERROR_ARGUMENT);
    CHECK(vmsig_client_memctx(c.get(), vm + 9, &m) == VMSIG_REFUSED_DENIED);
    CHECK(m.fds[0] == -1);
    CHECK(vmsig_client_connected(c.get(), nullptr) == 1);
}

TEST_CASE("c_client: a lost connection says why, and every verb is gone") {
    served_thread w;
    const c_client c = joined(w);
    const std::uint64_t vm = settled(c.get());
    const origin_id who{vmsig_client_origin(c.get())};
    w.on_loop([&] { w.bus->detach(who); });
    vmsig_event e = VMSIG_EVENT_INIT;
    vmsig_result last = VMSIG_OK;
    while (last == VMSIG_OK) last = next(c.get(), e);
    CHECK(last == VMSIG_REFUSED_GONE);
    vmsig_client_error why = VMSIG_CLIENT_ERROR_INIT;
    CHECK(vmsig_client_connected(c.get(), &why) == 0);
    CHECK(why.farewell == VMSIG_FAREWELL_DETACHED);
    CHECK(vmsig_client_fd(c.get()) == -1);
    vmsig_memctx m = VMSIG_MEMCTX_INIT;
    CHECK(vmsig_client_memctx(c.get(), vm, &m) == VMSIG_REFUSED_GONE);
    CHECK(vmsig_client_acquire(c.get(), vm, VMSIG_LEASE_INPUT, nullptr, nullptr) ==
          VMSIG_REFUSED_GONE);
    CHECK(vmsig_client_flush(c.get()) == VMSIG_REFUSED_GONE);
    CHECK(vmsig_client_may(c.get(), VMSIG_VERB_RESET, vm) == VMSIG_REFUSED_GONE);
}

TEST_CASE("c_client: a server that says no is told apart from one that is not there") {
    served_thread w;
    w.on_loop([&] { w.gate.rule = [](const peer_identity&) { return std::optional<grant>{}; }; });
    vmsig_client* c = nullptr;
    vmsig_client_error why = VMSIG_CLIENT_ERROR_INIT;
    CHECK(vmsig_client_connect(w.path().c_str(), nullptr, &c, &why) == VMSIG_ERROR_REJECTED);
    CHECK(c == nullptr);
    CHECK(why.farewell == VMSIG_FAREWELL_DENIED);
    CHECK(std::string_view{vmsig_farewell_name(why.farewell)} == "denied");
}

TEST_CASE("c_client: without memory a verb says so, nothing is thrown and nothing leaks") {
    if (!failing_allocations::possible()) VMSIG_SKIP("the sanitizer's operators stay in place");
    served_thread w;
    const std::string path = w.path();
    bool survived = false;
    for (std::uint64_t kth = 1; !survived && kth < 200; ++kth) {
        failing_allocations failing{kth, failing_allocations::lasting::onward};
        vmsig_client* raw = nullptr;
        vmsig_client_error why = VMSIG_CLIENT_ERROR_INIT;
        vmsig_memctx m = VMSIG_MEMCTX_INIT;
        vmsig_event e = VMSIG_EVENT_INIT;
        std::uint64_t vm = 0;
        vmsig_result r = vmsig_client_connect(path.c_str(), nullptr, &raw, &why);
        const c_client c{raw};
        bool ready = false;
        while (r == VMSIG_OK && !ready) {
            r = next(raw, e);
            ready = e.kind == VMSIG_KIND_REPLAY_END;
        }
        if (r == VMSIG_OK) r = vmsig_client_find(raw, "build-7", &vm);
        if (r == VMSIG_OK) r = vmsig_client_memctx(raw, vm, &m);
        if (r == VMSIG_REFUSED_NOT_READY) r = VMSIG_OK; // the other machine's replay came first
        if (r == VMSIG_OK) r = vmsig_client_acquire(raw, vm, VMSIG_LEASE_INPUT, nullptr, nullptr);
        vmsig_memctx_close(&m);
        const bool failed = failing.hits() != 0;
        failing.heal();
        survived = !failed;
        INFO("allocation " << kth);
        if (failed) {
            CHECK(r == VMSIG_ERROR_MEMORY);
            if (raw) CHECK(vmsig_client_connected(raw, &why) == 0);
            CHECK(why.error == ENOMEM);
        }
    }
    CHECK(survived);
}

TEST_CASE("c_client: what is sent in a callback of dispatch goes with it") {
    int two[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, two) == 0);
    const unique_fd server{two[0]};
    std::byte bytes[512];
    wire::writer to{bytes};
    wire::put_frame(to, wire::welcome{});
    wire::put_event(to, event{}, {}, {});
    REQUIRE(::send(server.get(), bytes, to.size(), MSG_NOSIGNAL) > 0);
    vmsig_client* raw = nullptr;
    REQUIRE(vmsig_client_over(two[1], nullptr, &raw, nullptr) == VMSIG_OK);
    const c_client c{raw};
    const auto ask = [](void*, vmsig_client* bus, const vmsig_event*) {
        vmsig_command status = VMSIG_COMMAND_INIT;
        status.verb = VMSIG_VERB_STATUS;
        std::uint32_t request = 0;
        return vmsig_client_send(bus, &status, &request) == VMSIG_OK ? 0 : 1;
    };
    REQUIRE(vmsig_client_dispatch(raw, ask, nullptr) == VMSIG_OK);
    int submits = 0;
    for (ssize_t n = 0; (n = ::recv(server.get(), bytes, sizeof bytes, MSG_DONTWAIT)) > 0;) {
        std::span<const std::byte> rest{bytes, static_cast<std::size_t>(n)};
        for (wire::frame_view f; !rest.empty() && wire::next_frame(rest, f);)
            submits += f.type == wire::frame_type::submit ? 1 : 0;
    }
    CHECK(submits == 1);
}

TEST_CASE("c_client: its words are those of the bus") {
    CHECK(std::string_view{vmsig_result_name(VMSIG_OK)} == "ok");
    CHECK(std::string_view{vmsig_result_name(VMSIG_REFUSED_HELD)} == "held");
    CHECK(std::string_view{vmsig_result_name(VMSIG_REFUSED_AUDIT_UNAVAILABLE)} ==
          "audit_unavailable");
    CHECK(std::string_view{vmsig_result_name(VMSIG_NOT_YET)} == "not_yet");
    CHECK(std::string_view{vmsig_result_name(VMSIG_ERROR_MEMORY)} == "memory");
    CHECK(std::string_view{vmsig_result_name(1000)}.empty());
    CHECK(std::string_view{vmsig_verb_name(VMSIG_VERB_SNAPSHOT_RESTORE)} == "snapshot_restore");
    CHECK(std::string_view{vmsig_outcome_name(VMSIG_OUTCOME_ADAPTER_FAULT)} == "adapter_fault");
    CHECK(std::string_view{vmsig_failure_name(VMSIG_FAILURE_OUTSIDE_RAM)} == "outside_ram");
    CHECK(std::string_view{vmsig_lease_class_name(VMSIG_LEASE_MEMWRITE)} == "memwrite");
    CHECK(std::string_view{vmsig_lease_end_name(VMSIG_LEASE_END_FORCED)} == "forced");
    CHECK(std::string_view{vmsig_transition_name(VMSIG_TRANSITION_MIGRATED_IN)} == "migrated_in");
    CHECK(std::string_view{vmsig_vm_state_name(VMSIG_VM_CRASHED)} == "crashed");
    CHECK(std::string_view{vmsig_verb_name(256 + VMSIG_VERB_INPUT)}.empty());
    CHECK(vmsig_client_version() >= 0x000100);
}
