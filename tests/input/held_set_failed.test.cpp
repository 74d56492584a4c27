// Rule: what a frame that failed speaks of may be down or up: it counts as held until it has been
// released for sure, and nothing that is said of it is a repetition.
#include <vmsig/input/held_set.hpp>

#include <cstdint>
#include <vector>

#include <support/catch.hpp>

namespace {

using namespace vmsig;
using frame = std::vector<input_change>;

constexpr input_change down(std::uint16_t code) { return input_change::key(code, true); }
constexpr input_change up(std::uint16_t code) { return input_change::key(code, false); }
constexpr input_change slot(std::int32_t n) { return input_change::touch_slot(n); }
constexpr input_change contact(std::int32_t id) { return input_change::touch_id(id); }

frame execute(held_set& held, const frame& f) {
    frame out(f.size());
    const auto kept = held.filter(f, out);
    REQUIRE(kept);
    held.commit(*kept);
    return {kept->begin(), kept->end()};
}
void execute_in_vain(held_set& held, const frame& f) { held.failed(execute(held, f)); }
frame inverse(const held_set& held) {
    frame out(max_inverse_changes);
    const auto releases = held.inverse(out);
    return {releases.begin(), releases.end()};
}

TEST_CASE("a press that failed may be down: it is released, and may be pressed again") {
    held_set held;
    execute_in_vain(held, {down(KEY_A)});
    CHECK(held.holds_key(KEY_A));
    CHECK(inverse(held) == frame{up(KEY_A)});
    CHECK(execute(held, {down(KEY_A)}) == frame{down(KEY_A)}); // no repetition
    CHECK(execute(held, {down(KEY_A)}).empty());               // now it is one
    CHECK(held.keys() == 1);
}

TEST_CASE("a release that failed may not have happened: the key is released again") {
    held_set held;
    execute(held, {down(KEY_A)});
    execute_in_vain(held, {up(KEY_A)});
    CHECK(held.holds_key(KEY_A));
    CHECK(inverse(held) == frame{up(KEY_A)});
    CHECK(execute(held, {up(KEY_A)}) == frame{up(KEY_A)});
    CHECK(held.neutral());
}

TEST_CASE("a touch that failed to begin is ended, in its own slot") {
    held_set held;
    execute_in_vain(held, {slot(3), contact(40), slot(5), contact(41)});
    CHECK(held.touches() == 2);
    CHECK(inverse(held) == frame{slot(5), contact(-1), slot(3), contact(-1)});
    CHECK(execute(held, {slot(3), contact(40)}) == frame{slot(3), contact(40)});
    CHECK(execute(held, {slot(3), contact(40)}).empty());
    CHECK(held.touches() == 2);
}

TEST_CASE("a touch that failed to end is ended again") {
    held_set held;
    execute(held, {slot(3), contact(40)});
    execute_in_vain(held, {slot(3), contact(-1)});
    CHECK(held.holds_touch(3));
    CHECK(inverse(held) == frame{slot(3), contact(-1)});
}

TEST_CASE("movements that failed hold nothing") {
    held_set held;
    execute_in_vain(held, {input_change::rel(REL_X, 3), input_change::abs(ABS_X, 9)});
    CHECK(held.neutral());
    execute(held, {slot(1), contact(7)});
    execute_in_vain(held, {slot(1), input_change::abs(ABS_MT_POSITION_X, 5)});
    CHECK(held.touches() == 1);
    CHECK(execute(held, {slot(1), contact(7)}).empty()); // the contact itself is not in doubt
}

TEST_CASE("with as many keys held as fit, a release that failed takes no other's place") {
    held_set held;
    for (std::uint16_t code = 1; code <= max_held_keys; ++code) execute(held, {down(code)});
    execute_in_vain(held, {up(1), down(max_held_keys + 1)});
    CHECK(held.keys() == max_held_keys);
    CHECK(held.holds_key(max_held_keys + 1));
    for (std::uint16_t code = 2; code <= max_held_keys; ++code) CHECK(held.holds_key(code));
}

} // namespace
