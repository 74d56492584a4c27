// Rule: whoever a grant may turn away gets none behind it; and who owns a folder owns its files.
#include <host/grants.hpp>

#include "names.hpp"
#include "program.hpp"

using namespace vmsig;
using namespace vmsig::test;

TEST_CASE("grants: of whom the groups are not known nobody guesses that he is in none of them") {
    const auto g = host::parse_grants(R"(
[[grant]]
users = [1000]
on = [{ endpoints = ["*"], rights = ["input"] }]
[[grant]]
groups = [300]
on = []
[[grant]]
users = ["*"]
on = [{ endpoints = ["*"], rights = ["observe"] }]
)",
                                      few_names{});
    REQUIRE(g);
    peer_identity many = peer(1001);
    many.groups_unknown = true;
    CHECK(g->rule_for(many) == nullptr);
    many.uid = 1000;
    CHECK(g->rule_for(many) == &g->rules[0]); // by his name, before any group is asked for
    many.uid = 1001;
    many.gid = 300;
    CHECK(g->rule_for(many) == &g->rules[1]);
    CHECK(g->rule_for(peer(1001)) == &g->rules[2]);
}

TEST_CASE("door: a folder with a sticky bit is trusted if its owner is") {
    if (::geteuid() != 0) return;
    const host_folder in;
    REQUIRE(::chmod(in.at("").c_str(), 01777) == 0);
    REQUIRE(::chown(in.at("").c_str(), 65534, 65534) == 0);
    program host{in};
    CHECK(host.wait() == 2);
    INFO(host.log());
    CHECK(host.logged("belongs to uid 65534, neither root nor the host"));
    REQUIRE(::chown(in.at("").c_str(), 0, 0) == 0);
}
