// Whatever frames come, filtered, committed, failed, dropped or inverted: the held set holds what a
// plain table of pressed things holds, a device sees no change twice unless one of it failed, and
// the end is neutral. Nothing here allocates: an input takes some microseconds.
#include "harness.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <vmsig/input/held_set.hpp>

namespace {

using namespace vmsig;
using fuzz::require;

/// A list with room for `N`.
template <class T, std::size_t N>
class list {
public:
    list() = default;
    list(const list& o) { *this = o; }
    list& operator=(const list& o) {
        std::copy(o.begin(), o.end(), items_.begin());
        size_ = o.size_;
        return *this;
    }
    void push_back(const T& t) {
        require(size_ < N, "the harness has room");
        items_[size_++] = t;
    }
    void erase(const T& t) {
        size_ = static_cast<std::size_t>(std::remove(begin(), end(), t) - begin());
    }
    void truncate(std::size_t n) { size_ = n; }
    std::size_t size() const { return size_; }
    T* begin() { return items_.data(); }
    T* end() { return items_.data() + size_; }
    const T* begin() const { return items_.data(); }
    const T* end() const { return items_.data() + size_; }
    const T& operator[](std::size_t n) const { return items_[n]; }
    friend bool operator==(const list& a, const list& b) {
        return std::equal(a.begin(), a.end(), b.begin(), b.end());
    }

private:
    std::array<T, N> items_;
    std::size_t size_ = 0;
};
using frame = list<input_change, 512>;
using releases = list<input_change, max_inverse_changes>;

template <std::size_t N>
input_frame all_of(const list<input_change, N>& f) {
    return {f.begin(), f.size()};
}
bool same(input_frame a, input_frame b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

/// What is down, as somebody sees it who is told of changes.
struct model {
    enum class state : std::uint8_t { up, down, doubtful };

    std::array<state, KEY_CNT> keys{};
    std::array<state, max_touches> touches{};
    std::array<std::int32_t, max_touches> contacts{};
    std::size_t keys_down = 0;
    list<std::int32_t, max_held_keys + 257> order; ///< of presses: code, or -1 - slot

    /// How many changes of `f` changed nothing; false in `fits` when too many keys were down.
    std::size_t take(input_frame f, bool* fits = nullptr) {
        std::size_t idle = 0;
        std::int32_t slot = 0;
        for (const input_change& c : f) {
            if (selects_slot(c)) slot = c.value;
            if (c.type == EV_KEY) idle += key(c.code, c.value != 0) ? 0u : 1u;
            if (is_contact(c)) idle += touch(slot, c.value) ? 0u : 1u;
            if (fits && keys_down > max_held_keys) *fits = false;
        }
        return idle;
    }
    bool key(std::uint16_t code, bool down) {
        if (keys[code] == (down ? state::down : state::up)) return false;
        lift(code);
        if (down) press(code, state::down);
        return true;
    }
    bool touch(std::int32_t slot, std::int32_t id) {
        const auto at = static_cast<std::size_t>(slot);
        if (id == -1 ? touches[at] == state::up : touches[at] == state::down && contacts[at] == id)
            return false;
        lift(-1 - slot);
        if (id == -1) return true;
        contacts[at] = id;
        press(-1 - slot, state::down);
        return true;
    }
    /// What is said of in `f` may be down or up: it counts as held, while there is room.
    void fail(input_frame f) {
        std::int32_t slot = 0;
        for (const input_change& c : f) {
            if (selects_slot(c)) slot = c.value;
            if (c.type != EV_KEY && !is_contact(c)) continue;
            const std::int32_t what = c.type == EV_KEY ? c.code : -1 - slot;
            if (of(what) != state::up)
                of(what) = state::doubtful;
            else if (what < 0 || keys_down < max_held_keys)
                press(what, state::doubtful);
        }
    }
    const state& of(std::int32_t what) const {
        return what < 0 ? touches[static_cast<std::size_t>(-1 - what)]
                        : keys[static_cast<std::size_t>(what)];
    }
    state& of(std::int32_t what) { return const_cast<state&>(std::as_const(*this).of(what)); }
    void press(std::int32_t what, state s) {
        of(what) = s;
        keys_down += what >= 0 ? 1 : 0;
        order.push_back(what);
    }
    void lift(std::int32_t what) {
        if (of(what) == state::up) return;
        if (what < 0) contacts[static_cast<std::size_t>(-1 - what)] = 0;
        of(what) = state::up;
        keys_down -= what >= 0 ? 1 : 0;
        order.erase(what);
    }
    releases inverse() const {
        releases f;
        for (std::size_t i = order.size(); i-- > 0;) {
            const std::int32_t what = order[i];
            if (what >= 0) f.push_back(input_change::key(static_cast<std::uint16_t>(what), false));
            if (what < 0) f.push_back(input_change::touch_slot(-1 - what));
            if (what < 0) f.push_back(input_change::touch_id(-1));
        }
        return f;
    }
    friend bool operator==(const model& a, const model& b) {
        return a.order == b.order && // of all that is not up
               std::all_of(a.order.begin(), a.order.end(), [&](std::int32_t what) {
                   return a.of(what) == b.of(what) && a.contact(what) == b.contact(what);
               });
    }
    std::int32_t contact(std::int32_t what) const {
        return what < 0 ? contacts[static_cast<std::size_t>(-1 - what)] : 0;
    }
};

/// Section 8: a known code with a value that it can have, and no touch without its slot.
bool well_formed(const frame& f) {
    if (f.size() == 0 || f.size() > 256) return false;
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
/// What is in both besides state is the same.
bool same_rest(input_frame a, input_frame b) {
    auto i = a.begin();
    for (const input_change& c : b) {
        if (is_state(c)) continue;
        i = std::find_if_not(i, a.end(), is_state);
        if (i == a.end() || !(*i++ == c)) return false;
    }
    return std::find_if_not(i, a.end(), is_state) == a.end();
}

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
            } else {
                held_.failed(all_of(last_)); // also later than at once, and also twice
                down_.fail(all_of(last_));
            }
            check();
        }
        while (!held_.neutral()) release_part(31);
        require(down_ == model{}, "the end is neutral");
    }

