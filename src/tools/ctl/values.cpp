#include "values.hpp"

#include <cctype>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "trouble.hpp"

using namespace vmsig;

namespace ctl {

namespace {

template <class T>
bool all_of(std::string_view text, T& out, int base = 10) {
    const char* const end = text.data() + text.size();
    const auto [at, fault] = std::from_chars(text.data(), end, out, base);
    return fault == std::errc{} && at == end && !text.empty();
}

int digit_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

} // namespace

duration duration_of(std::string_view text) {
    double count = 0;
    const char* const end = text.data() + text.size();
    const auto [at, fault] = std::from_chars(text.data(), end, count);
    const std::string_view unit = text.substr(static_cast<std::size_t>(at - text.data()));
    double scale = 0;
    if (unit.empty() || unit == "s") scale = 1e9;
    if (unit == "us") scale = 1e3;
    if (unit == "ms") scale = 1e6;
    if (unit == "m" || unit == "min") scale = 60e9;
    if (unit == "h") scale = 3600e9;
    const double ns = count * scale;
    if (fault != std::errc{} || scale == 0 || !(ns >= 0) || ns > 1e18)
        throw misuse(fmt::format("`{}` is no length of time", text), "write 500ms, 2s, 1.5m or 1h");
    return duration{static_cast<std::int64_t>(std::llround(ns))};
}

std::uint64_t number_of(std::string_view text) {
    std::string_view digits = text;
    unsigned shift = 0;
    if (!digits.empty()) {
        const std::size_t unit = std::string_view{"KMG"}.find(digits.back());
        if (unit != std::string_view::npos) {
            shift = 10 * (static_cast<unsigned>(unit) + 1);
            digits.remove_suffix(1);
        }
    }
    int base = 10;
    if (digits.substr(0, 2) == "0x" || digits.substr(0, 2) == "0X") {
        base = 16;
        digits.remove_prefix(2);
    } else if (digits.size() > 1 && digits[0] == '0') {
        base = 8;
    }
    std::uint64_t n = 0;
    if (!all_of(digits, n, base) || n > UINT64_MAX >> shift)
        throw misuse(fmt::format("`{}` is no number", text), "write 4096, 0x1000 or 4K");
    return n << shift;
}

std::int32_t signed_of(std::string_view text) {
    std::int32_t n = 0;
    if (!text.empty() && text[0] == '+') text.remove_prefix(1);
    if (!all_of(text, n)) throw misuse(fmt::format("`{}` is no whole number", text));
    return n;
}

std::pair<std::int32_t, std::int32_t> pair_of(std::string_view text) {
    const std::size_t comma = text.find(',');
    if (comma == std::string_view::npos)
        throw misuse(fmt::format("`{}` is no pair", text), "write X,Y");
    return {signed_of(text.substr(0, comma)), signed_of(text.substr(comma + 1))};
}

std::vector<std::byte> bytes_of(std::string_view text) {
    std::vector<std::byte> out;
    int first = -1;
    for (const char c : text) {
        if (first < 0 && (c == ' ' || c == ':' || c == '\n')) continue;
        const int digit = digit_of(c);
        if (digit < 0) throw misuse(fmt::format("`{}` are no bytes", text), "write deadbeef");
        if (first < 0) {
            first = digit;
        } else {
            out.push_back(static_cast<std::byte>(first * 16 + digit));
            first = -1;
        }
    }
    if (first >= 0 || out.empty())
        throw misuse(fmt::format("`{}` are no bytes", text), "two hexadecimal digits a byte");
    return out;
}

std::string hex_of(const std::vector<std::byte>& bytes) {
    std::string out;
    for (const std::byte b : bytes) out += fmt::format("{:02x}", std::to_integer<unsigned>(b));
    return out;
}

std::string counted(std::uint64_t count, std::string_view units) {
    return fmt::format("{} {}", count, count == 1 ? units.substr(0, units.size() - 1) : units);
}

std::string text_of(duration d) {
    if (d.ns % 60'000'000'000 == 0 && d.ns != 0) return fmt::format("{}min", d.ns / 60'000'000'000);
    if (d.ns >= 1'000'000'000) return fmt::format("{:.4g}s", static_cast<double>(d.ns) / 1e9);
    return fmt::format("{:.4g}ms", static_cast<double>(d.ns) / 1e6);
}

} // namespace ctl
