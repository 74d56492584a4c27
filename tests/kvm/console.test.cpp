// Rule: what a guest prints comes as events, all of it, in pieces, and however much it prints the
// loop stays with everybody.
#include <vmsig/kvm/console.hpp>

#include <algorithm>

#include "plugged.hpp"

using namespace vmsig;
using test::plugged;

TEST_CASE("the guest's first words") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    CHECK(p.until([&] { return p.sees.console().starts_with("ready boot=0001 cr3="); }));
}

TEST_CASE("a flood is told in bounded pieces, and nothing of it is lost while somebody listens") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    constexpr std::uint32_t bytes = 40'000; // the machine keeps 64 KiB
    std::size_t before = p.sees.seen.size();
    std::size_t most = 0;
    REQUIRE(p.ended(p.post(VMSIG_GUEST_FLOOD | bytes)).outcome == outcome::done);
    REQUIRE(p.until([&] {
        most = std::max(most, p.sees.count(kind::console_output, before));
        before = p.sees.seen.size();
        return p.word(STATE_OFFSET(mailbox_seen)) == (VMSIG_GUEST_FLOOD | bytes);
    }));
    REQUIRE(p.until([&] { return p.sees.console().find("mailbox 464c") != std::string::npos; }));
    const std::string all = p.sees.console();
    CHECK(std::count(all.begin(), all.end(), '#') == bytes);
    CHECK(p.machine.counters().console_dropped == 0);
    CHECK(most <= 2 * 64);
    for (const event& e : p.sees.seen)
        if (const auto* c = e.as<console_output>()) CHECK(c->size <= c->text.size());
}

TEST_CASE("output that nobody took while the loop stood still is told in several turns") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    constexpr std::uint32_t bytes = 30'000;
    REQUIRE(p.ended(p.post(VMSIG_GUEST_FLOOD | bytes)).outcome == outcome::done);
    // Looks at the memory only: the loop does not turn.
    while (p.word(STATE_OFFSET(mailbox_seen)) != (VMSIG_GUEST_FLOOD | bytes)) ::poll(nullptr, 0, 1);
    std::size_t turns = 0;
    REQUIRE(p.until([&] {
        const std::string all = p.sees.console();
        ++turns;
        return std::count(all.begin(), all.end(), '#') == bytes;
    }));
    CHECK(turns > 2);
}