private:
    frame some_frame(unsigned shape) {
        const bool row = shape == 23; // of neighbours on the keyboard
        const unsigned n = row           ? 1u + in_.byte() % 80
                           : shape == 22 ? in_.byte() * 2u
                                         : 1 + shape % 8;
        std::uint16_t key = row ? in_.byte() : 0;
        frame f;
        while (f.size() < n) f.push_back(row ? input_change::key(key++, true) : some_change());
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
        if (valid) after.take(all_of(f), &fits);

        frame out = f;
        const auto kept =
            held_.filter(in_place ? all_of(out) : all_of(f), {out.begin(), out.end()});
        check(); // it changed nothing
        require(kept.has_value() == (valid && fits), "what is well-formed and fits is taken");
        if (!kept) {
            require(kept.error() == (valid ? refusal::exhausted : refusal::invalid), "it says why");
            return;
        }
        const input_frame sent = *kept;
        require(same_rest(sent, all_of(f)), "what holds nothing passes unchanged");
        check_hold(sent);
        if (in_.byte() == 7) return; // refused later: never executed
        held_.commit(sent);
        last_.truncate(0);
        for (const input_change& c : sent) last_.push_back(c);
        require(down_.take(sent) == 0,
                "a device sees no press and no release twice, unless one failed");
        require(down_ == after, "repetitions are dropped and nothing else");
    }
    /// After a hold nothing is down that was not before.
    void check_hold(input_frame sent) const {
        std::array<input_change, max_inverse_changes> room;
        model d = down_;
        d.take(sent);
        require(d.take(invert(sent, room)) == 0, "a hold releases only what it pressed");
        for (const std::int32_t what : d.order) {
            require(down_.of(what) != model::state::up, "a hold leaves nothing down");
            require(down_.contact(what) == d.contact(what), "nor a contact");
        }
    }
    /// The adapter takes some of the inverse, perhaps half a touch.
    void release_part(unsigned shape) {
        std::array<input_change, max_inverse_changes> room;
        const std::size_t space = shape == 31 ? room.size() : shape % 7;
        const input_frame part = held_.inverse({room.data(), space});
        const releases all = down_.inverse();
        require(part.size() <= all.size() && std::equal(part.begin(), part.end(), all.begin()),
                "the inverse is in reverse order of the presses");
        require(part.size() + 1 >= std::min(space, all.size()), "as many as fit");
        const std::size_t taken = shape == 31 ? part.size() : in_.byte() % (part.size() + 1);
        held_.commit(part.first(taken));
        down_.take(part.first(taken));
    }
    void check() const {
        require(held_.keys() == down_.keys_down &&
                    held_.keys() + held_.touches() == down_.order.size(),
                "as much is held as is down");
        require(held_.neutral() == (down_.order.size() == 0), "neutral means nothing is down");
        for (const std::int32_t what : down_.order)
            require(what < 0 ? held_.holds_touch(-1 - what)
                             : held_.holds_key(static_cast<std::uint16_t>(what)),
                    "what is down is held");
        std::array<input_change, max_inverse_changes> room;
        require(same(held_.inverse(room), all_of(down_.inverse())),
                "the inverse releases all that is down and only that");
    }

    fuzz::bytes in_;
    held_set held_;
    model down_;
    frame last_; ///< that was committed
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    history{fuzz::bytes{{data, size}}}.run();
    return 0;
}
