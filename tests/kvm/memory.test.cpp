// Rule: guest memory is shown sealed and read-only, of one epoch, and written through the seam
// only.
#include <vmsig/kvm/memory.hpp>

#include <array>

#include "plugged.hpp"

using namespace vmsig;
using test::plugged;

namespace {

/// A write of `bytes` at an offset of the state pages.
correlation_id write(plugged& p, std::size_t offset, std::span<const std::byte> bytes,
                     write_mode mode) {
    const auto length = static_cast<std::uint32_t>(bytes.size());
    return p.submit(write_memory(p.memory(), p.at(offset), length, mode), bytes);
}

template <std::size_t N>
std::array<std::byte, N> filled(unsigned value) {
    std::array<std::byte, N> bytes;
    bytes.fill(static_cast<std::byte>(value));
    return bytes;
}

bool failed_of(const receipt& r, failure why) {
    return r.outcome == outcome::failed && r.failure == why && r.bytes == 0;
}

} // namespace

TEST_CASE("the memctx: two regions, one sealed descriptor, tables that lead to the guest's state") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    CHECK(p.level == export_level::sealed);
    CHECK(p.locator.epoch == epoch_number{1});
    CHECK(p.locator.version == version_number{1});
    CHECK(p.locator.paging == paging_mode::x86_64_4_level);
    REQUIRE(p.locator.region_count == 2);
    CHECK(p.locator.regions()[1].start == kvm::high_ram_start);
    REQUIRE(p.locator.root_count == 1);
    CHECK(p.locator.roots()[0].taken.ns > 0);
    CHECK(p.word(STATE_OFFSET(magic)) == VMSIG_GUEST_STATE_MAGIC);
    CHECK(p.word(STATE_OFFSET(boots)) == 1);
    CHECK(p.gpa(0) < p.locator.regions()[0].length);
    CHECK(p.gpa(4096) >= kvm::high_ram_start);
    CHECK(p.heartbeat_moves());
}

TEST_CASE("there is no memctx of a machine that is off") {
    VMSIG_NEEDS_KVM();
    plugged p;
    CHECK(p.me.memctx(p.vm).error() == refusal::not_ready);
    CHECK(p.me.refresh(p.vm) == refusal::none);
    for (int i = 0; i < 10; ++i) p.bus.dispatch();
    CHECK(p.sees.count(kind::memctx_published) == 0);
    CHECK(failed_of(p.run(store(p.memory(), {0x1000, 0}, 1)), failure::unavailable));
}

TEST_CASE("a refresh after the guest switched its root is a new version of the same epoch") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    const memctx_locator before = p.locator;
    REQUIRE(p.ended(p.post(VMSIG_GUEST_SWITCH_ROOT)).outcome == outcome::done);
    REQUIRE(p.until([&] { return p.sees.console().find("cr3 ") != std::string::npos; }));
    CHECK(p.me.refresh(p.vm) == refusal::none);
    REQUIRE(p.until([&] { return p.sees.count(kind::memctx_published) == 2; }));
    REQUIRE(p.look());
    CHECK(p.locator.epoch == before.epoch);
    CHECK(p.locator.version == version_number{2});
    CHECK(p.locator.roots()[0].root != before.roots()[0].root);
    CHECK(p.word(STATE_OFFSET(root_switches)) == 1);
    CHECK(p.sees.count(kind::memctx_invalidated) == 0);
    CHECK(p.mail(77));
}

TEST_CASE("the bus reads for a control, through the same tables") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    const receipt r = p.run(read_memory(p.vm, p.at(STATE_OFFSET(straddle)), 16));
    CHECK(r.outcome == outcome::done);
    CHECK(r.bytes == 16);
}

TEST_CASE("a word in the mailbox is acknowledged by the guest") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    for (std::uint64_t n = 1; n <= 20; ++n) REQUIRE(p.mail(n));
    CHECK(p.word(STATE_OFFSET(mailbox_count)) == 20);
    CHECK(p.word(STATE_OFFSET(kicks)) > 0);           // it did not wait for a tick
    CHECK(p.sees.count(kind::memctx_published) == 1); // nobody asked again
    CHECK(p.sees.count(kind::memory_written) == 20);
}

