// Rule: presses and releases are idempotent, the inverse is exactly what is held in reverse order
// of press, and what the adapter did not accept stays held.
#include <vmsig/input/held_set.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include <support/alloc_guard.hpp>
#include <support/catch.hpp>

namespace {

using namespace vmsig;
using frame = std::vector<input_change>;

constexpr input_change down(std::uint16_t code) { return input_change::key(code, true); }
constexpr input_change up(std::uint16_t code) { return input_change::key(code, false); }
constexpr input_change slot(std::int32_t n) { return input_change::touch_slot(n); }
constexpr input_change contact(std::int32_t id) { return input_change::touch_id(id); }
constexpr input_change move_x(std::int32_t x) { return input_change::abs(ABS_MT_POSITION_X, x); }

frame filtered(const held_set& held, const frame& f) {
    frame out(f.size());
    const auto kept = held.filter(f, out);
    REQUIRE(kept.has_value());
    return {kept->begin(), kept->end()};
}
/// As a core executes a frame; what reached the adapter.
frame execute(held_set& held, const frame& f) {
    frame kept = filtered(held, f);
    held.commit(kept);
    return kept;
}
frame inverse(const held_set& held, std::size_t room = max_inverse_changes) {
    frame out(room);
    const auto releases = held.inverse(out);
    return {releases.begin(), releases.end()};
}
frame inverted(const frame& f) {
    frame out(max_inverse_changes);
    const auto releases = invert(f, out);
    return {releases.begin(), releases.end()};
}

TEST_CASE("repeated presses and releases reach the adapter once") {
    held_set held;
    CHECK(execute(held, {down(KEY_A)}) == frame{down(KEY_A)});
    CHECK(execute(held, {down(KEY_A), down(KEY_A)}).empty());
    CHECK(held.keys() == 1);
    CHECK(execute(held, {up(KEY_A)}) == frame{up(KEY_A)});
    CHECK(execute(held, {up(KEY_A)}).empty());
    CHECK(held.neutral());
    CHECK(execute(held, {down(KEY_A), down(KEY_A), up(KEY_A)}) == frame{down(KEY_A), up(KEY_A)});
    CHECK(execute(held, {up(KEY_A), down(KEY_A)}) == frame{down(KEY_A)});
}

TEST_CASE("a release of what is not held never reaches anybody") {
    held_set held;
    CHECK(execute(held, {up(KEY_LEFTCTRL), slot(3), contact(-1)}).empty());
    CHECK(held.neutral());
}

TEST_CASE("filtering changes nothing, and may write where it reads") {
    held_set held;
    execute(held, {down(KEY_A)});
    std::array f{down(KEY_A), down(KEY_B), up(KEY_A)};
    const auto kept = held.filter(f, f);
    REQUIRE(kept);
    CHECK(frame{kept->begin(), kept->end()} == frame{down(KEY_B), up(KEY_A)});
    CHECK(held.holds_key(KEY_A));
    CHECK_FALSE(held.holds_key(KEY_B));
}

TEST_CASE("movements pass, slots are selected only for what speaks of them") {
    held_set held;
    const frame motion{input_change::rel(REL_X, 3), input_change::abs(ABS_X, 9)};
    CHECK(execute(held, motion) == motion);
    const frame touch{slot(2), contact(40), move_x(7), slot(2), move_x(8)};
    CHECK(execute(held, touch) == frame{slot(2), contact(40), move_x(7), move_x(8)});
    CHECK(execute(held, {slot(1), slot(2), contact(40)}).empty()); // the same contact again
    CHECK(execute(held, {slot(1), contact(-1), slot(2), contact(-1)}) ==
          frame{slot(2), contact(-1)});
    CHECK(held.neutral());
}

TEST_CASE("another contact in a slot that is down replaces the first") {
    held_set held;
    execute(held, {slot(0), contact(1), down(KEY_A)});
    CHECK(execute(held, {slot(0), contact(2)}) == frame{slot(0), contact(2)});
    CHECK(held.touches() == 1);
    CHECK(inverse(held) == frame{slot(0), contact(-1), up(KEY_A)}); // it is the latest press now
}

TEST_CASE("the inverse is all that is held, the last press first, touches included") {
    held_set held;
    execute(held, {down(KEY_LEFTCTRL), down(BTN_LEFT), slot(4), contact(9), down(KEY_C)});
    execute(held, {up(BTN_LEFT)});
    CHECK(inverse(held) == frame{up(KEY_C), slot(4), contact(-1), up(KEY_LEFTCTRL)});
    CHECK_FALSE(held.neutral()); // only said, not done
    CHECK(execute(held, inverse(held)).size() == 4);
    CHECK(held.neutral());
    CHECK(inverse(held).empty());
}

TEST_CASE("what the adapter did not accept stays held, at every split") {
    for (std::size_t n = 0; n <= 6; ++n) {
        held_set held;
        execute(held, {down(KEY_A), slot(0), contact(1), slot(1), contact(2), down(KEY_B)});
        const frame all = inverse(held); // B up, slot 1, -1, slot 0, -1, A up
        REQUIRE(all.size() == 6);
        held.commit(input_frame{all}.first(n));
        // A slot without the end of its contact has released nothing: it is sent again.
        const std::size_t done = n == 2 || n == 4 ? n - 1 : n;
        CHECK(inverse(held) == frame(all.begin() + static_cast<std::ptrdiff_t>(done), all.end()));
        CHECK(held.neutral() == (n == 6));
    }
}

TEST_CASE("an inverse in small parts releases the same in the same order") {
    const std::size_t room = GENERATE(as<std::size_t>{}, 2, 3, 5);
    held_set held;
    execute(held, {down(KEY_A), slot(0), contact(1), down(KEY_B), slot(1), contact(2)});
    const frame whole = inverse(held);
    frame parts;
    while (!held.neutral()) {
        const frame part = inverse(held, room);
        REQUIRE(!part.empty());
        parts.insert(parts.end(), part.begin(), part.end());
        held.commit(part);
    }
    CHECK(parts == whole);
    execute(held, {slot(0), contact(1)});
    CHECK(inverse(held, 1).empty()); // half a touch is none
    CHECK(inverse(held, 0).empty());
}

TEST_CASE("one key too many is refused and changes nothing, touches have their own room") {
    held_set held;
    for (std::uint16_t code = 1; code <= max_held_keys; ++code) execute(held, {down(code)});
    CHECK(held.keys() == max_held_keys);
    const std::uint16_t more = max_held_keys + 1;
    frame out(4);
    CHECK(held.filter(frame{down(more)}, out).error() == refusal::exhausted);
    CHECK(held.filter(frame{down(more), up(1)}, out).error() == refusal::exhausted);
    CHECK(filtered(held, {up(1), down(more)}).size() == 2);
    CHECK(filtered(held, {down(1), down(2)}).empty());
    CHECK(held.keys() == max_held_keys);
    for (std::int32_t n = 0; n < max_touches; ++n) execute(held, {slot(n), contact(n)});
    CHECK(held.touches() == max_touches);
    CHECK(inverse(held).size() == max_inverse_changes);
    CHECK(execute(held, inverse(held)).size() == max_inverse_changes);
    CHECK(held.neutral());
}

TEST_CASE("300 keys in frames: the cap holds, and all is released") {
    held_set held;
    std::size_t refused = 0;
    for (std::uint16_t code = 1; code <= 300; ++code) {
        frame out(1);
        const auto kept = held.filter(frame{down(code)}, out);
        if (kept) held.commit(*kept);
        if (!kept) ++refused;
    }
    CHECK(refused == 300 - max_held_keys);
    const frame releases = inverse(held);
    CHECK(releases.size() == max_held_keys);
    CHECK(releases.front() == up(max_held_keys));
    CHECK(releases.back() == up(1));
}

TEST_CASE("an invalid frame is refused by filter too") {
    const held_set held;
    frame out(2);
    CHECK(held.filter(frame{}, out).error() == refusal::invalid);
    CHECK(held.filter(frame{down(KEY_A), {EV_KEY, KEY_B, 2}}, out).error() == refusal::invalid);
    CHECK(held.filter(frame{slot(max_touches), contact(1)}, out).error() == refusal::invalid);
}

TEST_CASE("the inverse of a frame releases its own presses that it does not release itself") {
    held_set held;
    execute(held, {down(KEY_LEFTSHIFT)});
    const frame press = filtered(held, {down(KEY_LEFTSHIFT), down(KEY_A), slot(1), contact(3),
                                        move_x(5), down(KEY_B), up(KEY_A)});
    CHECK(inverted(press) == frame{up(KEY_B), slot(1), contact(-1)});
    held.commit(press);
    execute(held, inverted(press));
    CHECK(inverse(held) == frame{up(KEY_LEFTSHIFT)}); // pressed before, hence not its own
    CHECK(inverted({up(KEY_LEFTSHIFT), input_change::rel(REL_Y, 1)}).empty());
    CHECK(inverted({up(KEY_A), down(KEY_A)}) == frame{up(KEY_A)}); // released, pressed anew
}

TEST_CASE("when the device is gone, so is what it held") {
    held_set held;
    execute(held, {down(KEY_A), slot(0), contact(1)});
    held.clear();
    CHECK(held.neutral());
    CHECK(held.keys() == 0);
    CHECK(inverse(held).empty());
    CHECK(execute(held, {slot(0), contact(1)}).size() == 2);
}

TEST_CASE("nothing allocates") {
    held_set held;
    std::array<input_change, max_inverse_changes> out;
    const std::array f{down(KEY_A), slot(1), contact(1), down(KEY_B)};
    const auto allocations = vmsig::test::allocations_in([&] {
        held.commit(*held.filter(f, out));
        held.commit(held.inverse(out));
    });
    CHECK(held.neutral());
    CHECK(allocations == 0);
}

} // namespace
