// held_set: the keys, buttons and touches that the input lease of one endpoint holds down, in the
// order of their presses. What is in it was pressed under that lease, so its inverse releases
// exactly that and nobody else's key.
//
// A frame passes in two steps, as everything that may yet be refused: `filter` drops what would
// repeat or release what is not held and changes nothing; `commit` records what was executed.
// What was executed and `failed` may be down or up: it counts as held, and nothing that is said of
// it is a repetition. When the lease ends, `inverse` says what to send; what the adapter accepted
// of it is committed, and the rest stays held until it has.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <vmsig/base/assert.hpp>
#include <vmsig/base/expected.hpp>
#include <vmsig/input/frame.hpp>

namespace vmsig {

inline constexpr std::size_t max_held_keys = 64; ///< keys and buttons
/// A key takes one change to release, a touch two: its slot, and the end of its contact.
inline constexpr std::size_t max_inverse_changes = max_held_keys + 2 * max_touches;

class held_set {
public:
    /// Nothing is down.
    constexpr bool neutral() const { return size_ == 0; }
    constexpr std::size_t keys() const { return keys_; }
    constexpr std::size_t touches() const { return size_ - keys_; }
    constexpr bool holds_key(std::uint16_t code) const { return find(code) != size_; }
    constexpr bool holds_touch(std::int32_t slot) const { return find(touch(slot)) != size_; }

    /// `frame` without repeated presses, releases of what is not held, and slots selected in vain;
    /// it may come out empty. `out` has room for `frame` and may be the same memory. `invalid`: see
    /// check_frame; `exhausted`: more than `max_held_keys` at once. `out` then holds nothing
    /// useful.
    constexpr expected<input_frame, refusal> filter(input_frame frame,
                                                    std::span<input_change> out) const {
        VMSIG_ASSERT(out.size() >= frame.size());
        if (const refusal r = check_frame(frame); r != refusal::none) return unexpected(r);
        held_set after = *this;
        std::int32_t slot = -1;
        std::int32_t written_slot = -1;
        std::size_t n = 0;
        for (const input_change c : frame) {
            if (selects_slot(c)) {
                slot = c.value;
                continue;
            }
            const effect e = after.apply(c, slot);
            if (e == effect::overflow) return unexpected(refusal::exhausted);
            if (e == effect::none) continue;
            if (needs_slot(c) && slot != written_slot) {
                out[n++] = input_change::touch_slot(slot);
                written_slot = slot;
            }
            out[n++] = c;
        }
        return input_frame{out.first(n)};
    }

    /// Records a frame that `filter` gave, or part of an inverse, when it is executed. A slot
    /// without its contact is nothing.
    constexpr void commit(input_frame filtered) {
        std::int32_t slot = -1;
        for (const input_change& c : filtered) {
            if (selects_slot(c)) {
                slot = c.value;
            } else {
                [[maybe_unused]] const effect e = apply(c, slot);
                VMSIG_ASSERT(e != effect::overflow);
            }
        }
    }

    /// A committed frame turned out to have failed.
    constexpr void failed(input_frame committed) {
        std::int32_t slot = -1;
        for (const input_change& c : committed) {
            if (selects_slot(c)) slot = c.value;
            const bool contact = is_contact(c);
            if (c.type != EV_KEY && !contact) continue;
            const std::uint16_t what = contact ? touch(slot) : c.code;
            if (const std::size_t at = find(what); at != size_)
                pressed_[at] |= doubt_bit;
            else if (size_ != capacity && (contact || keys_ != max_held_keys))
                add(what | doubt_bit);
        }
    }

    /// The releases of all that is held, the last press first; as many as fit in `out`. Changes
    /// nothing. `max_inverse_changes` is always enough.
    constexpr input_frame inverse(std::span<input_change> out) const {
        std::size_t n = 0;
        for (std::size_t i = size_; i-- > 0 && out.size() - n >= cost(pressed_[i]);) {
            if (is_touch(pressed_[i])) {
                out[n++] = input_change::touch_slot(pressed_[i] & ~(touch_bit | doubt_bit));
                out[n++] = input_change::touch_id(-1);
            } else {
                out[n++] = input_change::key(certain(pressed_[i]), false);
            }
        }
        return out.first(n);
    }
    /// The device is gone, and what it held with it.
    constexpr void clear() { size_ = keys_ = 0; }

private:
    enum class effect : std::uint8_t { none, changed, overflow };
    static constexpr std::uint16_t touch_bit = 0x8000;
    static constexpr std::uint16_t doubt_bit = 0x4000; ///< may be up
    static constexpr std::size_t capacity = max_held_keys + max_touches;

    static constexpr std::uint16_t touch(std::int32_t slot) {
        return static_cast<std::uint16_t>(touch_bit | slot);
    }
    static constexpr std::uint16_t certain(std::uint16_t what) {
        return static_cast<std::uint16_t>(what & ~doubt_bit);
    }
    static constexpr bool is_touch(std::uint16_t what) { return (what & touch_bit) != 0; }
    static constexpr std::size_t cost(std::uint16_t what) { return is_touch(what) ? 2 : 1; }

    /// The place of `what` in press order, `size_` if it is not down.
    constexpr std::size_t find(std::uint16_t what) const {
        std::size_t i = 0;
        while (i < size_ && certain(pressed_[i]) != what) ++i;
        return i;
    }
    constexpr void add(int what) {
        pressed_[size_++] = static_cast<std::uint16_t>(what);
        if (!is_touch(pressed_[size_ - 1u])) ++keys_;
    }
    constexpr void remove(std::size_t at) {
        if (!is_touch(pressed_[at])) --keys_;
        --size_;
        for (; at < size_; ++at) pressed_[at] = pressed_[at + 1];
    }
    constexpr effect apply(const input_change& c, std::int32_t slot) {
        const bool contact = is_contact(c);
        if (c.type != EV_KEY && !contact) return effect::changed;
        const std::uint16_t what = contact ? touch(slot) : c.code;
        const std::size_t at = find(what);
        const bool held = at != size_;
        if (contact ? c.value < 0 : c.value == 0) {
            if (!held) return effect::none;
            remove(at);
            return effect::changed;
        }
        if (held) {
            const bool sure = certain(pressed_[at]) == pressed_[at];
            if (sure && (!contact || contact_ids_[static_cast<std::size_t>(slot)] == c.value)) {
                return effect::none;
            }
            remove(at); // another contact in the same slot: that one ends, this one begins
        } else if (!contact && keys_ == max_held_keys) {
            return effect::overflow;
        }
        if (contact) contact_ids_[static_cast<std::size_t>(slot)] = c.value;
        add(what);
        return effect::changed;
    }

    std::array<std::uint16_t, capacity> pressed_{}; ///< key codes, or touch_bit | slot; doubt_bit
    std::array<std::int32_t, max_touches> contact_ids_{};
    std::uint16_t size_ = 0;
    std::uint16_t keys_ = 0;
};

/// What ends a hold ("press, 50 ms, release"): the releases of what `filtered` presses and does not
/// release itself, the last press first. `out` has room for `max_inverse_changes`, or for as many
/// changes as the frame.
constexpr input_frame invert(input_frame filtered, std::span<input_change> out) {
    held_set pressed;
    pressed.commit(filtered);
    return pressed.inverse(out);
}

} // namespace vmsig
