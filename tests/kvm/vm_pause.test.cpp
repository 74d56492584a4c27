// Pauses stop the vCPU, are counted, and survive a reset.
#include <vmsig/kvm/vm.hpp>

#include "machine.hpp"

using namespace vmsig;
using kvm::run_state;
using kvm::status_kind;
using test::machine;

namespace {

/// The tick of a running guest would move it within 10 ms.
bool stands_still(machine& m) {
    const std::uint64_t before = m.word(STATE_OFFSET(heartbeat));
    for (int i = 0; i < 10; ++i) m.pump(10);
    return m.word(STATE_OFFSET(heartbeat)) == before;
}

bool moves(machine& m) {
    const std::uint64_t before = m.word(STATE_OFFSET(heartbeat));
    return m.wait([&] { return m.word(STATE_OFFSET(heartbeat)) != before; });
}

} // namespace

TEST_CASE("a pause stops the heartbeat and a resume moves it again") {
    VMSIG_NEEDS_KVM();
    machine m;
    REQUIRE(m.boot());
    REQUIRE(m.after([&] { CHECK_FALSE(m.vm.request_pause()); }, status_kind::paused));
    CHECK(m.vm.stopped());
    CHECK(stands_still(m));
    REQUIRE(m.after([&] { m.vm.request_resume(); }, status_kind::resumed));
    CHECK_FALSE(m.vm.stopped());
    CHECK(moves(m));
}

TEST_CASE("pauses nest: the guest goes on when the last one is given back") {
    VMSIG_NEEDS_KVM();
    machine m;
    REQUIRE(m.boot());
    REQUIRE(m.pause());
    CHECK(m.vm.request_pause());
    m.vm.request_resume();
    CHECK(m.vm.stopped());
    CHECK(stands_still(m));
    m.vm.request_resume();
    CHECK(moves(m));
    CHECK(m.count(status_kind::paused) == 1);
}

TEST_CASE("a pause taken before the resumed vCPU has woken is in force at once") {
    VMSIG_NEEDS_KVM();
    machine m;
    REQUIRE(m.boot());
    REQUIRE(m.pause());
    for (int i = 0; i < 1000; ++i) {
        m.vm.request_resume();
        CHECK_FALSE(m.vm.stopped());
        if (!m.vm.request_pause()) REQUIRE(m.wait([&] { return m.vm.stopped(); }));
        CHECK(m.vm.stopped());
    }
}

TEST_CASE("a pause holds the next incarnation") {
    VMSIG_NEEDS_KVM();
    machine m;
    REQUIRE(m.boot());
    REQUIRE(m.pause());
    REQUIRE(m.after([&] { CHECK(m.vm.request_reset()); }, status_kind::was_reset));
    REQUIRE(m.wait([&] { return m.vm.state() == run_state::paused; }));
    CHECK(m.console.find("boot=0002") == std::string::npos);
    m.vm.request_resume();
    CHECK(m.ready(2));
}

TEST_CASE("an owner that does not take records stops the machine, not itself") {
    VMSIG_NEEDS_KVM();
    machine m;
    REQUIRE(m.boot());
    const auto reaches = [&](run_state state) {
        for (int i = 0; i < 200 && m.vm.state() != state; ++i) ::poll(nullptr, 0, 1);
        return m.vm.state() == state;
    };
    bool follows = true; // until there is no room for a record
    for (int i = 0; i < 100 && follows; ++i) {
        m.vm.request_pause();
        follows = reaches(run_state::paused);
        m.vm.request_resume();
        follows = follows && reaches(run_state::running);
    }
    CHECK_FALSE(follows);
    CHECK(moves(m));
    CHECK(m.vm.state() == run_state::running);
}

TEST_CASE("registers are read without a pause") {
    VMSIG_NEEDS_KVM();
    machine m;
    REQUIRE(m.boot());
    for (int i = 0; i < 20; ++i) REQUIRE(m.refresh());
    CHECK(m.count(status_kind::paused) == 0);
    CHECK(m.vm.last_registers().incarnation == 1);
}
