// Each decision has a row in the one table, under a name of its own.
#include <vmsig/audit/decision.hpp>

#include <set>

#include <support/catch.hpp>

using namespace vmsig;

TEST_CASE("decision: each has a name, and no two the same") {
    std::set<std::string_view> names;
    for (const decision_traits& row : decisions) {
        CHECK_FALSE(row.name.empty());
        CHECK(row.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == row.name.npos);
        names.insert(row.name);
    }
    CHECK(names.size() == decision_count);
}

TEST_CASE("decision: the rows are in the order of the enumerators") {
    CHECK(traits_of(decision::none).name == "none");
    CHECK(traits_of(decision::detached).name == "detached");
    CHECK(traits_of(decision::lease_ended).name == "lease_ended");
    CHECK(traits_of(decision::command_ended).verdict == verdict_kind::outcome);
    CHECK(traits_of(decision::memctx_exported).name == "memctx_exported");
    CHECK(traits_of(decision::neutral).name == "neutral");
    CHECK(traits_of(decision::adapter_quarantined).name == "adapter_quarantined");
    CHECK(traits_of(decision::lost).name == "lost");
}

TEST_CASE("decision: a refusal says why") {
    for (const decision_traits& row : decisions) {
        const bool refuses = row.name.find("refused") != row.name.npos;
        if (refuses) CHECK(row.verdict == verdict_kind::refusal);
    }
}

TEST_CASE("decision: a byte that names none is looked up as none") {
    CHECK(traits_of(static_cast<decision>(decision_count)).name == "none");
    CHECK(traits_of(static_cast<decision>(255)).name == "none");
}