TEST_CASE("an atomic write that expects something else writes nothing and says what was there") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    for (const std::uint32_t bytes : {1u, 2u, 4u, 8u}) {
        const std::uint64_t all = bytes == 8 ? ~0ull : (1ull << bytes * 8) - 1;
        const memory_at to = p.at(STATE_OFFSET(scratch));
        REQUIRE(p.run(store(p.memory(), to, 0x1122334455667788, 8)).outcome == outcome::done);
        const receipt r = p.run(compare_store(p.memory(), to, 5, 6, bytes));
        CHECK(r.failure == failure::mismatch);
        CHECK(r.value == (0x1122334455667788 & all));
        CHECK(p.word(STATE_OFFSET(scratch)) == 0x1122334455667788);
        CHECK(p.run(compare_store(p.memory(), to, r.value, 6, bytes)).bytes == bytes);
        CHECK((p.word(STATE_OFFSET(scratch)) & all) == 6);
    }
}

TEST_CASE("what cannot be written says why and writes nothing") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    const auto atomic = [&](memory_at to) { return p.run(store(p.memory(), to, 1)); };
    CHECK(failed_of(atomic(p.at(STATE_OFFSET(scratch) + 1)), failure::misaligned));
    CHECK(failed_of(atomic({0xffff'c0de'0000'4000, p.at(0).root}), failure::not_translated));
    CHECK(failed_of(atomic({0x8000'0000'0000'0000, p.at(0).root}), failure::not_translated));
    CHECK(failed_of(atomic({0x8000'0000, 0}), failure::outside_ram));
    CHECK(failed_of(atomic({0x1000, 0x7fff'f000}), failure::outside_ram));

    // The last byte of the second page, and on: nothing is mapped there.
    const auto bytes = filled<4096>(0xee);
    const std::uint64_t last = p.word(sizeof(vmsig_guest_state) - 8);
    for (const write_mode mode : {write_mode::paused, write_mode::best_effort}) {
        const correlation_id id = write(p, sizeof(vmsig_guest_state) - 8, bytes, mode);
        CHECK(failed_of(p.ended(id), failure::not_translated));
        CHECK(p.word(sizeof(vmsig_guest_state) - 8) == last);
    }
    CHECK(p.mail(1));
}

TEST_CASE("a busy guest sees a paused write across two pages whole") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    REQUIRE(p.mail(VMSIG_GUEST_SET_MODE | VMSIG_GUEST_MODE_BUSY));
    CHECK(p.gpa(STATE_OFFSET(pair_low)) / 4096 + 1 != p.gpa(STATE_OFFSET(pair_high)) / 4096);
    for (unsigned n = 1; n <= 200; ++n) {
        const auto bytes = filled<4096>(n);
        const receipt r = p.ended(write(p, STATE_OFFSET(pair_low), bytes, write_mode::paused));
        REQUIRE(r.outcome == outcome::done);
        REQUIRE(r.bytes == 4096);
        REQUIRE(r.mode == write_mode::paused);
        REQUIRE(p.heartbeat_moves());
    }
    CHECK(p.word(STATE_OFFSET(torn)) == 0);
    CHECK(p.word(STATE_OFFSET(pair_low)) == 0xc8c8'c8c8'c8c8'c8c8);
    CHECK(p.word(STATE_OFFSET(pair_high)) == 0xc8c8'c8c8'c8c8'c8c8);
    CHECK(p.sees.told(transition::paused) == 0); // the bus's own pauses are not the machine's state
    CHECK(p.status() == vm_state::running);
}

TEST_CASE("a paused write compares across both pages first") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    const auto at = p.at(STATE_OFFSET(straddle));
    const auto run = [&](const char* bytes_then_expected) {
        command_builder c = write_memory(p.memory(), at, 16, write_mode::paused);
        c.value.compare = true;
        return p.run(c, std::as_bytes(std::span{bytes_then_expected, 32}));
    };
    CHECK(failed_of(run("ACROSS-THE-PAGESacross-the-pageS"), failure::mismatch));
    command_builder eight = compare_store(p.memory(), p.at(STATE_OFFSET(straddle) + 4), 0, 0);
    eight.value.mode = write_mode::paused;
    const receipt r = p.run(eight);
    CHECK(r.failure == failure::mismatch);
    CHECK(std::memcmp(&r.value, "ss-the-p", 8) == 0);
    const auto before = p.peek<std::array<char, 16>>(at);
    CHECK(std::string(before.data(), 16) == "across-the-pages");
    CHECK(run("ACROSS-THE-PAGESacross-the-pages").outcome == outcome::done);
    const auto after = p.peek<std::array<char, 16>>(at);
    CHECK(std::string(after.data(), 16) == "ACROSS-THE-PAGES");
}

TEST_CASE("writes take effect in the order in which they were submitted, whatever their mode") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    REQUIRE(p.mail(VMSIG_GUEST_SET_MODE | VMSIG_GUEST_MODE_BUSY));
    constexpr unsigned count = 120;
    std::vector<correlation_id> ids;
    for (unsigned n = 0; n < count; ++n) {
        constexpr write_mode modes[] = {write_mode::paused, write_mode::atomic, write_mode::paused,
                                        write_mode::best_effort};
        command_builder c = store(p.memory(), p.at(STATE_OFFSET(scratch)), n);
        c.value.mode = modes[n % 4];
        ids.push_back(p.submit(c));
    }
    for (const correlation_id id : ids) CHECK(p.ended(id).outcome == outcome::done);
    for (unsigned n = 1; n < count; ++n) CHECK(p.sees.place(ids[n - 1]) < p.sees.place(ids[n]));
    CHECK(p.word(STATE_OFFSET(scratch)) == count - 1);
    CHECK(p.heartbeat_moves());
}

TEST_CASE("a best-effort write counts its bytes") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    const auto bytes = filled<6000>(0x5a);
    const receipt r = p.ended(write(p, STATE_OFFSET(scratch), bytes, write_mode::best_effort));
    CHECK(r.outcome == outcome::done);
    CHECK(r.bytes == 6000);
    CHECK(p.word(STATE_OFFSET(scratch) + 5992) == 0x5a5a'5a5a'5a5a'5a5a);
}

TEST_CASE("a paused write in a commanded pause leaves that pause in force") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    REQUIRE(p.power(verb::pause).outcome == outcome::done);
    const std::uint64_t before = p.word(STATE_OFFSET(heartbeat));
    const auto bytes = filled<64>(1);
    for (int i = 0; i < 5; ++i)
        CHECK(p.ended(write(p, STATE_OFFSET(scratch), bytes, write_mode::paused)).bytes == 64);
    CHECK(p.word(STATE_OFFSET(heartbeat)) == before);
    CHECK(p.status() == vm_state::paused);
    REQUIRE(p.power(verb::resume).outcome == outcome::done);
    CHECK(p.heartbeat_moves());
    CHECK(p.sees.told(transition::paused) == 1);
}

TEST_CASE("a paused write that a reset overtakes is written whole before it or not at all") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    unsigned written = 0;
    for (unsigned boots = 2; boots <= 12; ++boots) {
        const memory_at physical{p.gpa(STATE_OFFSET(scratch)), 0};
        const auto bytes = filled<256>(boots);
        const command c = write_memory(p.memory(), physical, 256, write_mode::paused);
        const correlation_id id = p.submit(c, bytes);
        const correlation_id reset = p.submit(p.power_verb(verb::reset));
        const receipt r = p.ended(id);
        CHECK(p.ended(reset).outcome == outcome::done);
        REQUIRE(p.ready(boots));
        // The new incarnation has its state elsewhere.
        const bool there = p.peek<std::array<std::byte, 256>>(physical) == bytes;
        CHECK(there == (r.outcome == outcome::done));
        CHECK((r.outcome == outcome::done || failed_of(r, failure::unavailable) ||
               r.outcome == outcome::stale_epoch));
        written += there;
    }
    INFO(written << " of 11 were written");
    CHECK(p.mail(1)); // no pause was left behind
}

TEST_CASE("a write of the new epoch waits for the reset that began it, and is in the new memory") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    const memory_at physical{p.gpa(STATE_OFFSET(scratch)), 0};
    correlation_id early;
    p.sees.script = [&](const event& e, control_handle bus) {
        if (e.is(kind::epoch_changed)) early = bus.submit(store(p.memory(), physical, 7)).id;
    };
    CHECK(p.power(verb::reset).outcome == outcome::done);
    p.sees.script = {};
    REQUIRE(early);
    CHECK(p.ended(early).outcome == outcome::done);
    CHECK(p.peek<std::uint64_t>(physical) == 7);
}

TEST_CASE("an epoch that somebody else raised ends a paused write and shows the same memory") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    struct {
        adapter_handle bus;
        void on_attach(adapter_handle b) { bus = b; }
    } sensor;
    const adapter_id other = p.bus.attach_adapter(sensor, p.vm);
    REQUIRE(p.mail(VMSIG_GUEST_SET_MODE | VMSIG_GUEST_MODE_BUSY));
    const std::uint64_t root = p.locator.roots()[0].root;
    const auto bytes = filled<64>(9);
    const correlation_id id = write(p, STATE_OFFSET(scratch), bytes, write_mode::paused);
    p.bus.dispatch(); // begun: it waits for the vCPU to stop
    CHECK(sensor.bus.emit(lifecycle{transition::memory_replaced, cause::host}));
    CHECK(failed_of(p.ended(id), failure::unavailable));
    REQUIRE(p.until([&] { return p.sees.count(kind::memctx_published) == 2; }));
    REQUIRE(p.look());
    CHECK(p.locator.epoch == epoch_number{2});
    CHECK(p.locator.roots()[0].root == root);
    CHECK(p.word(STATE_OFFSET(scratch)) == 0);
    CHECK(p.heartbeat_moves());
    CHECK(p.mail(1));
    p.bus.detach(other);
}

TEST_CASE("a machine that is unplugged in the middle of a paused write goes on") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    REQUIRE(p.mail(VMSIG_GUEST_SET_MODE | VMSIG_GUEST_MODE_BUSY));
    const auto bytes = filled<64>(9);
    const correlation_id id = write(p, STATE_OFFSET(scratch), bytes, write_mode::paused);
    p.bus.dispatch();
    p.machine.unplug();
    CHECK(p.ended(id).outcome == outcome::adapter_fault);
    p.machine.plug_into(p.bus, p.vm);
    REQUIRE(p.until([&] { return p.look(); }));
    CHECK(p.word(STATE_OFFSET(scratch)) == 0);
    CHECK(p.heartbeat_moves());
}

TEST_CASE("what was queued for memory before a reset is stale after it") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    const correlation_id late =
        p.submit(store(p.memory(), p.at(STATE_OFFSET(mailbox)), 0x77).delayed(seconds(60)));
    const std::size_t mark = p.sees.seen.size();
    CHECK(p.power(verb::reset).outcome == outcome::done);
    CHECK(p.ended(late).outcome == outcome::stale_epoch);
    const std::size_t invalid = p.sees.place(kind::memctx_invalidated, mark);
    const std::size_t raised = p.sees.place(kind::epoch_changed, mark);
    const std::size_t happened = p.sees.place(kind::lifecycle, mark);
    CHECK(invalid < raised);
    CHECK(raised < happened);
    REQUIRE(p.ready(2));
    CHECK(p.sees.place(kind::memctx_published, mark) > happened);
    CHECK(p.locator.epoch == epoch_number{2});
    CHECK(p.word(STATE_OFFSET(boots)) == 2);
    CHECK(p.word(STATE_OFFSET(mailbox)) == 0);
}
