// Reads one line of JSON that is a flat object of strings and integers, strictly by RFC 8259: the
// other side of the audit renderer, written apart from it.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace vmsig::test {

/// Member name -> string content or digits.
using flat_json = std::map<std::string, std::string>;

class flat_json_reader {
public:
    explicit flat_json_reader(std::string_view text)
        : text_{text} {}

    /// Nothing unless `text` is one whole object and a newline, with no member twice.
    std::optional<flat_json> read() {
        flat_json members;
        if (!take('{')) return {};
        do {
            const auto key = string();
            if (!key || !take(':')) return {};
            const auto value = peek() == '"' ? string() : integer();
            if (!value || !members.emplace(*key, *value).second) return {};
        } while (take(','));
        if (!take('}') || !take('\n') || at_ != text_.size()) return {};
        return members;
    }

private:
    char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    bool take(char c) {
        if (peek() != c) return false;
        ++at_;
        return true;
    }
    std::optional<std::string> string() {
        if (!take('"')) return {};
        std::string content;
        while (peek() != '"') {
            if (static_cast<unsigned char>(peek()) < 0x20) return {};
            if (take('\\') && peek() != '"' && peek() != '\\') return {};
            content += peek();
            ++at_;
        }
        ++at_;
        return content;
    }
    std::optional<std::string> integer() {
        const std::size_t start = at_;
        take('-');
        const std::size_t first = at_;
        while (peek() >= '0' && peek() <= '9') ++at_;
        if (at_ == first || (at_ - first > 1 && text_[first] == '0')) return {};
        return std::string{text_.substr(start, at_ - start)};
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

inline std::optional<flat_json> read_flat_json(std::string_view line) {
    return flat_json_reader{line}.read();
}

} // namespace vmsig::test
