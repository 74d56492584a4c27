// Keys arrive all and in order, LEDs and text come back, and a flood of text costs only text.
#include <vmsig/kvm/vm.hpp>

#include <array>
#include <vector>

#include "machine.hpp"

using namespace vmsig;
using kvm::key_error;
using kvm::status_kind;
using test::machine;

TEST_CASE("a key goes down and up, and is echoed, logged and announced") {
    VMSIG_NEEDS_KVM();
    machine m;
    REQUIRE(m.boot());
    const std::array<std::uint8_t, 2> a{0x1e, 0x9e};
    REQUIRE(m.after([&] { CHECK(m.vm.push_keys(a)); }, status_kind::keys_taken));
    CHECK(m.vm.waiting_keys() == 0);
    REQUIRE(m.says("key 1e"));
    REQUIRE(m.says("key 9e"));
    CHECK(m.word(STATE_OFFSET(key_count)) == 2);
    const auto log = m.read<std::array<std::uint8_t, 64>>(STATE_OFFSET(key_log));
    CHECK(log[0] == 0x1e);
    CHECK(log[1] == 0x9e);
}

TEST_CASE("a burst much longer than the controller's buffer arrives whole and in order") {
    VMSIG_NEEDS_KVM();
    machine m;
    REQUIRE(m.boot());
    std::vector<std::uint8_t> burst(400);
    for (std::size_t i = 0; i < burst.size(); ++i)
        burst[i] = static_cast<std::uint8_t>(1 + i % 0x30); // no caps lock among them
    REQUIRE(m.vm.push_keys(burst));
    REQUIRE(m.wait([&] { return m.word(STATE_OFFSET(key_count)) == burst.size(); }));
    const auto log = m.read<std::array<std::uint8_t, 64>>(STATE_OFFSET(key_log));
    for (std::size_t i = burst.size() - 64; i < burst.size(); ++i) CHECK(log[i % 64] == burst[i]);
}

TEST_CASE("keys wait for a guest that is not ready, and for a paused one") {
    VMSIG_NEEDS_KVM();
    machine m;
    const std::array<std::uint8_t, 2> b{0x30, 0xb0};
    CHECK(m.vm.push_keys(b).error() == key_error::off);
    REQUIRE(m.after([&] { m.vm.start(); }, status_kind::started));
    REQUIRE(m.vm.push_keys(b));
    REQUIRE(m.ready(1));
    REQUIRE(m.wait([&] { return m.word(STATE_OFFSET(key_count)) == 2; }));

    REQUIRE(m.pause());
    REQUIRE(m.vm.push_keys(b));
    CHECK(m.vm.waiting_keys() == 2);
    m.vm.request_resume();
    CHECK(m.wait([&] { return m.word(STATE_OFFSET(key_count)) == 4; }));
}

TEST_CASE("a full queue takes nothing, and a reset drops what waits") {
    VMSIG_NEEDS_KVM();
    machine m;
    REQUIRE(m.boot());
    REQUIRE(m.pause());
    const std::vector<std::uint8_t> most(kvm::max_waiting_keys_bytes, 0x1e);
    REQUIRE(m.vm.push_keys(most));
    CHECK(m.vm.push_keys(most).error() == key_error::full);
    CHECK(m.vm.waiting_keys() == most.size());
    REQUIRE(m.after([&] { m.vm.request_reset(); }, status_kind::was_reset));
    m.vm.request_resume();
    REQUIRE(m.ready(2));
    CHECK(m.vm.waiting_keys() == 0);
    REQUIRE(m.vm.push_keys(std::array<std::uint8_t, 1>{0x30}));
    REQUIRE(m.wait([&] { return m.word(STATE_OFFSET(key_count)) == 1; }));
    CHECK(m.read<std::uint8_t>(STATE_OFFSET(key_log)) == 0x30);
}

TEST_CASE("caps lock lights its LED, and a reset puts it out") {
    VMSIG_NEEDS_KVM();
    machine m;
    REQUIRE(m.boot());
    const std::array<std::uint8_t, 2> caps{0x3a, 0xba};
    REQUIRE(m.after([&] { CHECK(m.vm.push_keys(caps)); }, status_kind::leds_changed));
    CHECK(m.vm.leds() == 4);
    REQUIRE(m.after([&] { m.vm.request_reset(); }, status_kind::leds_changed));
    CHECK(m.vm.leds() == 0);
}

TEST_CASE("a guest that floods its console loses text, counted, and nothing else") {
    VMSIG_NEEDS_KVM();
    machine m;
    REQUIRE(m.boot());
    const std::uint32_t bytes = 3 * kvm::max_console_bytes / 2;
    REQUIRE(m.mail(VMSIG_GUEST_FLOOD | bytes));
    const std::uint64_t word = VMSIG_GUEST_FLOOD | bytes;
    while (m.word(STATE_OFFSET(mailbox_seen)) != word) ::poll(nullptr, 0, 5); // nothing is read
    CHECK(m.vm.counters().console_dropped >= bytes - kvm::max_console_bytes);
    CHECK(m.vm.counters().console_dropped < bytes);
    m.pump(0);
    CHECK(m.console.size() >= kvm::max_console_bytes);
    m.console.clear();
    REQUIRE(m.mail(7));
    CHECK(m.says("mailbox 0000000000000007"));
}
