// Whatever frames come, filtered, committed, dropped or inverted: the held set holds what a plain
// set of pressed things holds, a device sees no change twice, and the end is neutral.
#include "harness.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <vector>

#include <vmsig/input/held_set.hpp>

namespace {

using namespace vmsig;
using fuzz::require;
using frame = std::vector<input_change>;

/// What is down, as somebody sees it who is told of changes.
struct model {
    std::set<std::uint16_t> keys;
    std::map<std::int32_t, std::int32_t> touches; ///< slot -> contact
    std::vector<std::int32_t> order;              ///< of presses: code, or -1 - slot

    /// How many changes of `f` changed nothing; false in `fits` when too many keys were down.
    std::size_t take(const frame& f, bool* fits = nullptr) {
        std::size_t idle = 0;
        std::int32_t slot = 0;
        for (const input_change& c : f) {
            if (selects_slot(c)) slot = c.value;
            if (c.type == EV_KEY) idle += key(c.code, c.value != 0) ? 0u : 1u;
            if (is_contact(c)) idle += touch(slot, c.value) ? 0u : 1u;
            if (fits && keys.size() > max_held_keys) *fits = false;
        }
        return idle;
    }
    bool key(std::uint16_t code, bool down) {
        if (!(down ? keys.insert(code).second : keys.erase(code) == 1)) return false;
        if (down) order.push_back(code);
        if (!down) std::erase(order, code);
        return true;
    }
    bool touch(std::int32_t slot, std::int32_t id) {
        const auto now = touches.find(slot);
        if ((now == touches.end() ? -1 : now->second) == id) return false;
        std::erase(order, -1 - slot);
        touches.erase(slot);
        if (id == -1) return true;
        touches[slot] = id;
        order.push_back(-1 - slot);
        return true;
    }
    frame releases() const {
        frame f;
        for (auto i = order.rbegin(); i != order.rend(); ++i) {
            if (*i >= 0) f.push_back(input_change::key(static_cast<std::uint16_t>(*i), false));
            if (*i < 0) f.push_back(input_change::touch_slot(-1 - *i));
            if (*i < 0) f.push_back(input_change::touch_id(-1));
        }
        return f;
    }
    friend bool operator==(const model&, const model&) = default;
};

/// Section 8: a known code with a value that it can have, and no touch without its slot.
bool well_formed(const frame& f) {
    if (f.empty() || f.size() > 256) return false;
    bool slot = false;
    for (const input_change& c : f) {
        if (!input_codes::known(c.type, c.code)) return false;
        if (c.type == EV_KEY && c.value != 0 && c.value != 1) return false;
        const bool touch = c.type == EV_ABS && c.code >= ABS_MT_SLOT && c.code <= ABS_MT_TOOL_Y;
        if (!touch) continue;
        if (c.code == ABS_MT_SLOT && (c.value < 0 || c.value > 9)) return false;
        slot = slot || c.code == ABS_MT_SLOT;
        if (!slot || (c.code == ABS_MT_TRACKING_ID && c.value < -1)) return false;
    }
    return true;
}

bool is_state(const input_change& c) {
    return c.type == EV_KEY || is_contact(c) || selects_slot(c);
}
frame without_state(const frame& f) {
    frame rest;
    std::copy_if(f.begin(), f.end(), std::back_inserter(rest),
                 [](const input_change& c) { return !is_state(c); });
    return rest;
}
frame to_frame(input_frame f) { return {f.begin(), f.end()}; }

class history {
public:
    explicit history(fuzz::bytes in)
        : in_{in} {}

