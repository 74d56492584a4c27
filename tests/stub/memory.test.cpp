// Rule: the stub's memory adapter writes what it was told, whole, once and behind the fence, says
// why when it does not, and never shows the memory of one epoch as that of another.
#include <vmsig/stub/memory.hpp>

#include "plugged.hpp"

using namespace vmsig;
using namespace vmsig::test;

namespace {

constexpr std::size_t scratch = offsetof(vmsig_guest_state, scratch);
constexpr std::size_t across = offsetof(vmsig_guest_state, straddle);

struct writing : plugged {
    receipt write(memory_at where, std::uint64_t value, std::uint32_t length = 8) {
        return ended(store(of(lease_class::memwrite), where, value, length));
    }
    receipt swap(std::size_t offset, std::uint64_t old, std::uint64_t value) {
        return ended(compare_store(of(lease_class::memwrite), at(offset), old, value));
    }
    receipt write(memory_at where, std::string_view bytes, write_mode mode) {
        const auto length = static_cast<std::uint32_t>(bytes.size());
        return ended(write_memory(of(lease_class::memwrite), where, length, mode),
                     std::as_bytes(std::span{bytes}));
    }
};

} // namespace

TEST_CASE("an atomic store lands, at a virtual address and at a physical one") {
    writing w;
    const receipt r = w.write(w.at(scratch), 0x1122334455667788);
    CHECK(r.outcome == outcome::done);
    CHECK(r.bytes == 8);
    CHECK(w.peek(scratch) == 0x1122334455667788);
    CHECK(w.write({w.machine.cpu().low_page + scratch}, 1, 2).outcome == outcome::done);
    CHECK(w.peek(scratch) == 0x1122334455660001);
    CHECK(w.sees.count(kind::memory_written) == 2);
}

TEST_CASE("a compare-exchange writes where the expected is, and says what was there instead") {
    writing w;
    CHECK(w.swap(scratch, 0, 7).outcome == outcome::done);
    const receipt r = w.swap(scratch, 0, 8);
    CHECK(r.failure == failure::mismatch);
    CHECK(r.value == 7);
    CHECK(w.peek(scratch) == 7);
}

TEST_CASE("longer writes cross pages, and a paused one compares all of it") {
    writing w;
    CHECK(w.write(w.at(across), "ACROSS-THE-PAGES", write_mode::paused).bytes == 16);
    CHECK(w.peek(across + 8) == w.machine.word(across + 8));
    CHECK(w.write(w.at(across), "across-the-pages", write_mode::best_effort).outcome ==
          outcome::done);
    command c = write_memory(w.of(lease_class::memwrite), w.at(across), 16, write_mode::paused);
    c.compare = true;
    const std::string_view right = "0123456789abcdefacross-the-pages";
    const std::string_view wrong = "fedcba9876543210across-the-Pages";
    CHECK(w.ended(c, std::as_bytes(std::span{wrong})).failure == failure::mismatch);
    CHECK(w.ended(c, std::as_bytes(std::span{right})).outcome == outcome::done);
    CHECK(w.peek(across) == 0x3736353433323130);
}

TEST_CASE("what cannot be written says why, and nothing is") {
    writing w;
    const std::uint64_t end = w.machine.ram().low().size();
    CHECK(w.write({end}, 1).failure == failure::outside_ram);
    CHECK(w.write({end - 4}, "12345678", write_mode::paused).failure == failure::outside_ram);
    CHECK(*w.machine.ram().at(end - 4) == std::byte{0});
    CHECK(w.write({~std::uint64_t{0} - 7}, 1).failure == failure::outside_ram);
    CHECK(w.write(w.at(scratch + 1), 1).failure == failure::misaligned);
    CHECK(w.write(w.at(2 * 4096), 1).failure == failure::not_translated);
    CHECK(w.write(w.at(2 * 4096 - 8), "0123456789", write_mode::best_effort).failure ==
          failure::not_translated);
    CHECK(w.peek(2 * 4096 - 8) == 0);
    CHECK(w.write({VMSIG_GUEST_STATE_ADDRESS, 0x123000}, 1).outcome == outcome::failed);
    CHECK(w.sees.count(kind::memory_written) == 0);
    w.power(verb::power_off);
    CHECK(w.write({0}, 1).failure == failure::unavailable);
}

TEST_CASE("a write after a reset is stale, whether it waited in the queue or at the adapter") {
    writing w;
    const bool late = GENERATE(false, true);
    if (late) w.machine.script().completes = stub::completing::on_demand;
    w.machine.script().takes_late = late;
    const correlation_id id = w.submit(store(w.of(lease_class::memwrite), w.at(scratch), 9));
    if (late) w.bus.dispatch();
    w.machine.script().guest_resets = 1;
    w.step();
    CHECK(w.sees.receipt_of(id)->outcome == outcome::stale_epoch);
    CHECK(w.sees.receipt_of(id)->begun == 0);
    w.machine.complete_pending();
    w.settle();
    CHECK(w.sees.receipts_of(id) == 1);
    CHECK(w.peek(scratch) == 0);
}

