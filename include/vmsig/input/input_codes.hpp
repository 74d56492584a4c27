// input_codes: the set of (type, code) pairs that an input adapter takes, as a bitmap. Adapters of
// one endpoint declare disjoint sets, so that each code has one way to the machine.
#pragma once

#include <linux/input-event-codes.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>

#include <vmsig/base/assert.hpp>
#include <vmsig/base/bits.hpp>
#include <vmsig/event/input_change.hpp>

namespace vmsig {

class input_codes {
public:
    /// EV_KEY, EV_REL and EV_ABS up to their *_MAX; nothing else can be declared.
    static constexpr bool known(std::uint16_t type, std::uint16_t code) {
        return code < code_count(type);
    }

    /// Only for known codes. Repeated: no effect.
    constexpr input_codes& add(std::uint16_t type, std::uint16_t code) {
        VMSIG_ASSERT(known(type, code));
        const std::size_t at = position(type, code);
        words_[at / 64] |= bit(at % 64);
        return *this;
    }
    constexpr input_codes& add(std::uint16_t type, std::initializer_list<std::uint16_t> codes) {
        for (const std::uint16_t code : codes) add(type, code);
        return *this;
    }
    /// `first` to `last`, both included.
    constexpr input_codes& add_range(std::uint16_t type, std::uint16_t first, std::uint16_t last) {
        for (unsigned code = first; code <= last; ++code) {
            add(type, static_cast<std::uint16_t>(code));
        }
        return *this;
    }

    constexpr bool has(std::uint16_t type, std::uint16_t code) const {
        if (!known(type, code)) return false;
        const std::size_t at = position(type, code);
        return has_bit(words_[at / 64], at % 64);
    }
    constexpr bool has(const input_change& c) const { return has(c.type, c.code); }
    constexpr bool has_all(std::span<const input_change> frame) const {
        for (const input_change& c : frame) {
            if (!has(c)) return false;
        }
        return true;
    }
    constexpr bool empty() const { return *this == input_codes{}; }
    /// A clash: some code is in both.
    constexpr bool intersects(const input_codes& other) const {
        for (std::size_t i = 0; i < words_.size(); ++i) {
            if ((words_[i] & other.words_[i]) != 0) return true;
        }
        return false;
    }
    friend constexpr input_codes operator|(input_codes a, const input_codes& b) {
        for (std::size_t i = 0; i < a.words_.size(); ++i) a.words_[i] |= b.words_[i];
        return a;
    }
    friend constexpr bool operator==(const input_codes&, const input_codes&) = default;

    /// All keys below the buttons.
    static constexpr input_codes keyboard() {
        return input_codes{}.add_range(EV_KEY, KEY_ESC, BTN_MISC - 1);
    }
    /// A mouse with wheels.
    static constexpr input_codes pointer() {
        return input_codes{}
            .add_range(EV_KEY, BTN_LEFT, BTN_TASK)
            .add(EV_REL, {REL_X, REL_Y, REL_WHEEL, REL_HWHEEL})
            .add(EV_REL, {REL_WHEEL_HI_RES, REL_HWHEEL_HI_RES});
    }
    /// A pointer with absolute coordinates; it has the buttons and wheels of `pointer` too.
    static constexpr input_codes tablet() {
        return input_codes{}
            .add_range(EV_KEY, BTN_LEFT, BTN_TASK)
            .add(EV_REL, {REL_WHEEL, REL_HWHEEL})
            .add(EV_ABS, {ABS_X, ABS_Y});
    }
    /// Touch slots (Documentation/input/multi-touch-protocol.rst of the kernel, type B).
    static constexpr input_codes touchscreen() {
        return input_codes{}.add(EV_KEY, BTN_TOUCH).add_range(EV_ABS, ABS_MT_SLOT, ABS_MT_TOOL_Y);
    }

private:
    static constexpr std::size_t rel_position = KEY_CNT;
    static constexpr std::size_t abs_position = KEY_CNT + 64;
    static_assert(KEY_CNT % 64 == 0 && REL_CNT <= 64 && ABS_CNT <= 64);

    static constexpr unsigned code_count(std::uint16_t type) {
        switch (type) {
        case EV_KEY: return KEY_CNT;
        case EV_REL: return REL_CNT;
        case EV_ABS: return ABS_CNT;
        default: return 0;
        }
    }
    static constexpr std::size_t position(std::uint16_t type, std::uint16_t code) {
        if (type == EV_KEY) return code;
        return (type == EV_REL ? rel_position : abs_position) + code;
    }

    std::array<std::uint64_t, (KEY_CNT + 128) / 64> words_{};
};

} // namespace vmsig