    void run() {
        while (!in_.empty()) {
            const std::uint8_t what = in_.byte();
            if (what % 8 < 6) {
                execute(some_frame(what / 8), what >= 192);
            } else if (what % 8 == 6) {
                release_part(what / 8);
            } else if (what == 255) {
                held_.clear();
                down_ = {};
            }
            check();
        }
        while (!held_.neutral()) release_part(31);
        require(down_ == model{}, "the end is neutral");
    }

private:
    frame some_frame(unsigned shape) {
        const bool row = shape == 23; // of neighbours on the keyboard
        frame f(row ? 1u + in_.byte() % 80 : shape == 22 ? in_.byte() * 2u : 1 + shape % 8);
        std::uint16_t key = row ? in_.byte() : 0;
        for (input_change& c : f) c = row ? input_change::key(key++, true) : some_change();
        return f;
    }
    input_change some_change() {
        const std::uint8_t a = in_.byte();
        const std::uint8_t b = in_.byte();
        switch (a % 8) {
        case 0: return {in_.take<std::uint16_t>(), b, in_.take<std::int32_t>()};
        case 1: return input_change::touch_slot(b % 11);
        case 2: return input_change::touch_id(b % 6 - 2);
        case 3: return input_change::abs(static_cast<std::uint16_t>(ABS_MT_SLOT + b % 15), a);
        case 4: return input_change::rel(REL_X, b);
        case 5: return input_change::key(static_cast<std::uint16_t>(BTN_MOUSE + b % 8), a >= 128);
        default: return input_change::key(b, a >= 64);
        }
    }
    void execute(const frame& f, bool in_place) {
        model after = down_;
        bool fits = true;
        const bool valid = well_formed(f);
        if (valid) after.take(f, &fits);

        frame out = in_place ? f : frame(f.size());
        const auto kept = held_.filter(in_place ? input_frame{out} : input_frame{f}, out);
        check(); // it changed nothing
        require(kept.has_value() == (valid && fits), "what is well-formed and fits is taken");
        if (!kept) {
            require(kept.error() == (valid ? refusal::exhausted : refusal::invalid), "it says why");
            return;
        }
        const frame sent = to_frame(*kept);
        require(without_state(sent) == without_state(f), "what holds nothing passes unchanged");
        check_hold(sent);
        if (in_.byte() == 7) return; // refused later: never executed
        held_.commit(sent);
        require(down_.take(sent) == 0, "a device sees no press and no release twice");
        require(down_ == after, "repetitions are dropped and nothing else");
    }
    /// After a hold nothing is down that was not before.
    void check_hold(const frame& sent) const {
        std::array<input_change, max_inverse_changes> room;
        const frame releases = to_frame(invert(sent, room));
        model d = down_;
        d.take(sent);
        require(d.take(releases) == 0, "a hold releases only what it pressed");
        require(std::includes(down_.keys.begin(), down_.keys.end(), d.keys.begin(), d.keys.end()),
                "a hold leaves no key down");
        for (const auto& [slot, id] : d.touches)
            require(down_.touches.count(slot) && down_.touches.at(slot) == id,
                    "a hold leaves no contact");
    }
    /// The adapter takes some of the inverse, perhaps half a touch.
    void release_part(unsigned shape) {
        std::array<input_change, max_inverse_changes> room;
        const std::size_t space = shape == 31 ? room.size() : shape % 7;
        const frame part = to_frame(held_.inverse({room.data(), space}));
        const frame all = down_.releases();
        require(part.size() <= all.size() && std::equal(part.begin(), part.end(), all.begin()),
                "the inverse is in reverse order of the presses");
        require(part.size() + 1 >= std::min(space, all.size()), "as many as fit");
        const std::size_t taken = shape == 31 ? part.size() : in_.byte() % (part.size() + 1);
        held_.accepted(taken);
        down_.take({part.begin(), part.begin() + static_cast<std::ptrdiff_t>(taken)});
    }
    void check() const {
        require(held_.keys() == down_.keys.size() && held_.touches() == down_.touches.size(),
                "as much is held as is down");
        require(held_.neutral() == down_.order.empty(), "neutral means nothing is down");
        for (const std::uint16_t code : down_.keys)
            require(held_.holds_key(code), "what is down is held");
        for (std::int32_t slot = 0; slot < max_touches; ++slot)
            require(held_.holds_touch(slot) == (down_.touches.count(slot) != 0), "so are touches");
        std::array<input_change, max_inverse_changes> room;
        require(to_frame(held_.inverse(room)) == down_.releases(),
                "the inverse releases all that is down and only that");
    }

    fuzz::bytes in_;
    held_set held_;
    model down_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    history{fuzz::bytes{{data, size}}}.run();
    return 0;
}
