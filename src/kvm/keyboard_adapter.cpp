// From evdev frames to scancode bytes.
#include <vmsig/kvm/keyboard.hpp>

#include <array>
#include <utility>

#include <vmsig/guest/scancodes.hpp>
#include <vmsig/input/frame.hpp>

namespace vmsig::kvm {

namespace {

constexpr std::size_t longest_frame_bytes = max_frame_changes * sizeof(scancode_bytes::byte);
static_assert(longest_frame_bytes <= max_waiting_keys_bytes);

std::span<const std::uint8_t> bytes_of(const scancode_bytes& s) { return {s.begin(), s.end()}; }

} // namespace

keyboard_adapter::keyboard_adapter(vm& machine, const incarnation& guest)
    : vm_{machine}
    , guest_{guest} {
    for (std::uint16_t key = 0; key < BTN_MISC; ++key)
        if (scancode_of(key)) codes_.add(EV_KEY, key);
}

void keyboard_adapter::on_detached() {
    bus_ = {};
    waiting_.clear();
    owes_room_ = false;
}

void keyboard_adapter::execute(fenced_command c, adapter_handle bus) {
    if (!has_place(waiting_)) return bus.complete(c.id(), completion::failed(failure::unavailable));
    waiting_.push(c);
    advance();
}

/// For whatever frame is the next: how long it is, is known when it has begun.
bool keyboard_adapter::has_room() const {
    return vm_.waiting_keys() + longest_frame_bytes <= max_waiting_keys_bytes;
}

void keyboard_adapter::advance() {
    if (owes_room_ && (!guest_.alive || has_room())) {
        owes_room_ = false;
        bus_.input_ready();
    }
    while (!waiting_.empty()) {
        if (guest_.settled()) {
            if (!has_room()) return;
            press(waiting_.pop());
            continue;
        }
        const run_state state = vm_.state();
        const bool nobody =
            !guest_.alive && (state == run_state::off || state == run_state::failed);
        if (!nobody) return; // an incarnation is to begin
        bus_.complete(waiting_.pop().id(), completion::failed(failure::unavailable));
    }
}

void keyboard_adapter::press(const fenced_command& c) {
    const auto taken = c.take();
    if (!taken) return;
    std::array<std::uint8_t, longest_frame_bytes> bytes;
    std::size_t size = 0;
    for (const input_change& change : taken->frame)
        for (const std::uint8_t byte : scancode_bytes_of(change.code, change.value != 0))
            bytes[size++] = byte;
    const bool pushed = vm_.push_keys(std::span{bytes}.first(size)).has_value();
    bus_.complete(c.id(), pushed ? completion{} : completion::failed(failure::unavailable));
}

std::size_t keyboard_adapter::neutral(std::span<const input_change> releases, adapter_handle) {
    if (!guest_.alive) return releases.size(); // the keyboard that held them is gone
    std::size_t accepted = 0;
    for (const input_change& change : releases) {
        const scancode_bytes bytes = scancode_bytes_of(change.code, change.value != 0);
        const auto pushed = vm_.push_keys(bytes_of(bytes));
        if (!pushed && pushed.error() == key_error::full) {
            owes_room_ = true;
            break;
        }
        ++accepted;
    }
    return accepted;
}

void keyboard_adapter::leds_changed() {
    const std::uint8_t ps2 = vm_.leds();
    vmsig::leds_changed told;
    if ((ps2 & 1) != 0) told.lit |= 1u << LED_SCROLLL;
    if ((ps2 & 2) != 0) told.lit |= 1u << LED_NUML;
    if ((ps2 & 4) != 0) told.lit |= 1u << LED_CAPSL;
    bus_.emit(told);
}

} // namespace vmsig::kvm
