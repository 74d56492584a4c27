// steps, input: typing, and a preemption while a key is down. Scancodes are of set 1; bit 7: up.
#include <chrono>

#include "stage.hpp"

namespace demo {

void type(stage& s) {
    s.out.step("The agent takes the input lease and types");
    const auto got = s.agent.bus.acquire(s.vm(), lease_class::input, {.reason = agent_reason});
    if (!s.agent.check(static_cast<bool>(got),
                       fmt::format("input lease, serial {}", got.lease.serial.value)))
        return;
    s.agent_input = got.lease;
    s.total.reserve_echoes(keys_typed);
    const auto echoed = [&](std::string_view scancode) {
        return s.agent.until([&] { return said(s.agent.text(s.vm()), scancode) != 0; });
    };
    int heard = 0;
    for (int i = 0; i < keys_typed; ++i) {
        s.agent.clear_text(s.vm());
        const auto pressed = std::chrono::steady_clock::now();
        const auto down = s.agent.bus.submit(vmsig::press(got.lease, KEY_A));
        const bool went_down = down && echoed("key 1e\n");
        const std::chrono::duration<double, std::micro> took =
            std::chrono::steady_clock::now() - pressed;
        const auto up = s.agent.bus.submit(vmsig::release_key(got.lease, KEY_A));
        heard += went_down && up && echoed("key 9e\n");
        s.total.add_echo(took.count());
    }
    s.agent.check(heard == keys_typed, fmt::format("{} keys typed, {} echoed", keys_typed, heard));
    s.operator_plays(cue::watch);
}

void preempt(stage& s) {
    s.out.step("The operator preempts while the agent holds a key");
    const vmsig::lease mine = s.agent_input;
    const auto before = s.window.word(offsetof(vmsig_guest_state, key_count));
    const auto down = s.agent.bus.submit(vmsig::press(mine, KEY_LEFTSHIFT));
    if (!s.agent.check(before && s.agent.done(down), "holds shift")) return;
    std::array<vmsig::correlation_id, 3> queued{};
    for (auto& id : queued)
        id = s.agent.bus.submit(vmsig::press(mine, KEY_B).delayed(vmsig::seconds(5))).id;

    if (!s.operator_plays(cue::preempt)) return;

    s.check(s.operator_has(lease_class::input), "the input lease is the operator's");
    s.agent.check(s.agent.until([&] {
        return s.window.word(offsetof(vmsig_guest_state, key_count)) == *before + 4;
    }),
                  "the guest saw four scancodes");
    const auto state = s.window.state();
    const auto at = [&](std::uint64_t n) {
        return state->key_log[(*before + n) % VMSIG_GUEST_KEY_LOG];
    };
    s.agent.check(state && at(0) == 0x2a && at(1) == 0xaa && at(2) == 0x18 && at(3) == 0x98,
                  "shift down, shift up, then the operator's key down and up");
    int lost = 0;
    for (const auto id : queued) lost += s.agent.ended(id, outcome::lease_lost);
    s.agent.check(lost == 3, "its queued commands ended in lease_lost");
    const auto again = s.agent.bus.submit(vmsig::press(mine, KEY_C));
    s.agent.check(again.why == refusal::not_holder, "with its old serial it is refused");
}

void let_go(stage& s) {
    s.out.step("The operator lets go and leaves, and the agent drives again");
    if (!s.operator_plays(cue::let_go)) return;
    s.overseer->leave();
    const auto free = [&](lease_class c) { return !s.w.bus.lease_of(s.vm(), c).owner.who; };
    s.check(free(lease_class::input) && free(lease_class::power), "its leases are free");
    const auto got = s.agent.bus.acquire(s.vm(), lease_class::input);
    s.agent.clear_text(s.vm());
    const auto key =
        s.agent.bus.submit(vmsig::press(got.lease, KEY_A).hold(vmsig::milliseconds(5)));
    s.agent.check(
        got && s.agent.done(key) &&
            s.agent.until([&] { return said(s.agent.text(s.vm()), "key 9e\n") != 0; }),
        fmt::format("input lease, serial {}, and a key is echoed", got.lease.serial.value));
}

} // namespace demo
