// shadow_keys: what is down on the devices of each endpoint, by what they took and by the neutral
// input that they accepted; and who put it down.
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <utility>
#include <vector>

#include <vmsig/input/held_set.hpp>
#include <vmsig/input/safety_releases.hpp>

#include "shadow_cells.hpp"

namespace vmsig::sim {

class shadow_keys {
public:
    explicit shadow_keys(verdict& v)
        : broken_{v} {}

    /// A frame that `by` took under the lease `s`.
    void took(endpoint_id at, adapter_id by, serial_number s, input_frame frame) {
        std::vector<key>& down = down_[at.slot()];
        for (const key& k : down)
            broken_.expect(k.serial == s || !k.serial, "I14: the next owner finds nothing down",
                           at.value, k.what, k.serial.value, s.value);
        std::int32_t slot = -1;
        for (const input_change& c : frame) {
            if (selects_slot(c)) slot = c.value;
            const bool contact = is_contact(c);
            if (c.type != EV_KEY && !contact) continue;
            const key k{contact ? touch_bit | static_cast<unsigned>(slot) : c.code, s, by, false};
            const bool press = contact ? c.value >= 0 : c.value != 0;
            const auto found = std::find_if(down.begin(), down.end(),
                                            [&](const key& d) { return d.what == k.what; });
            const bool held = found != down.end();
            const bool doubtful = held && found->doubtful;
            broken_.expect(press ? !held || contact || doubtful : held,
                           "repeats and releases of what is not down are left out", at.value,
                           k.what, press);
            if (held) down.erase(found);
            if (press) down.push_back(k);
        }
    }
    /// What `by` had taken has failed: it may be down.
    void failed(endpoint_id at, adapter_id by, serial_number s, input_frame frame) {
        std::vector<key>& down = down_[at.slot()];
        std::int32_t slot = -1;
        for (const input_change& c : frame) {
            if (selects_slot(c)) slot = c.value;
            if (c.type != EV_KEY && !is_contact(c)) continue;
            const unsigned what = is_contact(c) ? touch_bit | static_cast<unsigned>(slot) : c.code;
            const auto found = std::find_if(down.begin(), down.end(),
                                            [&](const key& d) { return d.what == what; });
            if (found != down.end())
                found->doubtful = true;
            else
                down.push_back({what, s, by, true});
        }
    }
    /// What `by`, which takes `codes`, is told to release: of all that is down, or, when it leaves,
    /// of what it holds down itself.
    void asked(endpoint_id at, adapter_id by, const input_codes& codes, input_frame frame) {
        if (is_safety(codes, frame)) return;
        std::vector<key>& down = down_[at.slot()];
        std::vector<key> own = down;
        std::erase_if(own, [by](const key& k) { return k.by != by; });
        std::vector<key> doubtful = own; // of them, what failed in an epoch that is over
        std::erase_if(doubtful, [&](const key& k) { return !k.doubtful || !names(frame, k.what); });
        bool right =
            is_inverse(down, frame) || is_inverse(own, frame) || is_inverse(doubtful, frame);
        // What a failing adapter held is gone with it, shortly before it says farewell.
        for (std::size_t i = down.size(); !right && i-- > 0;) {
            if (down[i].by == by) continue;
            presumed_gone_.push_back(down[i].by);
            down.erase(down.begin() + static_cast<std::ptrdiff_t>(i));
            right = is_inverse(down, frame);
        }
        broken_.expect(right, "I14: neutral is the inverse, last press first", at.value,
                       frame.size(), down.size(), frame.front().code);
        broken_.expect(codes.has_all(frame), "neutral goes to the adapter of its codes", at.value);
    }
    /// It took the first `n` changes of that.
    void accepted(endpoint_id at, adapter_id by, const input_codes& codes, input_frame frame,
                  std::size_t n) {
        n = std::min(n, frame.size());
        if (is_safety(codes, frame)) return safety(at, by, frame, n);
        std::vector<key>& down = down_[at.slot()];
        for (std::size_t i = 0; i < n; ++i) {
            const bool touch = selects_slot(frame[i]);
            if (touch && i + 1 == n) return; // half a touch is none
            const unsigned what =
                touch ? touch_bit | static_cast<unsigned>(frame[i++].value) : frame[i].code;
            std::erase_if(down, [what](const key& k) { return k.what == what; });
        }
    }
    /// The device is gone, and what it held.
    void device_gone(endpoint_id at, adapter_id by) {
        std::erase_if(down_[at.slot()], [by](const key& k) { return k.by == by; });
        std::erase(presumed_gone_, by);
    }
    /// The machine is about to lose its power: what is still down after neutral is down no more.
    void going_dark(endpoint_id at) { dark_[at.slot()] = true; }
    /// False: it was not about to.
    bool went_dark(endpoint_id at, bool it_did) {
        const bool dark = std::exchange(dark_[at.slot()], false) && it_did;
        if (dark) down_[at.slot()].clear();
        return dark;
    }
    /// After each step.
    void check() const {
        broken_.expect(presumed_gone_.empty(), "only a failing adapter is left out of neutral");
    }
    /// Whether all that is down was pressed under `s`.
    bool all_under(endpoint_id at, serial_number s) const {
        const std::vector<key>& down = down_[at.slot()];
        return std::all_of(down.begin(), down.end(), [s](const key& k) { return k.serial == s; });
    }
    bool anything_down(endpoint_id at) const { return !down_[at.slot()].empty(); }
    void forget(endpoint_id at) { down_[at.slot()].clear(); }

    /// The safety releases after a restore.
    static bool is_safety(const input_codes& codes, input_frame frame) {
        std::array<input_change, all_safety_releases.size()> room;
        const input_frame all = safety_releases(codes, room);
        return std::equal(frame.begin(), frame.end(), all.begin(), all.end());
    }

private:
    static constexpr unsigned touch_bit = 0x8000;
    struct key {
        unsigned what = 0;
        serial_number serial;
        adapter_id by;
        bool doubtful = false;
    };
    static bool names(input_frame frame, unsigned what) {
        return std::any_of(frame.begin(), frame.end(), [what](const input_change& c) {
            return selects_slot(c) ? what == (touch_bit | static_cast<unsigned>(c.value))
                                   : c.type == EV_KEY && what == c.code;
        });
    }
    static bool is_inverse(const std::vector<key>& down, input_frame frame) {
        std::vector<input_change> all;
        for (std::size_t i = down.size(); i-- > 0;) {
            const unsigned what = down[i].what;
            if ((what & touch_bit) != 0) {
                all.push_back(input_change::touch_slot(static_cast<std::int32_t>(what & 0xff)));
                all.push_back(input_change::touch_id(-1));
            } else {
                all.push_back(input_change::key(static_cast<std::uint16_t>(what), false));
            }
        }
        return frame.size() <= all.size() && std::equal(frame.begin(), frame.end(), all.begin());
    }
    /// What was not accepted of them is owed as if somebody had pressed it.
    void safety(endpoint_id at, adapter_id by, input_frame frame, std::size_t n) {
        std::vector<key>& down = down_[at.slot()];
        for (std::size_t i = 0; i < frame.size(); ++i) {
            const auto same = [&](const key& k) { return k.what == frame[i].code; };
            if (i < n)
                std::erase_if(down, same);
            else if (std::none_of(down.begin(), down.end(), same))
                down.push_back({frame[i].code, {}, by, false});
        }
    }
    verdict& broken_;
    std::array<std::vector<key>, most_endpoints> down_;
    std::array<bool, most_endpoints> dark_{};
    std::vector<adapter_id> presumed_gone_;
};

} // namespace vmsig::sim
