// Rule: a grants file is read strictly: everything that is wrong with it is said, with its place.
#include <host/grants.hpp>

#include "names.hpp"

#include <random>

#include <support/catch.hpp>

using namespace vmsig;
using namespace vmsig::test;

namespace {

/// What is wrong with a text: "line:column: what", a line each.
std::vector<std::string> wrong_with(std::string_view text) {
    const auto g = host::parse_grants(text, few_names{});
    if (g) return {};
    REQUIRE_FALSE(g.error().empty());
    auto lines = g.error().lines("");
    for (std::string& line : lines) line.erase(0, 1);
    return lines;
}

struct fault {
    std::string_view text; ///< lines
    std::string_view said; ///< the one thing that is wrong
};

constexpr std::string_view good = R"([[grant]]
users = ["alice"]
groups = ["operators"]
rank = 7
lane = "normal"
sources = ["lifecycle"]
pending = 16
on = [{ endpoints = ["build-*"], rights = ["observe", "input"] }]
)";

/// `good` without the line that begins so, and with another one in its place.
std::string with(std::string_view beginning, std::string_view line) {
    std::string text{good};
    const std::size_t at = text.find(beginning);
    REQUIRE(at != std::string::npos);
    return text.replace(at, text.find('\n', at) - at, line);
}

} // namespace

TEST_CASE("parse_grants: a good file has no errors, nor has an empty one") {
    CHECK(wrong_with(good).empty());
    CHECK(wrong_with("").empty());
    CHECK(wrong_with("# nobody\n").empty());
}

TEST_CASE("parse_grants: each error is told with its line and column, and what was expected") {
    const std::string rights_line = "on = [{ endpoints = [\"build-*\"], rights = ";
    for (const auto& [text, said] : std::initializer_list<std::pair<std::string, std::string>>{
             {"users = [", "1:10: "},
             {"x = 1\nx = 2\n", "2:5: "},
             {"[[grand]]\nx = 1\n",
              "1:3: a grants file: unknown key \"grand\", expected \"grant\""},
             {"grant = 1\n", "1:9: grant: expected a list, found 1"},
             {"grant = [1]\n", "1:10: grant: expected a list of tables, found 1"},
             {with("users", "usres = [\"alice\"]"),
              "2:1: a grant: unknown key \"usres\", expected "},
             {with("users", "users = \"alice\""), "2:9: users: expected a list, found \"alice\""},
             {with("users", "users = [\"alice\", true]"),
              "2:19: users: expected a name or a number, found true or false"},
             {with("users", "users = [\"mallory\"]"), "2:10: users: no user is called \"mallory\""},
             {with("users", "users = [\"alice\", 1000]"),
              "2:19: users: the user 1000 is named in line 2 already"},
             {with("users", "users = [-1]"),
              "2:10: users: expected a number from 0 to 4294967294, found -1"},
             {with("users", "users = [4294967295]"),
              "2:10: users: expected a number from 0 to 4294967294, found 4294967295"},
             {with("users", "users = [\"*\", \"*\"]"), "2:15: users: \"*\" twice"},
             {with("groups", "groups = [\"alice\"]"), "3:11: groups: no group is called \"alice\""},
             {with("groups", "groups = [\"*\"]"), "3:11: groups: no group is called \"*\""},
             {with("rank", "rank = \"high\""),
              "4:8: rank: expected a whole number from 0 to 4294967294, found \"high\""},
             {with("rank", "rank = 4294967295"),
              "4:8: rank: expected a whole number from 0 to 4294967294, found 4294967295"},
             {with("rank", "rank = 7.0"), "4:8: rank: expected a whole number from 0 to "
                                          "4294967294, found a date or a fraction"},
             {with("lane", "lane = \"fast\""),
              "5:1: lane: no lane is called \"fast\", expected \"safety\", \"high\", \"normal\" or "
              "\"bulk\""},
             {with("sources", "sources = [\"lifecycle\", \"keys\"]"),
              "6:25: sources: no source is called \"keys\", expected \"lifecycle\", \"console\" or "
              "\"tick\""},
             {with("sources", "sources = [\"tick\", \"tick\"]"), "6:20: sources: \"tick\" twice"},
             {with("sources", "sources = [1]"),
              "6:12: sources: expected the name of a source, found 1"},
             {with("pending", "pending = 257"),
              "7:11: pending: expected a whole number from 0 to 256, found 257"},
             {with("on", "on = 1"), "8:6: on: expected a list, found 1"},
             {with("on", "rank2 = 1\non = []"), "8:1: a grant: unknown key \"rank2\", expected "},
             {with("on", ""), "1:1: a grant: the key \"on\" is missing"},
             {with("on", "on = [{ rights = [\"observe\"] }]"),
              "8:7: \"on\": the key \"endpoints\" is missing"},
             {with("on", "on = [{ endpoints = [], rights = [\"observe\"] }]"),
              "8:9: endpoints: the list is empty"},
             {with("on", "on = [{ endpoints = [\"\"], rights = [\"observe\"] }]"),
              "8:22: endpoints: expected a name of 1 to 63 bytes, in which * stands for anything, "
              "found \"\""},
             {with("on", "on = [{ endpoints = [\"a\", \"a\"], rights = [\"observe\"] }]"),
              "8:27: endpoints: \"a\" is in line 8 of this grant already"},
             {with("on", rights_line + "[] }]"), "8:34: rights: the list is empty"},
             {with("on", rights_line + "[\"fly\"] }]"), "8:44: rights: no right is called \"fly\""},
             {with("on", rights_line + "[\"input\", \"input\"] }]"),
              "8:53: rights: \"input\" twice"},
             {with("on", rights_line + "[\"input\"], rank = 1 }]"),
              "8:54: \"on\": unknown key \"rank\", expected \"endpoints\" or \"rights\""},
         }) {
        INFO(text);
        const auto found = wrong_with(text);
        REQUIRE(found.size() == 1);
        INFO(found[0]);
        CHECK(found[0].starts_with(said));
    }
}

