// table_reader: looking up, and saying what is wrong.
#include "table_reader.hpp"

#include <algorithm>

namespace host {

std::string quoted(std::string_view text) {
    constexpr std::size_t longest = 64;
    std::string out = "\"";
    for (const char c : text.substr(0, longest)) out += shapes_a_line(c) ? '?' : c;
    return out + (text.size() > longest ? "...\"" : "\"");
}

std::string one_of(const std::vector<std::string_view>& words) {
    std::string out;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i != 0) out += i + 1 == words.size() ? " or " : ", ";
        out += quoted(words[i]);
    }
    return out;
}

const entry* table_reader::at(std::string_view key) const {
    const auto found =
        std::find_if(from_.begin(), from_.end(), [key](const entry& e) { return e.key == key; });
    return found == from_.end() ? nullptr : &*found;
}

const entry* table_reader::find(std::string_view key, need n) {
    asked_.push_back(key);
    if (const entry* e = at(key)) return e;
    if (n == need::required)
        found_.add(where_, std::string{what_} + ": the key " + quoted(key) + " is missing");
    return nullptr;
}

void table_reader::wrong(const value& v, std::string_view key, std::string_view expected,
                         std::string_view hint) {
    std::string found{kind_of(v)};
    if (const auto* text = v.as<std::string>()) found = quoted(*text);
    if (const auto* number = v.as<std::int64_t>()) found = std::to_string(*number);
    found_.add(v.where, std::string{key} + ": expected " + std::string{expected} + ", found " +
                            found + std::string{hint});
}

std::optional<std::string> table_reader::text(std::string_view key, need n) {
    const entry* e = find(key, n);
    if (!e) return {};
    if (const auto* text = e->holds.as<std::string>()) return *text;
    wrong(e->holds, key, "a text");
    return {};
}

std::optional<bool> table_reader::flag(std::string_view key) {
    const entry* e = find(key, need::optional);
    if (!e) return {};
    if (const auto* flag = e->holds.as<bool>()) return *flag;
    wrong(e->holds, key, "true or false");
    return {};
}

std::optional<std::int64_t> table_reader::number(std::string_view key, std::int64_t least,
                                                 std::int64_t most, std::string_view hint) {
    const entry* e = find(key, need::optional);
    if (!e) return {};
    const auto* n = e->holds.as<std::int64_t>();
    if (n && *n >= least && *n <= most) return *n;
    wrong(e->holds, key,
          "a whole number from " + std::to_string(least) + " to " + std::to_string(most),
          n ? hint : std::string_view{});
    return {};
}

const list& table_reader::values(std::string_view key, need n) {
    static const list none;
    const entry* e = find(key, n);
    if (!e) return none;
    if (const auto* l = e->holds.as<list>()) return *l;
    wrong(e->holds, key, "a list");
    return none;
}

void table_reader::done() {
    for (const entry& e : from_) {
        if (std::find(asked_.begin(), asked_.end(), e.key) != asked_.end()) continue;
        found_.add(e.where, std::string{what_} + ": unknown key " + quoted(e.key) + ", expected " +
                                one_of(asked_));
    }
}

} // namespace host
