// Rule: a verb is done when the machine truly did it, and what the guest does by itself is told
// before it goes on.
#include <vmsig/kvm/host.hpp>

#include "plugged.hpp"

using namespace vmsig;
using test::plugged;

namespace {

bool refused(const receipt& r) {
    return r.outcome == outcome::failed && r.failure == failure::refused_by_vm;
}
bool done(const receipt& r) { return r.outcome == outcome::done; }

std::uint64_t epoch(plugged& p) { return p.bus.epoch_of(p.vm).value; }

} // namespace

TEST_CASE("start, and what means nothing to a machine that is off") {
    VMSIG_NEEDS_KVM();
    plugged p;
    CHECK(p.status() == vm_state::powered_off);
    CHECK(refused(p.power(verb::pause)));
    CHECK(refused(p.power(verb::resume)));
    CHECK(refused(p.power(verb::power_button)));
    CHECK(epoch(p) == 1);
    const receipt r = p.power(verb::start);
    CHECK(done(r));
    CHECK(r.state == vm_state::running);
    CHECK(p.sees.told(transition::started) == 1);
    CHECK(refused(p.power(verb::start)));
    REQUIRE(p.ready(1));
    CHECK(epoch(p) == 1);
    CHECK(p.status() == vm_state::running);
}

TEST_CASE("a destructive verb that the machine refuses leaves a machine that can be started") {
    VMSIG_NEEDS_KVM();
    plugged p;
    CHECK(refused(p.power(verb::reset)));
    CHECK(refused(p.power(verb::power_off)));
    CHECK(epoch(p) == 3);
    CHECK(done(p.power(verb::start)));
    REQUIRE(p.ready(1));
    CHECK(p.locator.epoch == epoch_number{3});
    CHECK(p.mail(1));
}

TEST_CASE("a commanded pause is one, stops the guest, and is undone by one resume") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    REQUIRE(p.mail(VMSIG_GUEST_SET_MODE | VMSIG_GUEST_MODE_BUSY)); // its heart races
    for (int round = 0; round < 5; ++round) {
        CHECK(done(p.power(verb::pause)));
        const std::uint64_t before = p.word(STATE_OFFSET(heartbeat));
        CHECK(done(p.power(verb::pause)));
        CHECK(p.status() == vm_state::paused);
        CHECK(p.bus.state_of(p.vm) == vm_state::paused);
        for (int i = 0; i < 5; ++i) CHECK(p.status() == vm_state::paused);
        CHECK(p.word(STATE_OFFSET(heartbeat)) == before);
        CHECK(done(p.power(verb::resume)));
        CHECK(done(p.power(verb::resume)));
        CHECK(p.status() == vm_state::running);
        CHECK(p.heartbeat_moves());
    }
    CHECK(p.sees.told(transition::paused) == 5);
    CHECK(p.sees.told(transition::resumed) == 5);
    CHECK(epoch(p) == 1);
}

TEST_CASE("verbs of one turn are done one after the other, all of them") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    std::vector<correlation_id> ids;
    for (int i = 0; i < 60; ++i)
        ids.push_back(p.submit(p.power_verb(i % 2 == 0 ? verb::pause : verb::resume)));
    for (const correlation_id id : ids) CHECK(done(p.ended(id)));
    for (std::size_t n = 1; n < ids.size(); ++n)
        CHECK(p.sees.place(ids[n - 1]) < p.sees.place(ids[n]));
    CHECK(p.sees.told(transition::paused) == 30);
    CHECK(p.sees.told(transition::resumed) == 30);
    CHECK(p.heartbeat_moves());
}

TEST_CASE("a commanded reset goes through the machine and raises the epoch once") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    for (unsigned boots = 2; boots <= 6; ++boots) {
        const std::uint64_t before = p.locator.roots()[0].root;
        const std::size_t news = p.sees.seen.size();
        const correlation_id id = p.submit(p.power_verb(verb::reset));
        CHECK(done(p.ended(id)));
        CHECK(p.sees.told(transition::reset) == boots - 1);
        CHECK(p.sees.place(kind::lifecycle, news) < p.sees.place(id));
        CHECK(epoch(p) == boots);
        REQUIRE(p.ready(boots));
        CHECK(p.locator.roots()[0].root != before);
        CHECK(p.locator.epoch == epoch_number{boots});
        CHECK(p.word(STATE_OFFSET(boots)) == boots);
    }
    CHECK(p.sees.told(transition::reset, cause::guest) == 0);
}

