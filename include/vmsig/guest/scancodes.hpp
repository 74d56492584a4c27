// scancodes: evdev key codes as the bytes that a PS/2 keyboard sends after translation, scancode
// set 1. For virtual machines whose keyboard is an 8042. Not a layout: a key is a place, and what
// is printed on it is the guest's affair.
//
// Source: the kernel's drivers/input/keyboard/atkbd.c read backwards (evdev's first 88 codes are
// the set 1 codes of the 102-key board), and the USB HID to PS/2 translation table, revision 1.1.
#pragma once

#include <linux/input-event-codes.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace vmsig {

/// What the keyboard sends when a key goes down; its release sets bit 7 of the code.
struct scancode {
    std::uint8_t code = 0; ///< 0: no such key
    bool extended = false; ///< 0xe0 comes first

    constexpr explicit operator bool() const { return code != 0; }
    friend constexpr bool operator==(scancode, scancode) = default;
};

inline constexpr std::uint8_t scancode_release = 0x80;
inline constexpr std::uint8_t scancode_extension = 0xe0;

/// The bytes of one change, in order.
struct scancode_bytes {
    std::array<std::uint8_t, 2> byte{};
    std::uint8_t size = 0; ///< 0: no such key

    constexpr const std::uint8_t* begin() const { return byte.data(); }
    constexpr const std::uint8_t* end() const { return byte.data() + size; }
};

namespace detail {

inline constexpr std::size_t scancode_keys = 256;

constexpr std::array<scancode, scancode_keys> make_scancodes() {
    struct pair {
        std::uint16_t key;
        std::uint8_t code;
    };
    constexpr pair plain[] = {
        {KEY_102ND, 0x56}, {KEY_F11, 0x57},     {KEY_F12, 0x58},    {KEY_KPEQUAL, 0x59},
        {KEY_F13, 0x64},   {KEY_F14, 0x65},     {KEY_F15, 0x66},    {KEY_F16, 0x67},
        {KEY_F17, 0x68},   {KEY_F18, 0x69},     {KEY_F19, 0x6a},    {KEY_F20, 0x6b},
        {KEY_F21, 0x6c},   {KEY_F22, 0x6d},     {KEY_F23, 0x6e},    {KEY_KATAKANAHIRAGANA, 0x70},
        {KEY_RO, 0x73},    {KEY_F24, 0x76},     {KEY_HENKAN, 0x79}, {KEY_MUHENKAN, 0x7b},
        {KEY_YEN, 0x7d},   {KEY_KPCOMMA, 0x7e},
    };
    constexpr pair extended[] = {
        {KEY_PREVIOUSSONG, 0x10}, {KEY_NEXTSONG, 0x19}, {KEY_KPENTER, 0x1c},
        {KEY_RIGHTCTRL, 0x1d},    {KEY_MUTE, 0x20},     {KEY_CALC, 0x21},
        {KEY_PLAYPAUSE, 0x22},    {KEY_STOPCD, 0x24},   {KEY_VOLUMEDOWN, 0x2e},
        {KEY_VOLUMEUP, 0x30},     {KEY_HOMEPAGE, 0x32}, {KEY_KPSLASH, 0x35},
        {KEY_SYSRQ, 0x37},        {KEY_RIGHTALT, 0x38}, {KEY_PAUSE, 0x46},
        {KEY_HOME, 0x47},         {KEY_UP, 0x48},       {KEY_PAGEUP, 0x49},
        {KEY_LEFT, 0x4b},         {KEY_RIGHT, 0x4d},    {KEY_END, 0x4f},
        {KEY_DOWN, 0x50},         {KEY_PAGEDOWN, 0x51}, {KEY_INSERT, 0x52},
        {KEY_DELETE, 0x53},       {KEY_LEFTMETA, 0x5b}, {KEY_RIGHTMETA, 0x5c},
        {KEY_COMPOSE, 0x5d},      {KEY_POWER, 0x5e},    {KEY_SLEEP, 0x5f},
        {KEY_WAKEUP, 0x63},       {KEY_SEARCH, 0x65},   {KEY_BOOKMARKS, 0x66},
        {KEY_REFRESH, 0x67},      {KEY_STOP, 0x68},     {KEY_FORWARD, 0x69},
        {KEY_BACK, 0x6a},         {KEY_COMPUTER, 0x6b}, {KEY_MAIL, 0x6c},
    };
    std::array<scancode, scancode_keys> table{};
    for (std::uint8_t key = KEY_ESC; key <= KEY_KPDOT; ++key) table[key] = {key, false};
    for (const pair& p : plain) table[p.key] = {p.code, false};
    for (const pair& p : extended) table[p.key] = {p.code, true};
    return table;
}

inline constexpr std::array<scancode, scancode_keys> scancodes = make_scancodes();

} // namespace detail

/// Of a KEY_* code. KEY_PAUSE is told by its code with Ctrl held (e0 46), which has a release.
constexpr scancode scancode_of(std::uint16_t key) {
    return key < detail::scancode_keys ? detail::scancodes[key] : scancode{};
}

constexpr scancode_bytes scancode_bytes_of(std::uint16_t key, bool down) {
    const scancode s = scancode_of(key);
    scancode_bytes out;
    if (!s) return out;
    if (s.extended) out.byte[out.size++] = scancode_extension;
    out.byte[out.size++] = static_cast<std::uint8_t>(s.code | (down ? 0 : scancode_release));
    return out;
}

} // namespace vmsig
