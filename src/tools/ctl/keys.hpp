// keys: the names of keys and buttons, and the US layout. Not what is done with them.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace ctl {

std::vector<std::string_view> key_names();
/// "a", "ctrl", "f1", "enter", "KEY_KATAKANA" is not among them but "#93" is: a number. Throws
/// `trouble`.
std::uint16_t key_of(std::string_view name);
/// "ctrl+alt+delete", each once. Throws `trouble`.
std::vector<std::uint16_t> chord_of(std::string_view text);

/// How a US keyboard types a character.
struct stroke {
    std::uint16_t key = 0; ///< 0: it can not
    bool shift = false;
};
stroke stroke_of(char c);

} // namespace ctl