TEST_CASE("parse_grants: whoever is named is named once, and somebody is") {
    CHECK(wrong_with("[[grant]]\non = []\n") ==
          std::vector<std::string>{"1:1: a grant: names nobody, expected \"users\" or \"groups\""});
    const auto twice = wrong_with("[[grant]]\nusers = [\"alice\"]\non = []\n"
                                  "[[grant]]\nusers = [1000]\non = []\n");
    REQUIRE(twice.size() == 1);
    CHECK(twice[0].starts_with("5:10: users: the user 1000 is named in line 2 already"));
    const auto unused = wrong_with("[[grant]]\nusers = [\"*\"]\non = []\n"
                                   "[[grant]]\nusers = [\"alice\"]\non = []\n");
    REQUIRE(unused.size() == 1);
    CHECK(unused[0] == "4:1: never used: the grant in line 1 is for everybody");
}

TEST_CASE("parse_grants: all errors of a file are told, in the order of its lines") {
    const auto found = wrong_with(R"([[grant]]
users = ["mallory", "alice"]
rank = -1
colour = "red"
on = [{ endpoints = ["a"], rights = ["fly", "swim"] }]
[[grant]]
users = ["alice"]
lane = 3
on = [{ rights = ["observe"] }, 7]
)");
    std::vector<std::string> places;
    for (const std::string& line : found) places.push_back(line.substr(0, line.find(": ")));
    CHECK(places == std::vector<std::string>{"2:10", "3:8", "4:1", "5:38", "5:45", "7:10", "8:8",
                                             "9:7", "9:33"});
}

TEST_CASE("parse_grants: a name that is not known gives nobody anything") {
    // The whole file is refused: half of what was meant could be more than was meant.
    const std::string text{with("users", "users = [\"mallory\"]")};
    CHECK_FALSE(host::parse_grants(text, few_names{}));
}

