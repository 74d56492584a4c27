// output: what is printed, for people or, one JSON object a line, for programs. Text that a guest
// or a peer chose can not move the cursor or set a colour.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace ctl {

enum class colour : unsigned char { plain, bold, dim, red, green, yellow };

/// With everything that is not printable ASCII or UTF-8 written as \xNN, \n, \t.
std::string escaped(std::string_view text);

class output {
public:
    bool json = false;
    bool colours = false;

    /// A line; checks that it could be written.
    void line(std::string_view text);
    void object(const nlohmann::ordered_json& j);
    /// Bytes as they are.
    void raw(const void* bytes, std::size_t size);
    std::string paint(std::string_view text, colour c) const;
    /// Throws what kept the output from being written.
    void finish();
};

/// Columns as wide as what is in them; the last one is not padded.
class table {
public:
    explicit table(std::vector<std::string> head) { rows_.push_back(std::move(head)); }
    void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
    void print(output& out) const;

private:
    std::vector<std::vector<std::string>> rows_;
};

} // namespace ctl
