// findings: what is wrong in a file of the host's, each with its place. A file is read to its end,
// so that one look at it mends everything.
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace host {

/// In a text, both from 1; 0: the text as a whole.
struct place {
    std::uint32_t line = 0;
    std::uint32_t column = 0;
    friend constexpr auto operator<=>(const place&, const place&) = default;
};

struct finding {
    place where;
    std::string what;
};

/// Of a byte: that it would do more to a line, or a terminal, than stand in it.
inline bool shapes_a_line(char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }

class findings {
public:
    /// As one line of bounded length: what a file holds can be in it, by way of the TOML library.
    void add(place where, std::string what) {
        constexpr std::size_t longest = 400;
        if (what.size() > longest) what.replace(longest, std::string::npos, "...");
        std::replace_if(what.begin(), what.end(), shapes_a_line, '?');
        all_.push_back({where, std::move(what)});
    }
    bool empty() const { return all_.empty(); }
    std::size_t size() const { return all_.size(); }
    /// In the order of the text.
    std::vector<finding> sorted() const {
        std::vector<finding> in_order = all_;
        std::stable_sort(in_order.begin(), in_order.end(),
                         [](const finding& a, const finding& b) { return a.where < b.where; });
        return in_order;
    }
    /// "file:line:column: what", as compilers say it.
    std::vector<std::string> lines(std::string_view file) const {
        std::vector<std::string> out;
        for (const finding& f : sorted()) {
            std::string line{file};
            // Piece by piece: of "" + std::string g++ 12 warns when it optimises.
            if (f.where.line != 0) {
                line += ':';
                line += std::to_string(f.where.line);
                line += ':';
                line += std::to_string(f.where.column);
            }
            line += ": ";
            line += f.what;
            out.push_back(std::move(line));
        }
        return out;
    }

private:
    std::vector<finding> all_;
};

} // namespace host
