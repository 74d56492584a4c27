// Rule: the held set is a set: for any frames it holds what a std::set holds that every change is
// put into, and the adapter sees each press and each release once (property).
#include <vmsig/input/held_set.hpp>

#include <cstdint>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <support/catch.hpp>

namespace {

using namespace vmsig;
using frame = std::vector<input_change>;

void require(bool condition, const char* what) {
    if (!condition) throw std::runtime_error{what};
}
#define REQUIRE_HERE(condition) require((condition), #condition)

/// A machine as a driver sees it: what is down, and no patience for changes that change nothing.
struct device {
    std::set<std::uint16_t> keys;
    std::map<std::int32_t, std::int32_t> touches; ///< slot -> contact
    std::vector<std::int32_t> order;              ///< of presses: code, or -1 - slot

    void press(std::int32_t what) { order.push_back(what); }
    void release(std::int32_t what) { std::erase(order, what); }

    void take(const frame& f, bool strictly) {
        std::int32_t slot = 0;
        for (const input_change& c : f) {
            if (selects_slot(c)) slot = c.value;
            if (is_contact(c)) take_contact(slot, c.value, strictly);
            if (c.type == EV_KEY) {
                const bool news = (keys.count(c.code) != 0) != (c.value != 0);
                REQUIRE_HERE(news || !strictly);
                if (!news) continue;
                c.value != 0 ? press(c.code) : release(c.code);
                if (c.value != 0) keys.insert(c.code);
                if (c.value == 0) keys.erase(c.code);
            }
        }
    }
    void take_contact(std::int32_t slot, std::int32_t id, bool strictly) {
        const auto at = touches.find(slot);
        const std::int32_t now = at == touches.end() ? -1 : at->second;
        REQUIRE_HERE(now != id || !strictly);
        if (now == id) return;
        if (now != -1) release(-1 - slot);
        touches.erase(slot);
        if (id == -1) return;
        touches[slot] = id;
        press(-1 - slot);
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
    friend bool operator==(const device&, const device&) = default;
};

class history {
public:
    history(std::uint64_t seed, std::uint16_t codes)
        : random_{seed}
        , codes_{codes} {}

    void run(int steps) {
        for (int i = 0; i < steps; ++i) {
            if (below(12) == 0) {
                end_lease();
            } else {
                execute(random_frame());
            }
            check();
        }
    }
    std::size_t overflows() const { return overflows_; }

private:
    std::uint64_t below(std::uint64_t n) { return random_() % n; }

    frame random_frame() {
        frame f;
        const std::uint64_t changes = 1 + below(8);
        while (f.size() < changes) {
            const auto code = static_cast<std::uint16_t>(1 + below(codes_));
            switch (below(6)) {
            case 0:
            case 1: f.push_back(input_change::key(code, true)); break;
            case 2: f.push_back(input_change::key(code, below(3) == 0)); break;
            case 3: f.push_back(input_change::rel(REL_X, 1)); break;
            default:
                f.push_back(input_change::touch_slot(static_cast<std::int32_t>(below(3))));
                f.push_back(input_change::touch_id(static_cast<std::int32_t>(below(3)) - 1));
            }
        }
        return f;
    }
    /// Whether some prefix of `f` would hold more keys than the cap.
    bool too_many(const frame& f) const {
        device d = told_;
        for (std::size_t n = 1; n <= f.size(); ++n) {
            d = told_;
            d.take({f.begin(), f.begin() + static_cast<std::ptrdiff_t>(n)}, false);
            if (d.keys.size() > max_held_keys) return true;
        }
        return false;
    }
    void execute(const frame& f) {
        frame out(f.size());
        const auto kept = held_.filter(f, out);
        REQUIRE_HERE(kept.has_value() == !too_many(f));
        check(); // filtering changed nothing
        if (!kept) {
            ++overflows_;
            REQUIRE_HERE(kept.error() == refusal::exhausted);
            return;
        }
        const frame sent{kept->begin(), kept->end()};
        frame again(sent.size());
        REQUIRE_HERE(sent.empty() || held_.filter(sent, again)->size() == sent.size());
        REQUIRE_HERE(sent.empty() || again == sent); // a filtered frame is its own filtered frame
        check_hold(sent);
        held_.commit(sent);
        told_.take(f, false);
        seen_.take(sent, true);
    }
    /// A hold sends the inverse of the frame: with it, nothing new is down.
    void check_hold(const frame& sent) {
        frame out(max_inverse_changes);
        const auto releases = invert(sent, out);
        device d = seen_;
        d.take(sent, true);
        d.take({releases.begin(), releases.end()}, true);
        REQUIRE_HERE(
            std::includes(seen_.keys.begin(), seen_.keys.end(), d.keys.begin(), d.keys.end()));
        for (const auto& [slot, id] : d.touches) REQUIRE_HERE(seen_.touches.at(slot) == id);
    }
    /// The adapter takes the inverse in parts of random size.
    void end_lease() {
        while (!held_.neutral()) {
            frame out(below(2) == 0 ? max_inverse_changes : 2 + below(3));
            const auto part = held_.inverse(out);
            REQUIRE_HERE(!part.empty());
            const auto n = static_cast<std::ptrdiff_t>(below(part.size() + 1));
            const frame taken{part.begin(), part.begin() + n};
            held_.commit(taken);
            seen_.take(taken, true);
            told_.take(taken, false);
            check();
        }
        REQUIRE_HERE(seen_ == device{});
    }
    void check() const {
        REQUIRE_HERE(told_ == seen_);
        REQUIRE_HERE(held_.keys() == seen_.keys.size() && held_.keys() <= max_held_keys);
        REQUIRE_HERE(held_.touches() == seen_.touches.size());
        REQUIRE_HERE(held_.neutral() == seen_.order.empty());
        for (std::uint16_t c = 0; c <= codes_; ++c) {
            REQUIRE_HERE(held_.holds_key(c) == (seen_.keys.count(c) != 0));
        }
        for (std::int32_t s = 0; s < max_touches; ++s) {
            REQUIRE_HERE(held_.holds_touch(s) == (seen_.touches.count(s) != 0));
        }
        frame out(max_inverse_changes);
        const auto releases = held_.inverse(out);
        REQUIRE_HERE((frame{releases.begin(), releases.end()}) == seen_.releases());
    }

    std::mt19937_64 random_;
    std::uint16_t codes_;
    held_set held_;
    device told_; ///< that got every change of every frame
    device seen_; ///< that got what was filtered
    std::size_t overflows_ = 0;
};

std::size_t play(std::uint16_t codes, std::uint64_t histories, int steps) {
    std::size_t overflows = 0;
    for (std::uint64_t seed = 1; seed <= histories; ++seed) {
        history h{seed, codes};
        try {
            h.run(steps);
        } catch (const std::exception& e) {
            FAIL("seed " << seed << ": " << e.what());
        }
        overflows += h.overflows();
    }
    return overflows;
}

TEST_CASE("model: few keys, many repetitions") { CHECK(play(4, 300, 100) == 0); }
TEST_CASE("model: more keys than the cap") { CHECK(play(600, 10, 1500) > 0); }

} // namespace
