// Rule: a key of the neutral codes reaches a PS/2 keyboard as the bytes of scancode set 1, no two
// keys as the same ones, and a key that such a keyboard lacks as none.
#include <vmsig/guest/scancodes.hpp>

#include <set>
#include <utility>
#include <vector>

#include <support/catch.hpp>

using namespace vmsig;

namespace {

std::vector<int> bytes(std::uint16_t key, bool down) {
    const scancode_bytes b = scancode_bytes_of(key, down);
    return {b.begin(), b.end()};
}

} // namespace

TEST_CASE("a key goes down as its code and up with bit 7") {
    CHECK(bytes(KEY_A, true) == std::vector{0x1e});
    CHECK(bytes(KEY_A, false) == std::vector{0x9e});
    CHECK(bytes(KEY_1, true) == std::vector{0x02});
    CHECK(bytes(KEY_F12, true) == std::vector{0x58});
    CHECK(bytes(KEY_LEFTSHIFT, false) == std::vector{0xaa});
    CHECK(bytes(KEY_CAPSLOCK, true) == std::vector{0x3a});
}

TEST_CASE("an extended key has its prefix both ways") {
    CHECK(bytes(KEY_UP, true) == std::vector{0xe0, 0x48});
    CHECK(bytes(KEY_UP, false) == std::vector{0xe0, 0xc8});
    CHECK(bytes(KEY_RIGHTALT, true) == std::vector{0xe0, 0x38});
    CHECK(bytes(KEY_DELETE, true) == std::vector{0xe0, 0x53});
}

TEST_CASE("what is no key of the board has no bytes") {
    CHECK(bytes(KEY_RESERVED, true).empty());
    CHECK(bytes(BTN_LEFT, true).empty());
    CHECK(bytes(KEY_MAX, true).empty());
    CHECK(bytes(0xffff, false).empty());
}

TEST_CASE("letters, digits, function keys, modifiers and the navigation block are all there") {
    constexpr std::uint16_t others[] = {
        KEY_F11,   KEY_F12,    KEY_RIGHTCTRL, KEY_RIGHTALT, KEY_LEFTMETA, KEY_RIGHTMETA,
        KEY_HOME,  KEY_UP,     KEY_PAGEUP,    KEY_LEFT,     KEY_RIGHT,    KEY_END,
        KEY_DOWN,  KEY_INSERT, KEY_DELETE,    KEY_PAGEDOWN, KEY_KPENTER,  KEY_KPSLASH,
        KEY_SYSRQ, KEY_PAUSE,  KEY_COMPOSE,   KEY_POWER};
    for (std::uint16_t key = KEY_ESC; key <= KEY_KPDOT; ++key) CHECK(scancode_of(key));
    for (const std::uint16_t key : others) CHECK(scancode_of(key));
}

TEST_CASE("no two keys share a scancode, and none looks like a release or a prefix") {
    std::set<std::pair<std::uint8_t, bool>> seen;
    for (std::uint16_t key = 0; key <= KEY_MAX; ++key) {
        const scancode s = scancode_of(key);
        if (!s) continue;
        CHECK(s.code < scancode_release);
        CHECK(seen.insert({s.code, s.extended}).second);
    }
    CHECK(seen.size() > 100);
}