TEST_CASE("a guest that resets itself, also by a triple fault, raises the epoch once") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    unsigned boots = 1;
    for (const std::uint64_t word : {VMSIG_GUEST_RESET, VMSIG_GUEST_TRIPLE_FAULT}) {
        REQUIRE(done(p.ended(p.post(word))));
        ++boots;
        REQUIRE(p.until([&] { return p.sees.told(transition::reset, cause::guest) == boots - 1; }));
        REQUIRE(p.ready(boots));
        CHECK(epoch(p) == boots);
        CHECK(p.word(STATE_OFFSET(boots)) == boots);
        CHECK(p.sees.count(kind::memctx_invalidated) == boots - 1);
    }
    CHECK(p.sees.told(transition::reset, cause::host) == 0);
}

TEST_CASE("a reset by the guest is told before the next incarnation begins") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    bool stood_still = false;
    p.sees.script = [&](const event& e, control_handle) {
        if (!e.is(kind::epoch_changed)) return;
        const std::uint64_t before = p.machine.counters().exits;
        ::poll(nullptr, 0, 50); // a boot takes some of them, and many exits
        stood_still = p.machine.counters().exits == before;
    };
    REQUIRE(done(p.ended(p.post(VMSIG_GUEST_RESET))));
    REQUIRE(p.ready(2));
    CHECK(stood_still);
}

TEST_CASE("resets by host and guest at the same time") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    for (int round = 0; round < 10; ++round) {
        const std::size_t mark = p.sees.seen.size();
        const correlation_id mail = p.post(VMSIG_GUEST_RESET);
        const correlation_id id = p.submit(p.power_verb(verb::reset));
        CHECK(done(p.ended(id)));
        p.ended(mail);
        REQUIRE(p.until([&] { return p.sees.count(kind::memctx_published, mark) != 0; }));
        CHECK(p.sees.count(kind::epoch_changed, mark) <= 2);
        // Whatever came when, the machine runs and its memory is of the current epoch.
        REQUIRE(p.until([&] {
            return p.look() && p.locator.epoch.value == epoch(p) &&
                   p.bus.state_of(p.vm) == vm_state::running;
        }));
        REQUIRE(p.mail(static_cast<std::uint64_t>(round) + 1));
    }
}

TEST_CASE("pause, reset and resume in one turn, again and again") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    for (int round = 0; round < 29; ++round) {
        std::vector<correlation_id> ids;
        for (const verb v : {verb::pause, verb::reset, verb::resume})
            ids.push_back(p.submit(p.power_verb(v)));
        for (const correlation_id id : ids) REQUIRE(done(p.ended(id)));
        REQUIRE(p.status() == vm_state::running);
    }
    CHECK(p.bus.epoch_of(p.vm) == epoch_number{30});
    REQUIRE(p.until([&] { return p.look(); })); // how often it got to count its boots is its luck
    CHECK(p.heartbeat_moves());
}

TEST_CASE("verbs that meet a guest that powers off end all the same") {
    VMSIG_NEEDS_KVM();
    plugged p;
    unsigned refusals = 0;
    for (int delay_us = 0; delay_us < 120; delay_us += 4) {
        p.sees.seen.clear();
        REQUIRE(done(p.power(verb::start)));
        REQUIRE(p.ready(1));
        const correlation_id mail = p.post(VMSIG_GUEST_POWER_OFF);
        p.sees.script = [&](const event& e, control_handle) {
            const auto until =
                std::chrono::steady_clock::now() + std::chrono::microseconds(delay_us);
            while (e.correlation == mail && std::chrono::steady_clock::now() < until) continue;
        };
        std::vector<correlation_id> ids;
        for (const verb v : {verb::pause, verb::resume, verb::pause})
            ids.push_back(p.submit(p.power_verb(v)));
        for (const correlation_id id : ids) {
            const receipt r = p.ended(id);
            CHECK((done(r) || refused(r)));
            refusals += refused(r);
        }
        p.sees.script = {};
        if (p.status() == vm_state::paused) CHECK(done(p.power(verb::resume)));
        REQUIRE(p.until([&] { return p.status() == vm_state::powered_off; }));
    }
    INFO(refusals << " of 90 were refused");
    CHECK(p.sees.told(transition::powered_off, cause::guest) == 1);
}

