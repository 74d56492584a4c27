// steps, input: typing, and a preemption while a key is down. Scancodes are of set 1; bit 7: up.
#pragma once

#include "stage.hpp"

namespace demo {

template <class Machine>
void type(stage<Machine>& s) {
    s.out.step(3, "The agent takes the input lease and types");
    const auto got = s.agent.bus.acquire(s.vm(), lease_class::input, {.reason = "demo"});
    if (!s.out.check(static_cast<bool>(got),
                     fmt::format("input lease, serial {}", got.lease.serial.value)))
        return;
    constexpr int keys = 50;
    s.echo_us.reserve(keys);
    int echoed = 0;
    for (int i = 0; i < keys; ++i) {
        s.agent.clear_text(s.vm());
        const auto pressed = std::chrono::steady_clock::now();
        const auto down = s.agent.bus.submit(vmsig::press(got.lease, KEY_A));
        const bool heard = down && s.w.until([&] {
            return s.agent.text(s.vm()).find("key 1e\n") != std::string::npos;
        });
        const std::chrono::duration<double, std::micro> took =
            std::chrono::steady_clock::now() - pressed;
        const auto up = s.agent.bus.submit(vmsig::release_key(got.lease, KEY_A));
        echoed += heard && up && s.w.until([&] {
            return s.agent.text(s.vm()).find("key 9e\n") != std::string::npos;
        });
        s.echo_us.push_back(took.count());
    }
    s.out.check(echoed == keys, fmt::format("{} keys typed, {} echoed", keys, echoed));
}

template <class Machine>
void preempt(stage<Machine>& s) {
    s.out.step(4, "The operator preempts while the agent holds a key");
    const auto mine = s.agent.bus.acquire(s.vm(), lease_class::input);
    const auto before = s.window.word(offsetof(vmsig_guest_state, key_count));
    const auto down = s.agent.bus.submit(vmsig::press(mine.lease, KEY_LEFTSHIFT));
    s.out.check(down && s.done(s.agent, down.id), "the agent holds shift");
    std::array<vmsig::correlation_id, 3> queued{};
    for (auto& id : queued)
        id = s.agent.bus.submit(vmsig::press(mine.lease, KEY_B).delayed(vmsig::seconds(5))).id;
    const std::size_t mark = s.overseer.mark();
    const auto got = s.overseer.bus.acquire(s.vm(), lease_class::input);
    s.out.check(got && got.lease.serial > mine.lease.serial,
                fmt::format("the operator preempts: serial {} -> {}", mine.lease.serial.value,
                            got.lease.serial.value));
    const auto first =
        s.overseer.bus.submit(vmsig::press(got.lease, KEY_O).hold(vmsig::milliseconds(5)));
    s.out.check(first && s.done(s.overseer, first.id) &&
                    s.overseer.find(kind::lease_granted, s.vm(), mark),
                "and types its first key");
    s.out.check(s.w.until([&] {
        return s.window.word(offsetof(vmsig_guest_state, key_count)) == *before + 4;
    }),
                "the guest saw four scancodes");
    const auto state = s.window.state();
    const auto at = [&](std::uint64_t n) {
        return state->key_log[(*before + n) % VMSIG_GUEST_KEY_LOG];
    };
    s.out.check(state && at(0) == 0x2a && at(1) == 0xaa && at(2) == 0x18 && at(3) == 0x98,
                "shift down, shift up, then the operator's key down and up");
    int lost = 0;
    for (const auto id : queued) lost += s.agent.ended(id, outcome::lease_lost);
    s.out.check(lost == 3, "the agent's queued commands ended in lease_lost");
    const auto again = s.agent.bus.submit(vmsig::press(mine.lease, KEY_C));
    s.out.check(again.why == refusal::not_holder, "with its old serial the agent is refused");
}

} // namespace demo
