// Rule: when a system call fails under a stub machine or under the bus that it is plugged into,
// each step says so by its own type, nothing is leaked, and the next healthy step works.
#include "stage.hpp"

#include <poll.h>

#include <vmsig/guest/guest_state.hpp>
#include <vmsig/guest/view.hpp>
#include <vmsig/stub/machine.hpp>

#include "construction.hpp"

using namespace vmsig;
using namespace vmsig::test;

namespace {

constexpr stub::machine_options by_hand{.clock = stub::clocking::manual};

/// A machine on a bus, and a control that holds the power and write leases.
struct scene {
    explicit scene(const stub::machine_options& options = by_hand)
        : machine{options} {
        machine.plug_into(bus, vm);
        me = bus.attach(ears, grant{}.on(vm).allow(everything));
        settle(bus);
        power = me.acquire(vm, lease_class::power).lease;
        memory = me.acquire(vm, lease_class::memwrite).lease;
        settle(bus);
    }
    ~scene() { me.detach(); }

    /// The receipt of a command, which must come in this turn.
    receipt run(trial& t, const command& c) {
        ears.last = {};
        t.expect(me.submit(c).why == refusal::none, "a command was refused");
        settle(bus);
        t.expect(ears.last.outcome != outcome::none, "no receipt");
        return ears.last;
    }
    bool does(trial& t, const command& c) { return run(t, c).outcome == outcome::done; }
    /// A word of the guest's state by the bus's own eyes.
    command read() { return read_memory(vm, {VMSIG_GUEST_STATE_ADDRESS, machine.cpu().root}, 8); }

    stub::machine machine;
    listener ears;
    stage_core bus;
    endpoint_id vm = bus.add_endpoint("vm");
    control_handle me;
    lease power;
    lease memory;
};

} // namespace

TEST_CASE("a stub machine that can not be made says which call failed, and is made the next time") {
    const auto make = [](std::string_view operation) {
        return [operation](trial& t) {
            expect_made_or_told(t, operation, [] { const stub::machine machine; });
        };
    };
    sweep("memfd_create", make("memfd_create"));
    sweep("ftruncate", make("ftruncate"));
    sweep("mmap", make("mmap"));
    sweep("fcntl", add_seals, make("F_ADD_SEALS"));
    sweep("pipe2", make("pipe2"));
    sweep("timerfd_create", make("timerfd_create"));
    sweep("timerfd_settime", make("timerfd_settime"));
}

TEST_CASE("a stub machine is plugged in whole or not at all, and the next time whole") {
    sweep("epoll_ctl", EPOLL_CTL_ADD, [](trial& t) {
        stage_core bus;
        const endpoint_id vm = bus.add_endpoint("vm");
        listener ears;
        const control_handle me = bus.attach(ears, grant{}.on(vm).allow(everything));
        settle(bus);
        stub::machine machine;
        t.arm();
        try {
            machine.plug_into(bus, vm);
            t.expect(!t.hit(), "plugged in without its descriptors");
        } catch (const setup_error& e) {
            t.expect(t.hit() && e.fault() == setup_fault::adapter_failed, "another fault");
            t.expect(!machine.plugged(), "half plugged in");
            settle(bus);
            t.expect(ears.count(kind::adapter_attached) == ears.count(kind::adapter_detached),
                     "an adapter stayed");
            t.heal();
            machine.plug_into(bus, vm);
        }
        settle(bus);
        t.expect(machine.plugged(), "not plugged in");
        t.expect(bus.state_of(vm) == vm_state::running, "not running");
        t.expect(me.memctx(vm).has_value(), "no memory to see");
        me.detach();
    });
}

TEST_CASE("an export that fails says so to its control, which gets the memory when it asks again") {
    const auto live = [](trial& t) {
        scene s;
        t.arm();
        auto got = s.me.memctx(s.vm);
        if (!got) {
            settle(s.bus);
            t.expect(got.error() == refusal::not_ready, "another refusal");
            t.expect(s.ears.count(kind::memctx_unavailable) == 1, "not told");
            t.expect(t.hit() && s.ears.unavailable == t.code(), "another errno");
            t.heal();
            t.expect(s.me.refresh(s.vm) == refusal::none, "no refresh");
            settle(s.bus);
            got = s.me.memctx(s.vm);
        }
        t.expect(got && got->fds_included && got->locator.level == export_level::sealed,
                 "afterwards there is no memory");
        if (!got) return;
        const auto view = pread_view::open(got->locator, std::move(got->fds));
        const auto magic = view->read_object<std::uint64_t>(
            {virtual_address{VMSIG_GUEST_STATE_ADDRESS}, got->locator.roots()[0].root});
        t.heal();
        t.expect(magic && *magic == VMSIG_GUEST_STATE_MAGIC, "another memory");
    };
    sweep("open", live);
    sweep("fstat", live);
    sweep("fcntl", F_GETFL, live);
    sweep("fcntl", get_seals, live);
}

