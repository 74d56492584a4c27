#include "output.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "trouble.hpp"

namespace ctl {

namespace {

/// The length of the UTF-8 sequence of a printable character at `at`; 0: none.
std::size_t sequence(std::string_view text, std::size_t at) {
    const auto byte = [&](std::size_t n) { return static_cast<unsigned char>(text[at + n]); };
    const unsigned char first = byte(0);
    std::size_t n = 0;
    if (first >= 0xc2 && first <= 0xdf) n = 2;
    if (first >= 0xe0 && first <= 0xef) n = 3;
    if (first >= 0xf0 && first <= 0xf4) n = 4;
    if (n == 0 || at + n > text.size()) return 0;
    for (std::size_t k = 1; k < n; ++k)
        if ((byte(k) & 0xc0) != 0x80) return 0;
    if (first == 0xc2 && byte(1) < 0xa0) return 0; // C1 controls
    if (first == 0xe0 && byte(1) < 0xa0) return 0;
    if (first == 0xed && byte(1) >= 0xa0) return 0; // surrogates
    if (first == 0xf0 && byte(1) < 0x90) return 0;
    if (first == 0xf4 && byte(1) >= 0x90) return 0;
    // What turns or hides text: U+200B..200F, U+2028..202E, U+2060..206F.
    if (first == 0xe2 && byte(1) == 0x80 &&
        ((byte(2) >= 0x8b && byte(2) <= 0x8f) || (byte(2) >= 0xa8 && byte(2) <= 0xae)))
        return 0;
    if (first == 0xe2 && byte(1) == 0x81 && byte(2) >= 0xa0) return 0;
    return n;
}

} // namespace

std::string escaped(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const char c = text[at];
        if (c >= ' ' && c < '\x7f' && c != '\\') {
            out += c;
            ++at;
        } else if (const std::size_t n = sequence(text, at); n != 0) {
            out += text.substr(at, n);
            at += n;
        } else {
            if (c == '\n')
                out += "\\n";
            else if (c == '\t')
                out += "\\t";
            else if (c == '\\')
                out += "\\\\";
            else
                out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
            ++at;
        }
    }
    return out;
}

void output::raw(const void* bytes, std::size_t size) {
    if (std::fwrite(bytes, 1, size, stdout) != size) finish();
}

void output::line(std::string_view text) {
    raw(text.data(), text.size());
    raw("\n", 1);
}

void output::object(const nlohmann::ordered_json& j) {
    line(j.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

std::string output::paint(std::string_view text, colour c) const {
    static constexpr const char* codes[] = {"0", "1", "2", "31", "32", "33"};
    if (!colours || c == colour::plain) return std::string{text};
    return fmt::format("\x1b[{}m{}\x1b[0m", codes[static_cast<unsigned>(c)], text);
}

void output::finish() {
    errno = 0;
    const bool flushed = std::fflush(stdout) == 0;
    if (flushed && std::ferror(stdout) == 0) return;
    const int why = errno;
    // Whoever read it has gone: nobody is left to be told more.
    if (why == EPIPE) throw trouble{failed, ""};
    throw trouble{failed, fmt::format("the output could not be written: {}",
                                      why != 0 ? std::strerror(why) : "error")};
}

void table::print(output& out) const {
    std::vector<std::size_t> widths(rows_.front().size());
    for (const auto& row : rows_)
        for (std::size_t n = 0; n < row.size(); ++n) widths[n] = std::max(widths[n], row[n].size());
    for (std::size_t r = 0; r < rows_.size(); ++r) {
        std::string text;
        for (std::size_t n = 0; n < rows_[r].size(); ++n) {
            const bool last = n + 1 == rows_[r].size();
            text += last ? rows_[r][n] : fmt::format("{:<{}}  ", rows_[r][n], widths[n]);
        }
        while (!text.empty() && text.back() == ' ') text.pop_back();
        out.line(r == 0 ? out.paint(text, colour::bold) : text);
    }
}

} // namespace ctl
