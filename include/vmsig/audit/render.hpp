// Renders an audit record as one line of JSON (RFC 8259). Pure: bytes in, bytes out. Every word is
// a fixed name or a decimal number, so nothing that a guest or a peer chose can shape the line; a
// byte of no known meaning appears as a number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <vmsig/audit/names.hpp>
#include <vmsig/audit/record.hpp>

namespace vmsig {

/// Bytes that any record fits in, newline included.
inline constexpr std::size_t max_audit_line_bytes = 512;

namespace detail {

/// Appends the members of one JSON object while they fit.
class json_line {
public:
    constexpr explicit json_line(std::span<char> out)
        : out_{out} {}

    constexpr void member(std::string_view key, std::uint64_t number) {
        begin(key);
        digits(number);
    }
    constexpr void member(std::string_view key, std::int64_t number) {
        begin(key);
        if (number < 0) put('-');
        const auto bits = static_cast<std::uint64_t>(number);
        digits(number < 0 ? 0 - bits : bits);
    }
    /// The name, or the number when there is no name for it.
    constexpr void member(std::string_view key, std::string_view name, std::uint8_t number) {
        if (name.empty()) return member(key, std::uint64_t{number});
        begin(key);
        quoted(name);
    }
    /// The length of the line with its end, or 0 if it did not fit.
    constexpr std::size_t end() {
        if (empty_) put('{');
        put('}');
        put('\n');
        return fits_ ? size_ : 0;
    }

private:
    constexpr void put(char c) {
        if (size_ == out_.size()) fits_ = false;
        if (fits_) out_[size_++] = c;
    }
    constexpr void begin(std::string_view key) {
        put(empty_ ? '{' : ',');
        empty_ = false;
        quoted(key);
        put(':');
    }
    constexpr void quoted(std::string_view text) {
        put('"');
        for (const char c : text) {
            if (c == '"' || c == '\\') put('\\');
            put(c < ' ' ? '?' : c);
        }
        put('"');
    }
    constexpr void digits(std::uint64_t n) {
        char reversed[20]{};
        unsigned length = 0;
        do {
            reversed[length++] = static_cast<char>('0' + n % 10);
        } while ((n /= 10) != 0);
        while (length > 0) put(reversed[--length]);
    }

    std::span<char> out_;
    std::size_t size_ = 0;
    bool fits_ = true;
    bool empty_ = true;
};

constexpr std::string_view key_of(verdict_kind v) {
    switch (v) {
    case verdict_kind::refusal: return "refusal";
    case verdict_kind::outcome: return "outcome";
    case verdict_kind::lease_end: return "lease_end";
    case verdict_kind::none: break;
    }
    return "verdict";
}
constexpr std::string_view key_of(subject_kind s) {
    switch (s) {
    case subject_kind::verb: return "verb";
    case subject_kind::lease_class: return "lease_class";
    case subject_kind::right: return "right";
    case subject_kind::transition: return "transition";
    case subject_kind::none: break;
    }
    return "subject";
}

} // namespace detail

/// Writes the line, newline included, and returns its length; 0 if `out` is too small (its content
/// is then unspecified). Ids, numbers and flags of 0 are left out.
constexpr std::size_t render_json(const audit_record& r, std::span<char> out) {
    const bool known = static_cast<unsigned>(r.what) < decision_count;
    const decision_traits& traits = traits_of(r.what);
    detail::json_line line{out};
    const auto unless_0 = [&line](std::string_view key, std::uint64_t number) {
        if (number != 0) line.member(key, number);
    };
    line.member("number", r.number);
    line.member("time_ns", r.time.ns);
    line.member("decision", known ? traits.name : std::string_view{},
                static_cast<std::uint8_t>(r.what));
    if (traits.verdict != verdict_kind::none || r.verdict != 0)
        line.member(detail::key_of(traits.verdict), verdict_name(r), r.verdict);
    if (traits.subject != subject_kind::none || r.subject != 0)
        line.member(detail::key_of(traits.subject), subject_name(r), r.subject);
    unless_0("origin", r.origin.value);
    unless_0("endpoint", r.endpoint.value);
    unless_0("epoch", r.epoch.value);
    unless_0("serial", r.serial.value);
    unless_0("correlation", r.correlation.value);
    unless_0("flags", r.flags);
    unless_0(traits.detail.empty() ? "detail" : traits.detail, r.detail);
    return line.end();
}

} // namespace vmsig
