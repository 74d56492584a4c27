// Rule: when a system call fails under a KVM machine, construction says which, a command fails with
// its errno, an interruption changes nothing; nothing is leaked, and the machine boots again.
#ifdef VMSIG_TEST_KVM

#include <kvm/machine.hpp>

#include <poll.h>

#include <vmsig/kvm/machine.hpp>

#include "construction.hpp"
#include "stage.hpp"

using namespace vmsig;
using namespace vmsig::test;

namespace {

constexpr kvm::vm_options small{.low_ram = kvm::min_ram_bytes, .high_ram = kvm::min_ram_bytes};

/// A machine on a bus, powered off, and a control that holds the power lease.
struct scene {
    scene() {
        machine.plug_into(bus, vm);
        me = bus.attach(ears, grant{}.on(vm).allow(everything));
        settle(bus);
        power = me.acquire(vm, lease_class::power).lease;
        memory = me.acquire(vm, lease_class::memwrite).lease;
        settle(bus);
    }
    ~scene() { me.detach(); }

    template <class Reached>
    bool until(Reached&& reached) {
        for (unsigned turns = 0; turns < 20'000; ++turns) {
            if (reached()) return true;
            pollfd p{bus.fd(), POLLIN, 0};
            ::poll(&p, 1, 1);
            bus.dispatch();
        }
        return false;
    }
    receipt run(trial& t, const command& c) {
        ears.last = {};
        t.expect(me.submit(c).why == refusal::none, "a command was refused");
        t.expect(until([&] { return ears.last.outcome != outcome::none; }), "no receipt");
        return ears.last;
    }
    receipt run(trial& t, verb v) { return run(t, vmsig::power(power, v)); }
    /// Off and on again; its memory is published.
    bool boots(trial& t) {
        (void)run(t, verb::power_off);
        const unsigned before = ears.count(kind::memctx_published);
        return run(t, verb::start).outcome == outcome::done &&
               until([&] { return ears.count(kind::memctx_published) != before; }) &&
               bus.state_of(vm) == vm_state::running && me.memctx(vm).has_value();
    }

    kvm::machine machine{small};
    listener ears;
    stage_core bus;
    endpoint_id vm = bus.add_endpoint("vm");
    control_handle me;
    lease power;
    lease memory;
};

void make_one() { const kvm::machine machine{small}; }
/// What fails while it is made is the last call. That it can be made afterwards is shown by the
/// trial that no longer meets the fault.
constexpr extent making{.onward = false};

struct step {
    std::uint64_t request;
    const char* name;
};
void sweep_making(std::initializer_list<step> steps) {
    for (const step& s : steps)
        sweep(
            "ioctl", s.request, [&s](trial& t) { expect_made_or_told(t, s.name, make_one, false); },
            making);
}

/// Loading an incarnation fails with the errno, and the next one is loaded.
void sweep_loading(std::string_view function, std::uint64_t which) {
    const auto live = [](trial& t) {
        scene s;
        t.arm();
        const receipt started = s.run(t, verb::start);
        const bool failed = t.hit() && t.code() != EINTR;
        if (failed) {
            t.expect(started.outcome == outcome::failed && started.failure == failure::io,
                     "another outcome");
            t.expect(started.error == t.code(), "another errno");
            t.expect(s.ears.state == vm_state::crashed, "not told of the crash");
        } else {
            t.expect(started.outcome == outcome::done, "failed without a cause");
        }
        t.heal();
        t.expect(s.boots(t), "afterwards it does not boot");
    };
    sweep(function, which, live, making);
}

} // namespace

TEST_CASE("a KVM machine that can not be made says which call failed, and is made the next time") {
    VMSIG_NEEDS_KVM();
    const auto make = [](std::string_view operation) {
        return [operation](trial& t) { expect_made_or_told(t, operation, make_one, false); };
    };
    sweep("memfd_create", call_site::any, make("memfd_create"), making);
    sweep("ftruncate", call_site::any, make("ftruncate"), making);
    sweep("open", call_site::any, make("open"), making);
    sweep("mmap", call_site::any, make("mmap"), making);
    sweep("fcntl", add_seals, make("F_ADD_SEALS"), making);
    sweep("madvise", call_site::any, make("MADV_DONTFORK"), making);
    sweep("eventfd", call_site::any, make("eventfd"), making);
    sweep("pthread_create", call_site::any, make("pthread_create"), making);
}

TEST_CASE("each call that sets a virtual machine up fails by its name, and leaves none behind") {
    VMSIG_NEEDS_KVM();
    sweep_making({{KVM_GET_API_VERSION, "KVM_GET_API_VERSION"},
                  {KVM_CHECK_EXTENSION, "KVM_CAP_"},
                  {KVM_CREATE_VM, "KVM_CREATE_VM"},
                  {KVM_SET_TSS_ADDR, "KVM_SET_TSS_ADDR"},
                  {KVM_CREATE_IRQCHIP, "KVM_CREATE_IRQCHIP"},
                  {KVM_CREATE_PIT2, "KVM_CREATE_PIT2"},
                  {KVM_GET_IRQCHIP, "KVM_GET_IRQCHIP"},
                  {KVM_GET_PIT2, "KVM_GET_PIT2"}});
}

TEST_CASE("each call that wires a virtual machine fails by its name, and leaves none behind") {
    VMSIG_NEEDS_KVM();
    sweep_making({{KVM_IRQFD, "KVM_IRQFD"},
                  {KVM_IOEVENTFD, "KVM_IOEVENTFD"},
                  {KVM_SET_USER_MEMORY_REGION, "KVM_SET_USER_MEMORY_REGION"}});
}

