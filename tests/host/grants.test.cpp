// Rule: what no grant says is denied, and what one says holds for whom it names, and nobody else.
#include <host/grants.hpp>

#include "names.hpp"

#include <support/catch.hpp>

using namespace vmsig;
using namespace vmsig::test;
using host::named_endpoint;

namespace {

host::grants parsed(std::string_view text) {
    auto g = host::parse_grants(text, few_names{});
    if (!g)
        for (const std::string& line : g.error().lines("grants")) UNSCOPED_INFO(line);
    REQUIRE(g);
    return std::move(*g);
}

const endpoint_id build7 = endpoint_id::make(1, 1), build8 = endpoint_id::make(2, 1),
                  db = endpoint_id::make(3, 1), unheard_of = endpoint_id::make(60, 1);
const std::vector<named_endpoint> machines{{build7, "build-7"}, {build8, "build-8"}, {db, "db-1"}};

std::optional<grant> given(const host::grants& g, const peer_identity& who,
                           const std::vector<named_endpoint>& there = machines) {
    const host::rule* r = g.rule_for(who);
    return r ? host::grants::grant_by(*r, there) : std::nullopt;
}

constexpr std::string_view everything = R"(
[[grant]]
users = ["alice", 1005]
groups = ["operators", 300]
rank = 7
lane = "normal"
sources = ["lifecycle", "tick"]
pending = 16
pinned = 1
waiters = 2
timers = 3
payloads = 4
on = [
    { endpoints = ["build-*"], rights = ["observe", "input"] },
    { endpoints = ["db-1"], rights = ["memread"] },
]
)";

} // namespace

TEST_CASE("grants: what is said is what is given") {
    const auto g = given(parsed(everything), peer(1000));
    REQUIRE(g);
    CHECK(g->rights_on(build7) == (right::observe | right::input));
    CHECK(g->rights_on(build8) == (right::observe | right::input));
    CHECK(g->rights_on(db) == rights{right::memread});
    CHECK(g->rank_value() == 7);
    CHECK(g->highest_lane_value() == lane::normal);
    CHECK(g->sources_value() == (sources{source::lifecycle} | sources{source{16}}));
    CHECK(g->quotas_value().most == std::array<std::uint32_t, resource_count>{16, 1, 2, 3, 4});
}

TEST_CASE("grants: what is not said is what the library gives, and no right") {
    const auto g = given(parsed("[[grant]]\nusers = [0]\n"
                                "on = [{ endpoints = [\"x\"], rights = [\"observe\"] }]"),
                         peer(0));
    REQUIRE(g);
    CHECK(g->rank_value() == grant{}.rank_value());
    CHECK(g->quotas_value() == grant{}.quotas_value());
    CHECK(g->sources_value() == grant{}.sources_value());
    CHECK_FALSE(g->rights_on(build7).any());
    CHECK_FALSE(g->rights_on(unheard_of).any());
}

TEST_CASE("grants: a peer is named by its user, its group, or one of its other groups") {
    const host::grants g = parsed(everything);
    CHECK(given(g, peer(1000)));
    CHECK(given(g, peer(1005)));
    CHECK(given(g, peer(9, 200)));
    CHECK(given(g, peer(9, 9, {8, 300})));
    CHECK_FALSE(given(g, peer(1001)));
    CHECK_FALSE(given(g, peer(200, 1000))); // a user is no group
    CHECK_FALSE(given(g, peer(9, 9, {8, 301})));
    CHECK_FALSE(given(parsed(""), peer(0)));
}

TEST_CASE("grants: the first that names a peer is the peer's, and others add nothing") {
    const host::grants g = parsed(R"(
[[grant]]
users = ["bob"]
on = []
[[grant]]
groups = ["operators"]
rank = 5
on = [{ endpoints = ["db-1"], rights = ["input"] }]
[[grant]]
users = ["*"]
sources = ["console"]
on = [{ endpoints = ["*"], rights = ["observe"] }]
)");
    CHECK_FALSE(given(g, peer(1001, 200))); // bob is turned away, operator or not
    const auto one = given(g, peer(1000, 200));
    REQUIRE(one);
    CHECK(one->rank_value() == 5);
    CHECK(one->rights_on(db) == rights{right::input});
    CHECK_FALSE(one->rights_on(build7).any());
    const auto anybody = given(g, peer(4711));
    REQUIRE(anybody);
    CHECK(anybody->rights_on(unheard_of) == rights{right::observe});
    CHECK(anybody->rank_value() == 0);
    // Whom the kernel does not name is not one of everybody.
    CHECK_FALSE(given(g, peer(static_cast<uid_t>(-1))));
}

TEST_CASE("grants: an endpoint that comes later gets what the file says") {
    const host::grants g = parsed(everything);
    const endpoint_id later = endpoint_id::make(4, 1), again = endpoint_id::make(3, 2);
    CHECK_FALSE(given(g, peer(1000))->rights_on(later).any());
    const auto more = given(g, peer(1000), {{later, "build-9"}, {again, "db-1"}});
    CHECK(more->rights_on(later) == (right::observe | right::input));
    CHECK(more->rights_on(again) == rights{right::memread});
    CHECK_FALSE(more->rights_on(db).any()); // the one before it
}

TEST_CASE("grants: what several patterns of one grant allow on an endpoint adds up") {
    const auto g = given(parsed(R"(
[[grant]]
users = ["alice"]
on = [
    { endpoints = ["*"], rights = ["observe"] },
    { endpoints = ["build-*"], rights = ["input"] },
    { endpoints = ["*-7"], rights = ["power"] },
]
)"),
                         peer(1000));
    REQUIRE(g);
    CHECK(g->rights_on(build7) == (right::observe | right::input | right::power));
    CHECK(g->rights_on(build8) == (right::observe | right::input));
    CHECK(g->rights_on(db) == rights{right::observe});
}

TEST_CASE("grants: a pattern is a name in which * stands for any characters") {
    using host::matches;
    for (const auto& [pattern, name, fits] :
         std::initializer_list<std::tuple<std::string_view, std::string_view, bool>>{
             {"a", "a", true},
             {"a", "b", false},
             {"a", "", false},
             {"a", "aa", false},
             {"*", "", true},
             {"*", "anything", true},
             {"build-*", "build-7", true},
             {"build-*", "build-", true},
             {"build-*", "rebuild-7", false},
             {"*-7", "build-7", true},
             {"*-7", "build-7-old", false},
             {"a*b*c", "abc", true},
             {"a*b*c", "axbxbxc", true},
             {"a*b*c", "acb", false},
             {"**", "x", true},
             {"a*a", "a", false},
             {"?", "x", false},
             {".*", "x", false}}) {
        INFO(pattern << " " << name);
        CHECK(matches(pattern, name) == fits);
    }
    // No pattern takes long, however it is made.
    const std::string many(60, 'a');
    std::string stars;
    for (int i = 0; i < 30; ++i) stars += "a*";
    CHECK_FALSE(matches(stars + "b", many));
}
