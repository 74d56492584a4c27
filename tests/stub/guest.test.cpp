// Rule: the scripted guest says the same words at the same address as the tiny KVM guest, does one
// thing at a time, and never lives twice in a row at the same pages.
#include <vmsig/stub/guest.hpp>

#include <support/catch.hpp>

using namespace vmsig;

namespace {

struct powered_guest {
    powered_guest() { program.power_on(); }
    stub::ram memory{stub::min_low_ram, stub::min_high_ram};
    stub::guest program{memory};

    std::uint64_t word(std::size_t offset) const { return program.word(offset); }
    stub::guest_wish mail(std::uint64_t word) {
        program.set(offsetof(vmsig_guest_state, mailbox), word);
        return program.step(false);
    }
    /// By the page tables, as any reader of the memory finds it.
    std::uint64_t walked(std::size_t offset) const {
        const auto writer = memory.writer();
        const auto page = walk_page(writer, writer.regions(), paging_mode::x86_64_4_level,
                                    program.cpu.root, VMSIG_GUEST_STATE_ADDRESS + offset);
        REQUIRE(page);
        CHECK(page->writable);
        CHECK_FALSE(page->user);
        CHECK_FALSE(page->executable);
        std::uint64_t value = 0;
        REQUIRE(writer.read_u64(page->gpa, value));
        return value;
    }
};

} // namespace

TEST_CASE("a boot writes the state page, and the tables lead to it") {
    powered_guest g;
    CHECK(g.walked(offsetof(vmsig_guest_state, magic)) == VMSIG_GUEST_STATE_MAGIC);
    CHECK(g.walked(offsetof(vmsig_guest_state, boots)) == 1);
    CHECK(g.walked(offsetof(vmsig_guest_state, pair_high)) == 0);
    CHECK(g.program.console == "ready boot=0001 cr3=0000000000010000\n");
}

TEST_CASE("each boot and each switch of the root is at other pages") {
    powered_guest g;
    for (int i = 0; i < 40; ++i) {
        const stub::cpu_state before = g.program.cpu;
        if (i % 2 == 0)
            g.program.boot();
        else
            CHECK(g.mail(VMSIG_GUEST_SWITCH_ROOT + static_cast<unsigned>(i)) ==
                  stub::guest_wish::moved);
        CHECK(g.program.cpu.root != before.root);
        CHECK(g.program.cpu.low_page != before.low_page);
        CHECK(g.program.cpu.high_page != before.high_page);
        CHECK(g.walked(offsetof(vmsig_guest_state, magic)) == VMSIG_GUEST_STATE_MAGIC);
    }
    CHECK(g.word(offsetof(vmsig_guest_state, boots)) == 21);
}

TEST_CASE("a switch of the root keeps the state") {
    powered_guest g;
    g.program.step(true);
    g.program.set(offsetof(vmsig_guest_state, pair_high), 77);
    CHECK(g.mail(VMSIG_GUEST_SWITCH_ROOT) == stub::guest_wish::moved);
    CHECK(g.walked(offsetof(vmsig_guest_state, heartbeat)) == 1);
    CHECK(g.walked(offsetof(vmsig_guest_state, pair_high)) == 77);
    CHECK(g.walked(offsetof(vmsig_guest_state, root_switches)) == 1);
}

TEST_CASE("a word in the mailbox is acknowledged once") {
    powered_guest g;
    CHECK(g.mail(5) == stub::guest_wish::nothing);
    CHECK(g.word(offsetof(vmsig_guest_state, mailbox_seen)) == 5);
    CHECK(g.mail(5) == stub::guest_wish::nothing);
    CHECK(g.word(offsetof(vmsig_guest_state, mailbox_count)) == 1);
    CHECK(g.program.console.ends_with("mailbox 0000000000000005\n"));
    CHECK(g.mail(VMSIG_GUEST_RESET) == stub::guest_wish::reset);
    CHECK(g.mail(VMSIG_GUEST_TRIPLE_FAULT) == stub::guest_wish::reset);
    CHECK(g.mail(VMSIG_GUEST_POWER_OFF) == stub::guest_wish::power_off);
}

TEST_CASE("keys are logged, believed, and shown by the caps lock LED") {
    powered_guest g;
    for (const bool down : {true, false}) {
        g.program.keys.push(scancode_bytes_of(KEY_CAPSLOCK, down));
        g.program.keys.push(scancode_bytes_of(KEY_UP, down));
        g.program.step(false);
        CHECK(g.program.holds(KEY_CAPSLOCK) == down);
        CHECK(g.program.holds(KEY_UP) == down);
        CHECK_FALSE(g.program.holds(KEY_KP8)); // the same code without the prefix
    }
    CHECK(g.word(offsetof(vmsig_guest_state, key_count)) == 6);
    CHECK(g.program.leds() == 1u << LED_CAPSL);
    CHECK_FALSE(g.program.holds(KEY_RESERVED));
}

TEST_CASE("a busy guest notices a pair that does not match") {
    powered_guest g;
    CHECK(g.mail(VMSIG_GUEST_SET_MODE | VMSIG_GUEST_MODE_BUSY) == stub::guest_wish::nothing);
    g.program.step(true);
    CHECK(g.word(offsetof(vmsig_guest_state, torn)) == 0);
    g.program.set(offsetof(vmsig_guest_state, pair_low), 1);
    g.program.step(true);
    CHECK(g.word(offsetof(vmsig_guest_state, torn)) == 1);
}

TEST_CASE("the power button is the guest's affair, and so is how much it prints") {
    powered_guest g;
    g.program.press_power_button();
    CHECK(g.program.step(false) == stub::guest_wish::power_off);
    CHECK(g.program.step(false) == stub::guest_wish::nothing);
    for (std::uint32_t i = 0; i < 3; ++i) g.mail(VMSIG_GUEST_FLOOD | (60000 + i));
    CHECK(g.program.console.size() == 64 * 1024);
}
