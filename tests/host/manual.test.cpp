// Rule: the manual page of grants files has an example that is one, and every word that they may
// hold.
#include <host/grants.hpp>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "names.hpp"

#include <support/catch.hpp>

using namespace vmsig;

namespace {

std::string page(const std::string& name) {
    std::stringstream all;
    all << std::ifstream{std::filesystem::path{VMSIG_HOST_MANUAL} / name}.rdbuf();
    REQUIRE_FALSE(all.str().empty());
    return all.str();
}
/// In quotation marks.
std::set<std::string> words_of(const std::string& line) {
    std::set<std::string> words;
    for (std::size_t at = 0; (at = line.find('"', at)) != std::string::npos;) {
        const std::size_t end = line.find('"', at + 1);
        if (end == std::string::npos) break;
        words.insert(line.substr(at + 1, end - at - 1));
        at = end + 1;
    }
    return words;
}

/// Knows everybody.
struct all_names : test::few_names {
    mutable std::uint32_t next = 0;
    std::optional<uid_t> user(const std::string&) const override { return ++next; }
    std::optional<gid_t> group(const std::string&) const override { return ++next; }
};

} // namespace

TEST_CASE("manual: the example of vmsig-grants is a grants file") {
    const std::string text = page("vmsig-grants.5");
    const std::size_t from = text.find(".EX\n") + 4;
    const auto g = host::parse_grants(text.substr(from, text.find(".EE") - from), all_names{});
    REQUIRE(g);
    CHECK(g->rules.size() == 2);
}

TEST_CASE("manual: vmsig-grants has every key, right and lane that a file may hold") {
    const std::string text = page("vmsig-grants.5");
    const auto g = host::parse_grants("[[grant]]\nusers = [1]\nlane = \"\"\nx = 1\n"
                                      "on = [{ endpoints = [\"a\"], rights = [\"\"] }]\n",
                                      all_names{});
    REQUIRE_FALSE(g);
    std::set<std::string> words;
    for (const std::string& line : g.error().lines("")) words.merge(words_of(line));
    words.erase("");
    words.erase("x");
    REQUIRE(words.size() > 20);
    for (const std::string& word : words) {
        INFO(word);
        CHECK(text.find(word) != std::string::npos);
    }
}
