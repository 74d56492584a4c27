// Resets, power and faults: the old incarnation has stopped before the owner hears of it, and the
// new one does not run before the owner says so.
#include <vmsig/kvm/vm.hpp>

#include "machine.hpp"

using namespace vmsig;
using kvm::run_state;
using kvm::status_kind;
using kvm::stop_cause;
using test::machine;

TEST_CASE("a reset by the host begins a new incarnation, in RAM that is kept") {
    VMSIG_NEEDS_KVM();
    machine m;
    REQUIRE(m.boot());
    const auto before = m.vm.last_registers();
    REQUIRE(m.after([&] { CHECK(m.vm.request_reset()); }, status_kind::was_reset));
    CHECK(m.last(status_kind::reset_requested)->incarnation == 1);
    CHECK(m.last(status_kind::was_reset)->incarnation == 2);
    CHECK(m.last(status_kind::was_reset)->cause == stop_cause::host);
    REQUIRE(m.ready(2));
    CHECK(m.word(STATE_OFFSET(boots)) == 2);
    CHECK(m.vm.last_registers().root() != before.root());
    CHECK(m.vm.last_registers().incarnation == 2);
}

TEST_CASE("a guest that resets itself waits for the owner") {
    VMSIG_NEEDS_KVM();
    machine m;
    REQUIRE(m.boot());
    m.proceed_at_once = false;
    REQUIRE(m.after([&] { m.mail(VMSIG_GUEST_RESET); }, status_kind::reset_requested));
    CHECK(m.last(status_kind::reset_requested)->cause == stop_cause::guest);
    CHECK(m.vm.state() == run_state::at_reset);
    CHECK(m.vm.stopped());
    const std::uint64_t heartbeat = m.word(STATE_OFFSET(heartbeat));
    m.vm.proceed(2);
    m.vm.proceed(0);
    for (int i = 0; i < 10; ++i) m.pump(10);
    CHECK(m.word(STATE_OFFSET(heartbeat)) == heartbeat);
    CHECK(m.count(status_kind::was_reset) == 0);
    m.vm.proceed(1);
    CHECK(m.ready(2));
    m.vm.proceed(1);
    CHECK(m.last(status_kind::was_reset)->cause == stop_cause::guest);
    CHECK(m.count(status_kind::was_reset) == 1);
}

TEST_CASE("a host's reset of a guest that stands at its own is one reset") {
    VMSIG_NEEDS_KVM();
    machine m;
    REQUIRE(m.boot());
    m.proceed_at_once = false;
    REQUIRE(m.after([&] { m.mail(VMSIG_GUEST_RESET); }, status_kind::reset_requested));
    CHECK(m.vm.request_reset());
    m.vm.proceed(1);
    REQUIRE(m.ready(2));
    CHECK(m.count(status_kind::reset_requested) == 1);
    CHECK(m.last(status_kind::was_reset)->cause == stop_cause::host);
}

TEST_CASE("no memory is written between two incarnations") {
    VMSIG_NEEDS_KVM();
    machine m;
    REQUIRE(m.boot());
    m.proceed_at_once = false;
    REQUIRE(m.after([&] { m.vm.request_reset(); }, status_kind::reset_requested));
    const std::uint64_t gpa = m.gpa(STATE_OFFSET(scratch));
    const std::byte byte{1};
    CHECK(m.vm.write_stopped(gpa, {&byte, 1}));
    m.vm.proceed(1);
    while (m.vm.state() == run_state::at_reset) {
        const auto wrote = m.vm.store(gpa, {&byte, 1});
        if (m.vm.state() == run_state::at_reset) CHECK(wrote.error() == kvm::memory_error::off);
    }
    CHECK(m.ready(2));
}

TEST_CASE("resets in a row") {
    VMSIG_NEEDS_KVM();
    machine m;
    REQUIRE(m.boot());
    for (unsigned boots = 2; boots <= 10; ++boots) {
        if (boots % 2 == 0)
            m.vm.request_reset();
        else
            REQUIRE(m.mail(VMSIG_GUEST_RESET));
        REQUIRE(m.ready(boots));
    }
    CHECK(m.count(status_kind::was_reset) == 9);
}

