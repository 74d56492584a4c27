#include "keys.hpp"

#include <linux/input-event-codes.h>

#include <algorithm>

#include <fmt/format.h>

#include "trouble.hpp"
#include "values.hpp"

namespace ctl {

namespace {

struct named_key {
    std::string_view name;
    std::uint16_t code;
};

// clang-format off
constexpr named_key keys[] = {
    {"esc", KEY_ESC}, {"1", KEY_1}, {"2", KEY_2}, {"3", KEY_3}, {"4", KEY_4}, {"5", KEY_5},
    {"6", KEY_6}, {"7", KEY_7}, {"8", KEY_8}, {"9", KEY_9}, {"0", KEY_0}, {"minus", KEY_MINUS},
    {"equal", KEY_EQUAL}, {"backspace", KEY_BACKSPACE}, {"tab", KEY_TAB}, {"q", KEY_Q},
    {"w", KEY_W}, {"e", KEY_E}, {"r", KEY_R}, {"t", KEY_T}, {"y", KEY_Y}, {"u", KEY_U},
    {"i", KEY_I}, {"o", KEY_O}, {"p", KEY_P}, {"leftbrace", KEY_LEFTBRACE},
    {"rightbrace", KEY_RIGHTBRACE}, {"enter", KEY_ENTER}, {"ctrl", KEY_LEFTCTRL}, {"a", KEY_A},
    {"s", KEY_S}, {"d", KEY_D}, {"f", KEY_F}, {"g", KEY_G}, {"h", KEY_H}, {"j", KEY_J},
    {"k", KEY_K}, {"l", KEY_L}, {"semicolon", KEY_SEMICOLON}, {"apostrophe", KEY_APOSTROPHE},
    {"grave", KEY_GRAVE}, {"shift", KEY_LEFTSHIFT}, {"backslash", KEY_BACKSLASH}, {"z", KEY_Z},
    {"x", KEY_X}, {"c", KEY_C}, {"v", KEY_V}, {"b", KEY_B}, {"n", KEY_N}, {"m", KEY_M},
    {"comma", KEY_COMMA}, {"dot", KEY_DOT}, {"slash", KEY_SLASH}, {"rightshift", KEY_RIGHTSHIFT},
    {"alt", KEY_LEFTALT}, {"space", KEY_SPACE}, {"capslock", KEY_CAPSLOCK}, {"f1", KEY_F1},
    {"f2", KEY_F2}, {"f3", KEY_F3}, {"f4", KEY_F4}, {"f5", KEY_F5}, {"f6", KEY_F6},
    {"f7", KEY_F7}, {"f8", KEY_F8}, {"f9", KEY_F9}, {"f10", KEY_F10}, {"f11", KEY_F11},
    {"f12", KEY_F12}, {"numlock", KEY_NUMLOCK}, {"scrolllock", KEY_SCROLLLOCK},
    {"rightctrl", KEY_RIGHTCTRL}, {"sysrq", KEY_SYSRQ}, {"altgr", KEY_RIGHTALT},
    {"home", KEY_HOME}, {"up", KEY_UP}, {"pageup", KEY_PAGEUP}, {"left", KEY_LEFT},
    {"right", KEY_RIGHT}, {"end", KEY_END}, {"down", KEY_DOWN}, {"pagedown", KEY_PAGEDOWN},
    {"insert", KEY_INSERT}, {"delete", KEY_DELETE}, {"pause", KEY_PAUSE}, {"meta", KEY_LEFTMETA},
    {"rightmeta", KEY_RIGHTMETA}, {"menu", KEY_COMPOSE},
};

struct typed_key {
    std::uint16_t code;
    char plain;
    char shifted;
};
constexpr typed_key us_layout[] = {
    {KEY_GRAVE, '`', '~'}, {KEY_1, '1', '!'}, {KEY_2, '2', '@'}, {KEY_3, '3', '#'},
    {KEY_4, '4', '$'}, {KEY_5, '5', '%'}, {KEY_6, '6', '^'}, {KEY_7, '7', '&'}, {KEY_8, '8', '*'},
    {KEY_9, '9', '('}, {KEY_0, '0', ')'}, {KEY_MINUS, '-', '_'}, {KEY_EQUAL, '=', '+'},
    {KEY_LEFTBRACE, '[', '{'}, {KEY_RIGHTBRACE, ']', '}'}, {KEY_BACKSLASH, '\\', '|'},
    {KEY_SEMICOLON, ';', ':'}, {KEY_APOSTROPHE, '\'', '"'}, {KEY_COMMA, ',', '<'},
    {KEY_DOT, '.', '>'}, {KEY_SLASH, '/', '?'}, {KEY_SPACE, ' ', ' '}, {KEY_ENTER, '\n', '\n'},
    {KEY_TAB, '\t', '\t'},
};
// clang-format on

} // namespace

std::vector<std::string_view> key_names() {
    std::vector<std::string_view> out;
    for (const named_key& k : keys) out.push_back(k.name);
    return out;
}

std::uint16_t key_of(std::string_view name) {
    for (const named_key& k : keys)
        if (k.name == name) return k.code;
    if (name.size() > 1 && name[0] == '#') {
        const std::uint64_t code = number_of(name.substr(1));
        if (code != 0 && code < KEY_CNT) return static_cast<std::uint16_t>(code);
    }
    throw misuse(fmt::format("there is no key `{}`", name),
                 "a letter, a digit, or a name as in `enter`, `ctrl+alt+delete`; #N is the key "
                 "with that number in linux/input-event-codes.h");
}

std::vector<std::uint16_t> chord_of(std::string_view text) {
    std::vector<std::uint16_t> out;
    for (std::string_view rest = text;;) {
        const std::size_t plus = rest.find('+');
        const std::uint16_t key = key_of(rest.substr(0, plus));
        if (std::find(out.begin(), out.end(), key) != out.end())
            throw misuse(fmt::format("`{}` has a key twice", text));
        out.push_back(key);
        if (plus == std::string_view::npos) return out;
        rest.remove_prefix(plus + 1);
    }
}

stroke stroke_of(char c) {
    if (c >= 'a' && c <= 'z') return {key_of({&c, 1}), false};
    if (c >= 'A' && c <= 'Z') {
        const char lower = static_cast<char>(c - 'A' + 'a');
        return {key_of({&lower, 1}), true};
    }
    for (const typed_key& k : us_layout) {
        if (k.plain == c) return {k.code, false};
        if (k.shifted == c) return {k.code, true};
    }
    return {};
}

} // namespace ctl