TEST_CASE("each call that sets a vCPU up fails by its name, and leaves no machine behind") {
    VMSIG_NEEDS_KVM();
    sweep_making({{KVM_CREATE_VCPU, "KVM_CREATE_VCPU"},
                  {KVM_GET_VCPU_MMAP_SIZE, "KVM_GET_VCPU_MMAP_SIZE"},
                  {kvm_get_supported_cpuid, "KVM_GET_SUPPORTED_CPUID"},
                  {kvm_set_cpuid, "KVM_SET_CPUID2"},
                  {kvm_set_signal_mask, "KVM_SET_SIGNAL_MASK"},
                  {KVM_GET_REGS, "KVM_GET_REGS"},
                  {KVM_GET_SREGS, "KVM_GET_SREGS"},
                  {KVM_GET_FPU, "KVM_GET_FPU"},
                  {KVM_GET_LAPIC, "KVM_GET_LAPIC"},
                  {KVM_GET_DEBUGREGS, "KVM_GET_DEBUGREGS"}});
}

TEST_CASE("a start whose memory or interrupts can not be set fails with errno, the next is done") {
    VMSIG_NEEDS_KVM();
    sweep_loading("lseek", call_site::any);
    for (const std::uint64_t request : {KVM_SET_IRQCHIP, KVM_SET_PIT2})
        sweep_loading("ioctl", request);
}

TEST_CASE("a start whose registers can not be set fails with errno, and the next is done") {
    VMSIG_NEEDS_KVM();
    for (const std::uint64_t request : {KVM_SET_SREGS, KVM_SET_REGS, KVM_SET_FPU, KVM_SET_LAPIC})
        sweep_loading("ioctl", request);
}

TEST_CASE("a start whose events can not be set fails with errno, and the next is done") {
    VMSIG_NEEDS_KVM();
    for (const std::uint64_t request : {KVM_SET_DEBUGREGS, KVM_SET_MP_STATE, KVM_SET_VCPU_EVENTS})
        sweep_loading("ioctl", request);
}

TEST_CASE("a guest that KVM gives up has crashed, and one that is interrupted goes on") {
    VMSIG_NEEDS_KVM();
    const auto live = [](trial& t) {
        scene s;
        t.arm();
        t.expect(s.run(t, verb::start).outcome == outcome::done, "not started");
        const bool harmless = t.code() == EINTR || t.code() == EAGAIN || t.code() == 0;
        const auto published = [&] { return s.ears.count(kind::memctx_published) != 0; };
        if (t.code() == EAGAIN && t.how() == lasting::onward)
            t.expect(s.until([&] { return t.hit(); }), "KVM is not asked to run it");
        else if (harmless)
            t.expect(s.until(published), "an interruption ended it");
        else
            t.expect(s.until([&] { return s.ears.state == vm_state::crashed; }),
                     "not told of the crash");
        t.heal();
        t.expect(s.boots(t), "afterwards it does not boot");
    };
    sweep("ioctl", KVM_RUN, live, {.calls = 4});
}

TEST_CASE("registers that can not be read keep the memory back until a refresh at the latest") {
    VMSIG_NEEDS_KVM();
    const auto live = [](trial& t) {
        scene s;
        t.arm();
        t.expect(s.run(t, verb::start).outcome == outcome::done, "not started");
        const auto published = [&] { return s.ears.count(kind::memctx_published) != 0; };
        t.expect(s.until([&] { return t.hit() || published(); }), "its registers are not read");
        t.heal();
        t.expect(s.me.refresh(s.vm) == refusal::none, "no refresh");
        t.expect(s.until(published) && s.me.memctx(s.vm).has_value(), "no memory to see");
    };
    sweep("ioctl", KVM_GET_SREGS, live, {.calls = 3});
}

TEST_CASE("a probe that can not wait says why, and an interrupted one waits on") {
    VMSIG_NEEDS_KVM();
    const auto live = [](trial& t) {
        t.arm();
        const kvm::probe_result found = kvm::probe(seconds(20));
        if (t.hit() && t.code() != EINTR) {
            t.expect(found.verdict == kvm::probe_verdict::system_fault, "another verdict");
            t.expect(found.error == os_error{t.code(), "poll"}, "another errno");
        } else {
            t.expect(static_cast<bool>(found), "not usable");
        }
    };
    sweep("poll", call_site::any, live, {.calls = 2, .onward = false});
}

TEST_CASE("a status descriptor whose read was interrupted is quiet after the next look") {
    VMSIG_NEEDS_KVM();
    sweep("eventfd_read", [](trial& t) {
        kvm::vm vm{small};
        (void)vm.request_pause();
        const auto readable = [&](int limit_ms) {
            pollfd p{vm.status_fd(), POLLIN, 0};
            return ::poll(&p, 1, limit_ms) > 0;
        };
        t.arm();
        vm.start();
        unsigned started = 0;
        unsigned looks = 0;
        while (looks < 1000 && (started == 0 || vm.state() != kvm::run_state::paused)) {
            looks += readable(10) ? 1 : 0;
            while (const auto record = vm.next_status())
                started += record->kind == kvm::status_kind::started;
        }
        for (looks = 0; looks < 10 && readable(0); ++looks) (void)vm.next_status();
        t.expect(started == 1 && !readable(0), "readable for nothing");
    });
}

#endif