TEST_CASE("a reset in the middle of an access of the guest does not reach the next incarnation") {
    VMSIG_NEEDS_KVM();
    machine m;
    REQUIRE(m.boot());
    for (unsigned boots = 2; boots <= 20; ++boots) {
        const std::uint64_t before = m.vm.counters().unknown_ports;
        REQUIRE(m.mail(VMSIG_GUEST_STRAY | 1'000'000));
        REQUIRE(m.wait([&] { return m.vm.counters().unknown_ports > before + 70; }));
        REQUIRE(m.vm.request_reset());
        REQUIRE(m.ready(boots));
    }
    CHECK(m.count(status_kind::was_reset) == 19); // no triple fault among them
    CHECK(m.count(status_kind::failed) == 0);
}

TEST_CASE("a triple fault is a reset with its own cause") {
    VMSIG_NEEDS_KVM();
    machine m;
    REQUIRE(m.boot());
    REQUIRE(m.mail(VMSIG_GUEST_TRIPLE_FAULT));
    REQUIRE(m.ready(2));
    CHECK(m.last(status_kind::reset_requested)->cause == stop_cause::triple_fault);
    CHECK(m.last(status_kind::was_reset)->cause == stop_cause::triple_fault);
}

TEST_CASE("the guest powers off, itself or by the button, to start cold") {
    VMSIG_NEEDS_KVM();
    machine m;
    REQUIRE(m.boot());
    REQUIRE(m.after([&] { m.vm.request_reset(); }, status_kind::was_reset));
    REQUIRE(m.ready(2));
    REQUIRE(m.after([&] { m.mail(VMSIG_GUEST_POWER_OFF); }, status_kind::powered_off));
    CHECK(m.last(status_kind::powered_off)->cause == stop_cause::guest);
    CHECK(m.vm.state() == run_state::off);
    CHECK_FALSE(m.vm.request_reset());
    const std::byte byte{};
    CHECK(m.vm.store(0, {&byte, 1}).error() == kvm::memory_error::off);
    CHECK(m.vm.push_keys({}).error() == kvm::key_error::off);

    m.console.clear();
    REQUIRE(m.boot());
    CHECK(m.word(STATE_OFFSET(boots)) == 1);
    CHECK(m.vm.last_registers().incarnation == 3);
    REQUIRE(m.after([&] { m.vm.press_power_button(); }, status_kind::powered_off));
    CHECK(m.console.find("power button") != std::string::npos);
}

TEST_CASE("the host cuts the power, of a running, a paused and a waiting machine") {
    VMSIG_NEEDS_KVM();
    machine m;
    REQUIRE(m.boot());
    REQUIRE(m.after([&] { CHECK(m.vm.request_power_off()); }, status_kind::powered_off));
    CHECK(m.last(status_kind::powered_off)->cause == stop_cause::host);

    m.console.clear();
    REQUIRE(m.boot());
    REQUIRE(m.pause());
    REQUIRE(m.after([&] { m.vm.request_power_off(); }, status_kind::powered_off));
    m.vm.request_resume();

    m.console.clear();
    REQUIRE(m.boot());
    m.proceed_at_once = false;
    REQUIRE(m.after([&] { m.mail(VMSIG_GUEST_RESET); }, status_kind::reset_requested));
    const std::uint64_t stale = m.last(status_kind::reset_requested)->incarnation;
    REQUIRE(m.after([&] { m.vm.request_power_off(); }, status_kind::powered_off));
    m.vm.proceed(stale);
    CHECK(m.vm.state() == run_state::off);
}

TEST_CASE("ports and memory that are not there read as ones and stop nobody") {
    VMSIG_NEEDS_KVM();
    machine m;
    REQUIRE(m.boot());
    REQUIRE(m.mail(VMSIG_GUEST_STRAY));
    // ff + ffff + ffffffff
    CHECK(m.says("stray 00000001000100fd"));
    CHECK(m.acknowledged(VMSIG_GUEST_STRAY));
    CHECK(m.vm.counters().unknown_ports >= 6 + 64);
    CHECK(m.vm.counters().stray_memory >= 2);
}