TEST_CASE("parse_grants: what shapes a line or a terminal is not repeated") {
    const auto found = wrong_with("[[grant]]\nusers = [\"a\\n\\u001b[31m\\u007f\"]\non = []\n");
    REQUIRE(found.size() == 1);
    CHECK(found[0] == "2:10: users: no user is called \"a??[31m?\"");
    const auto tab = wrong_with("grant = [n\ta]\n"); // in the words of the TOML library
    REQUIRE(tab.size() == 1);
    CHECK(tab[0].find('\t') == std::string::npos);
    CHECK(wrong_with("x = 1\n[x." + std::string(100'000, 'y') + "]\n")[0].size() < 500);
    const auto longest = wrong_with("[[grant]]\nusers = [\"" + std::string(100'000, 'x') + "\"]\n");
    REQUIRE(longest.size() == 2);
    CHECK(longest[1].size() < 200);
}

TEST_CASE("parse_grants: a key of more parts than anybody means is refused before it is built") {
    const auto key = [](std::size_t parts) {
        std::string text = "a";
        while (--parts != 0) text += ".a";
        return text;
    };
    CHECK(wrong_with(key(16) + " = 1\n")[0].starts_with("1:1: a grants file: unknown key \"a\""));
    // Each a table in the one before it.
    for (const std::size_t parts : {std::size_t{17}, std::size_t{500'000}}) {
        const std::string said = "a key of more than 16 parts";
        CHECK(wrong_with(key(parts) + " = 1\n") == std::vector<std::string>{"1:32: " + said});
        CHECK(wrong_with("\n[[ " + key(parts) + "]]\n") ==
              std::vector<std::string>{"2:35: " + said});
        CHECK(wrong_with("x = { \"\u00e9\" . " + key(parts) + " = 1 }\n=") ==
              std::vector<std::string>{"1:42: " + said});
    }
    // Dots elsewhere are no parts.
    std::string dots(100, '.');
    const auto quoted_in = [&dots](const std::string& mark) {
        return wrong_with("x = [" + mark + dots + mark + ", 1.5]\n")[0];
    };
    for (const char* mark : {"\"", "'", "\"\"\"", "'''"})
        CHECK(quoted_in(mark).starts_with("1:1: a grants file: unknown key \"x\""));
    CHECK(wrong_with("# " + dots + "\n" + std::string{good} + "#" + dots).empty());
    CHECK(
        wrong_with("x = ['''" + dots + "''''', \"\\\"" + dots + "\", \"\", \"" + dots + "\"]\n")[0]
            .starts_with("1:1: a grants file: unknown key"));
}

TEST_CASE("parse_grants: whatever the bytes are, they are grants or errors within the text") {
    std::mt19937 random{20261};
    const auto below = [&random](std::size_t n) { return random() % n; };
    unsigned refused = 0;
    for (int round = 0; round < 3000; ++round) {
        std::string text{good};
        for (std::size_t changes = 1 + below(6); changes != 0; --changes) {
            const std::size_t at = below(text.size());
            switch (below(4)) {
            case 0: text[at] = static_cast<char>(below(256)); break;
            case 1: text.erase(at, 1 + below(12)); break;
            case 2: text.insert(at, good.substr(below(good.size()), below(40))); break;
            default: text.insert(at, 1, "[]{}\"=,.#\n"[below(10)]); break;
            }
        }
        const auto g = host::parse_grants(text, few_names{});
        if (g) continue;
        ++refused;
        const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
        for (const host::finding& f : g.error().sorted()) {
            CHECK(f.where.line >= 1);
            CHECK(f.where.line <= lines + 1);
            CHECK_FALSE(f.what.empty());
        }
    }
    CHECK(refused > 1000);
    CHECK(refused < 3000);
    CHECK(wrong_with(std::string(100'000, '[')).size() == 1);
}
