// document: from the tree of the TOML library to the host's own.
#include "document.hpp"

#include <algorithm>

// Where the library is compiled here (on Debian it is not): its parser asserts of "[*" what it then
// answers with an error.
#define TOML_ASSERT(condition) static_cast<void>(0)
#include <toml++/toml.h>

namespace host {
namespace {

/// Looks for a key of too many parts. Each part is a table in the one before it, and the library
/// walks tables by calling itself: it bounds how deep values nest, and not how long keys are.
class key_lengths {
public:
    static constexpr unsigned most_parts = 16;

    explicit key_lengths(std::string_view text)
        : left_{text} {}

    /// Where the first one becomes too long, if one does.
    std::optional<place> too_long() {
        for (unsigned dots = 0; !left_.empty();) {
            const char c = next();
            if (c == '#') skip_comment();
            if (c == '"' || c == '\'') skip_text(c);
            if (c == '.' && ++dots >= most_parts) return place{at_.line, at_.column - 1};
            if (std::string_view{"\n\r=,[]{}"}.find(c) != std::string_view::npos) dots = 0;
        }
        return {};
    }

private:
    char next() {
        const char c = left_.front();
        left_.remove_prefix(1);
        at_.column += (c & 0xc0) != 0x80 ? 1 : 0; // characters, of one byte or more
        if (c == '\n') at_ = {at_.line + 1, 1};
        return c;
    }
    bool ends_line() const { return left_.front() == '\n' || left_.front() == '\r'; }
    void skip_comment() {
        while (!left_.empty() && !ends_line()) next();
    }
    /// Behind its opening quotation mark.
    void skip_text(char mark) {
        const std::string three(3, mark);
        const bool long_one = left_.starts_with(std::string_view{three}.substr(1));
        if (long_one) next(), next();
        while (!left_.empty() && (long_one || !ends_line())) {
            if (long_one ? left_.starts_with(three) : left_.front() == mark) break;
            if (next() == '\\' && mark == '"' && !left_.empty()) next();
        }
        // A long one may end in as many as two marks of its own.
        for (unsigned n = long_one ? 5 : 1; n > 0 && left_.starts_with(mark); --n) next();
    }

    std::string_view left_;
    place at_{1, 1};
};

place place_of(const toml::source_region& s) { return {s.begin.line, s.begin.column}; }

value converted(const toml::node& n);

list converted(const toml::array& a) {
    list out;
    out.reserve(a.size());
    for (const toml::node& n : a) out.push_back(converted(n));
    return out;
}

table converted(const toml::table& t) {
    table out;
    out.reserve(t.size());
    for (const auto& [key, n] : t)
        out.push_back({std::string{key.str()}, place_of(key.source()), converted(n)});
    std::stable_sort(out.begin(), out.end(),
                     [](const entry& a, const entry& b) { return a.where < b.where; });
    return out;
}

// Calls itself as often as values nest, which the library bounds, and keys have parts.
value converted(const toml::node& n) {
    value v{place_of(n.source()), {}};
    if (const auto* text = n.as_string())
        v.is = text->get();
    else if (const auto* number = n.as_integer())
        v.is = number->get();
    else if (const auto* flag = n.as_boolean())
        v.is = flag->get();
    else if (const auto* a = n.as_array())
        v.is = converted(*a);
    else if (const auto* t = n.as_table())
        v.is = converted(*t);
    return v;
}

} // namespace

std::string_view kind_of(const value& v) {
    constexpr std::string_view words[] = {"a date or a fraction", "a text", "a whole number",
                                          "true or false",        "a list", "a table"};
    return words[v.is.index()];
}

std::optional<table> parse_document(std::string_view text, findings& found) {
    if (const auto at = key_lengths{text}.too_long()) {
        found.add(*at, "a key of more than " + std::to_string(key_lengths::most_parts) + " parts");
        return {};
    }
    try {
        return converted(toml::parse(text));
    } catch (const toml::parse_error& e) {
        found.add(place_of(e.source()), std::string{e.description()});
        return {};
    }
}

} // namespace host
