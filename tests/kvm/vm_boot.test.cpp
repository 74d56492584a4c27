// The guest boots, lives, and shows itself through its memory alone.
#include <vmsig/kvm/vm.hpp>

#include <cstring>

#include "machine.hpp"

using namespace vmsig;
using kvm::run_state;
using kvm::status_kind;
using test::machine;

TEST_CASE("a machine is off until it is started") {
    VMSIG_NEEDS_KVM();
    machine m;
    CHECK(m.vm.state() == run_state::off);
    CHECK(m.vm.stopped());
    CHECK(m.vm.last_registers().incarnation == 0);
    CHECK_FALSE(m.vm.next_status());
    CHECK_FALSE(m.vm.request_reset());
    CHECK_FALSE(m.vm.request_power_off());
    CHECK_FALSE(m.vm.request_registers());
}

TEST_CASE("the guest boots and its state is found through its page tables") {
    VMSIG_NEEDS_KVM();
    machine m;
    REQUIRE(m.boot());
    CHECK_FALSE(m.vm.start());
    CHECK(m.vm.state() == run_state::running);
    CHECK(m.vm.last_registers().paging() == paging_mode::x86_64_4_level);
    CHECK(m.word(STATE_OFFSET(magic)) == VMSIG_GUEST_STATE_MAGIC);
    CHECK(m.word(STATE_OFFSET(boots)) == 1);
    CHECK(m.wait([&] { return m.bells > 0; }));
}

TEST_CASE("the state pages are apart: one low, one above 4 GiB, and text crosses them") {
    VMSIG_NEEDS_KVM();
    machine m;
    REQUIRE(m.boot());
    CHECK(m.gpa(0) < m.vm.regions()[0].length);
    CHECK(m.gpa(4096) >= kvm::high_ram_start);
    const auto text = m.read<std::array<char, 16>>(STATE_OFFSET(straddle));
    CHECK(std::memcmp(text.data(), "across-the-pages", text.size()) == 0);
}

TEST_CASE("the heartbeat moves") {
    VMSIG_NEEDS_KVM();
    machine m;
    REQUIRE(m.boot());
    const std::uint64_t before = m.word(STATE_OFFSET(heartbeat));
    CHECK(m.wait([&] { return m.word(STATE_OFFSET(heartbeat)) > before + 3; }));
}

TEST_CASE("a switch of the address space is seen after parking: same address, other pages") {
    VMSIG_NEEDS_KVM();
    machine m;
    REQUIRE(m.boot());
    const auto before = m.vm.last_registers();
    const std::uint64_t page = m.gpa(0);
    REQUIRE(m.mail(VMSIG_GUEST_SWITCH_ROOT));
    REQUIRE(m.says("cr3 "));
    REQUIRE(m.says("mailbox "));
    REQUIRE(m.pause());
    CHECK(m.vm.last_registers().root() != before.root());
    CHECK(m.gpa(0) != page);
    CHECK(m.word(STATE_OFFSET(root_switches)) == 1);
    CHECK(m.word(STATE_OFFSET(mailbox_seen)) == VMSIG_GUEST_SWITCH_ROOT);
}

TEST_CASE("RAM sizes outside the limits are refused") {
    VMSIG_NEEDS_KVM();
    for (const kvm::vm_options& bad :
         {kvm::vm_options{.low_ram = 4096}, kvm::vm_options{.low_ram = kvm::min_ram_bytes + 1},
          kvm::vm_options{.high_ram = kvm::max_ram_bytes + 4096}}) {
        const auto made = kvm::vm::create(bad);
        REQUIRE_FALSE(made);
        CHECK(made.error().code == EINVAL);
        CHECK_THROWS_AS(kvm::vm{bad}, std::system_error);
    }
    CHECK(machine{{.low_ram = kvm::min_ram_bytes}}.boot());
}