TEST_CASE("a write that had begun when the guest reset itself is not done in the new epoch") {
    writing w;
    w.machine.script().completes = stub::completing::on_demand;
    command c = store(w.of(lease_class::memwrite), {0x2000}, 9);
    c.mode = GENERATE(write_mode::atomic, write_mode::paused);
    const correlation_id id = w.submit(c);
    w.settle();
    w.machine.script().guest_resets = 1;
    w.step();
    w.machine.complete_pending();
    w.settle();
    CHECK(w.sees.receipt_of(id)->outcome == outcome::failed);
    CHECK(w.sees.receipt_of(id)->begun == 1);
    CHECK(*w.machine.ram().at(0x2000) == std::byte{0});
    w.machine.script().completes = stub::completing::at_once;
    w.step();
    CHECK(w.peek(offsetof(vmsig_guest_state, heartbeat)) == 2); // nothing holds it paused
}

TEST_CASE("the guest does not execute while a paused write is under way") {
    writing w;
    w.machine.script().completes = stub::completing::on_demand;
    command c = store(w.of(lease_class::memwrite), w.at(scratch), 9);
    c.mode = write_mode::paused;
    const correlation_id id = w.submit(c);
    w.settle();
    w.step();
    CHECK(w.machine.word(offsetof(vmsig_guest_state, heartbeat)) == 0);
    w.machine.complete_pending();
    w.step();
    CHECK(w.sees.receipt_of(id)->outcome == outcome::done);
    CHECK(w.machine.word(offsetof(vmsig_guest_state, heartbeat)) == 1);
}

TEST_CASE("a provider that cannot describe or share is unavailable, and a refresh retries") {
    plugged p;
    const bool sharing = GENERATE(false, true);
    (sharing ? p.machine.script().share_error : p.machine.script().describe_error) = EIO;
    CHECK_FALSE(p.me.memctx(p.vm));
    p.settle();
    CHECK(p.sees.last<memctx_unavailable>()->error == EIO);
    p.machine.script() = {};
    CHECK(p.me.refresh(p.vm) == refusal::none);
    p.settle();
    CHECK(p.sees.last<memctx_published>()->version == version_number{2});
    CHECK(p.me.memctx(p.vm));
}

TEST_CASE("a publication of a wrong epoch is dropped") {
    plugged p;
    p.machine.script().publishes_ahead = 1;
    CHECK(p.power(verb::reset).outcome == outcome::done);
    p.step();
    CHECK(p.sees.count(kind::memctx_published) == 1);
    CHECK_FALSE(p.me.memctx(p.vm));
    p.machine.script().publishes_ahead = 0;
    p.step();
    CHECK(p.sees.count(kind::memctx_published) == 2);
    CHECK(p.peek(offsetof(vmsig_guest_state, boots)) == 2);
}

TEST_CASE("a refresh shows the same memory under the next version") {
    plugged p;
    CHECK(p.me.refresh(p.vm) == refusal::none);
    p.settle();
    (void)p.root();
    CHECK(p.locator.epoch == epoch_number{1});
    CHECK(p.locator.version == version_number{2});
}

TEST_CASE("the RAM does not change before the reset of the guest was told") {
    plugged p;
    struct looker {
        void on_event(const event& e, control_handle) {
            const auto* l = e.as<lifecycle>();
            if (!l || l->replayed || l->what != transition::reset) return;
            boots = machine->word(offsetof(vmsig_guest_state, boots));
            epoch = e.epoch;
        }
        stub::machine* machine;
        std::uint64_t boots = 0;
        epoch_number epoch{};
    } agent{&p.machine};
    const attachment attached{p.bus.attach(agent, grant{}.on(p.vm).allow(everything))};
    p.settle();
    p.machine.script().guest_resets = 1;
    p.step();
    CHECK(agent.epoch == epoch_number{2});
    CHECK(agent.boots == 1);
    CHECK(p.machine.word(offsetof(vmsig_guest_state, boots)) == 2);
}

TEST_CASE("a receipt says in its own words why guest memory refused a write") {
    const auto said = [](guest_fault f, int code = 0) { return stub::write_failed({f, 0, code}); };
    CHECK(said(guest_fault::outside_ram).failure == failure::outside_ram);
    CHECK(said(guest_fault::misaligned).failure == failure::misaligned);
    CHECK(said(guest_fault::mismatch).failure == failure::mismatch);
    CHECK(said(guest_fault::bad_length).failure == failure::unsupported);
    CHECK(said(guest_fault::truncated).failure == failure::unavailable);
    CHECK(said(guest_fault::unreadable, EIO).failure == failure::io);
    CHECK(said(guest_fault::unreadable, EIO).error == EIO);
    for (const guest_fault f :
         {guest_fault::unsupported_paging, guest_fault::not_canonical, guest_fault::not_present,
          guest_fault::reserved_bits, guest_fault::not_permitted})
        CHECK(said(f).failure == failure::not_translated);
    CHECK(said(guest_fault::mismatch).outcome == outcome::failed);
}