TEST_CASE("a descriptor that can be duplicated alone fails as an export when it can not be") {
    sweep("fcntl", F_DUPFD_CLOEXEC, [](trial& t) {
        stub::sealed_memory memory{4096};
        const auto opened = reopen_read_only(memory.fd());
        t.expect(opened.has_value(), "no reader");
        if (!opened) return;
        const unique_fd& reader = *opened;
        struct no_reopening : fd_calls {
            static int open(const char*, int) {
                errno = EACCES;
                return -1;
            }
        };
        t.arm();
        const auto refused = export_ram<no_reopening>(reader.get(), 0);
        if (!refused) {
            t.expect(t.hit() && refused.error().fault == export_fault::system, "another fault");
            t.expect(refused.error().cause == os_error{t.code(), "dup"}, "another errno");
        }
        t.heal();
        t.expect(export_ram<no_reopening>(reader.get(), 0).has_value(), "no export afterwards");
    });
}

TEST_CASE("a read by the bus that fails is a failed receipt with its errno, and the next is done") {
    sweep("pread", [](trial& t) {
        scene s;
        t.arm();
        const receipt r = s.run(t, s.read());
        if (t.hit() && t.code() == EINTR) {
            t.expect(r.outcome == outcome::done, "an interruption is no failure");
        } else if (t.hit()) {
            t.expect(r.outcome == outcome::failed && r.failure == failure::io, "another outcome");
            t.expect(r.error == t.code(), "another errno");
        } else {
            t.expect(r.outcome == outcome::done, "failed without a cause");
        }
        t.heal();
        t.expect(s.does(t, s.read()), "afterwards the bus can not read");
    });
}

TEST_CASE("a view that can not be mapped says why, and is mapped the next time") {
    const auto live = [](trial& t) {
        scene s;
        auto got = s.me.memctx(s.vm);
        t.expect(got.has_value(), "no memctx");
        if (!got) return;
        const int fds[] = {got->fds[0].get(), got->fds[1].get()};
        t.arm();
        auto view = mapped_view::open(got->locator, std::span<const int>{fds});
        if (!view) {
            t.expect(t.hit() && view.error().fault == view_fault::system, "another fault");
            t.expect(view.error().cause.code == t.code(), "another errno");
            t.heal();
            view = mapped_view::open(got->locator, std::span<const int>{fds});
        } else {
            t.expect(!t.hit(), "mapped although a call failed");
        }
        t.expect(view.has_value(), "not mapped afterwards");
        const auto magic = view->read_object<std::uint64_t>(
            {virtual_address{VMSIG_GUEST_STATE_ADDRESS}, got->locator.roots()[0].root});
        t.expect(magic && *magic == VMSIG_GUEST_STATE_MAGIC, "another memory");
    };
    sweep("fcntl", get_seals, live);
    sweep("fstat", live);
    sweep("mmap", live);
}

TEST_CASE("a clock that can not be read keeps the guest waiting, and then it goes on") {
    sweep("read", [](trial& t) {
        scene s{{.period = microseconds(200)}};
        bool healed = false;
        const auto beats = [&] { return s.machine.word(offsetof(vmsig_guest_state, heartbeat)); };
        /// Until it has beaten twice more, or the fault is met that does not end.
        const auto beats_twice = [&] {
            const std::uint64_t from = beats();
            for (unsigned turns = 0; beats() < from + 2 && turns < 100'000; ++turns) {
                if (t.hit() && t.how() == lasting::onward && !healed) return true;
                pollfd p{s.bus.fd(), POLLIN, 0};
                ::poll(&p, 1, 10);
                s.bus.dispatch();
            }
            return beats() >= from + 2;
        };
        t.arm();
        t.expect(beats_twice(), "the guest stands still");
        t.heal();
        healed = true;
        t.expect(beats_twice(), "afterwards the guest stands still");
        t.expect(s.machine.plugged(), "unplugged");
    });
}

TEST_CASE("a machine boots, resets, is written to and unplugged whatever close says") {
    sweep("close", [](trial& t) {
        t.arm();
        scene s;
        t.expect(s.does(t, power(s.power, verb::reset)), "no reset");
        t.expect(s.me.memctx(s.vm).has_value(), "no memory to see");
        t.expect(s.does(t, store(s.memory,
                                 {VMSIG_GUEST_STATE_ADDRESS + offsetof(vmsig_guest_state, mailbox),
                                  s.machine.cpu().root},
                                 1)),
                 "no write");
        t.expect(s.does(t, power(s.power, verb::power_off)), "no power off");
        s.machine.unplug();
        settle(s.bus);
        t.expect(!s.machine.plugged(), "still plugged in");
    });
}