TEST_CASE("a paused machine that is reset stays paused") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    CHECK(done(p.power(verb::pause)));
    CHECK(done(p.power(verb::reset)));
    CHECK(p.status() == vm_state::paused);
    CHECK(p.bus.state_of(p.vm) == vm_state::paused);
    CHECK(p.sees.count(kind::memctx_published) == 1); // the new one has no tables of its own yet
    CHECK(p.sees.console().find("boot=0002") == std::string::npos);
    CHECK(done(p.power(verb::resume)));
    REQUIRE(p.ready(2));
    CHECK(p.sees.told(transition::paused) == 1);
    CHECK(p.sees.told(transition::resumed) == 1);
}

TEST_CASE("power off, by the host, by the button, by the guest, and on again") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    CHECK(done(p.power(verb::power_off)));
    CHECK(p.status() == vm_state::powered_off);
    CHECK(p.sees.told(transition::powered_off) == 1);
    CHECK(epoch(p) == 2);
    CHECK(p.me.memctx(p.vm).error() == refusal::not_ready);

    const auto start_again = [&](std::uint64_t expected_epoch) {
        p.sees.seen.clear();
        CHECK(done(p.power(verb::start)));
        REQUIRE(p.ready(1));
        CHECK(p.word(STATE_OFFSET(boots)) == 1);
        CHECK(p.locator.epoch.value == expected_epoch);
    };
    const auto off_by_guest = [&] {
        return p.until([&] { return p.sees.told(transition::powered_off, cause::guest) == 1; });
    };
    start_again(2);
    CHECK(done(p.power(verb::power_button)));
    CHECK(off_by_guest());
    start_again(3);
    CHECK(done(p.ended(p.post(VMSIG_GUEST_POWER_OFF))));
    CHECK(off_by_guest());
    CHECK(epoch(p) == 4);
    start_again(4);
    CHECK(p.mail(5));
}

TEST_CASE("power off drops the commanded pause and whatever else was asked for") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    CHECK(done(p.power(verb::pause)));
    const auto bytes = std::as_bytes(std::span{p.leases});
    const correlation_id write =
        p.submit(write_memory(p.memory(), p.at(STATE_OFFSET(scratch)),
                              static_cast<std::uint32_t>(bytes.size()), write_mode::paused),
                 bytes);
    CHECK(done(p.power(verb::power_off)));
    CHECK(done(p.ended(write)));
    CHECK(done(p.power(verb::start)));
    REQUIRE(p.ready(1));
    CHECK(p.bus.state_of(p.vm) == vm_state::running);
    CHECK(p.heartbeat_moves());
    CHECK(p.sees.told(transition::resumed) == 0);

    const correlation_id off = p.submit(p.power_verb(verb::power_off));
    const correlation_id reset = p.submit(p.power_verb(verb::reset));
    const correlation_id start = p.submit(p.power_verb(verb::start));
    CHECK(done(p.ended(off)));
    CHECK(refused(p.ended(reset)));
    CHECK(done(p.ended(start)));
    REQUIRE(p.ready(1));
}

TEST_CASE("snapshots are not supported, and a restore that failed shows the same memory again") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    CHECK(p.power(verb::snapshot_save).failure == failure::unsupported);
    const std::uint64_t root = p.locator.roots()[0].root;
    CHECK(p.power(verb::snapshot_restore).failure == failure::unsupported);
    CHECK(epoch(p) == 2);
    REQUIRE(p.until([&] { return p.sees.count(kind::memctx_published) == 2; }));
    REQUIRE(p.look());
    CHECK(p.locator.epoch == epoch_number{2});
    CHECK(p.locator.roots()[0].root == root);
    CHECK(p.mail(1));
    CHECK(p.type(KEY_A).outcome == outcome::done);
}

TEST_CASE("a guest in a storm of resets does not stop the operator") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    p.sees.script = [&](const event& e, control_handle bus) {
        if (!e.is(kind::memctx_published)) return;
        if (p.look()) bus.submit(store(p.memory(), p.at(STATE_OFFSET(mailbox)), VMSIG_GUEST_RESET));
    };
    CHECK(done(p.power(verb::reset)));
    REQUIRE(p.until([&] { return p.sees.told(transition::reset, cause::guest) >= 20; }));
    CHECK(done(p.power(verb::pause)));
    CHECK(done(p.power(verb::power_off)));
    p.sees.script = {};
    CHECK(p.status() == vm_state::powered_off);
    CHECK(done(p.power(verb::start)));
    REQUIRE(p.ready(1));
}
