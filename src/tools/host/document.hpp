// document: a TOML text as a tree of values that know their places. What the values mean is the
// business of whoever asked for them. (The TOML library is not seen outside document.cpp: it takes
// seconds to compile.)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "findings.hpp"

namespace host {

struct value;
struct entry;
using list = std::vector<value>;
using table = std::vector<entry>; ///< in the order of the text

/// What the files of the host never hold: dates, fractions.
struct other_value {};

struct value {
    place where;
    std::variant<other_value, std::string, std::int64_t, bool, list, table> is;

    template <class T>
    const T* as() const {
        return std::get_if<T>(&is);
    }
};

struct entry {
    std::string key;
    place where; ///< of the key
    value holds;
};

/// For a sentence: "a text", "a list".
std::string_view kind_of(const value& v);

/// Nothing, and one finding, when it is not TOML: what follows an error of that kind has no
/// meaning.
std::optional<table> parse_document(std::string_view text, findings& found);

} // namespace host
