// Rule: a configuration is read strictly: everything that is wrong with it is said, with its place.
#include <host/config.hpp>

#include <support/catch.hpp>

using namespace vmsig;

namespace {

std::vector<std::string> wrong_with(std::string_view text) {
    const auto c = host::parse_config(text);
    if (c) return {};
    REQUIRE_FALSE(c.error().empty());
    auto lines = c.error().lines("");
    for (std::string& line : lines) line.erase(0, 1);
    return lines;
}

} // namespace

TEST_CASE("parse_config: what is said is what is configured, and the rest is as it is by default") {
    const auto c = host::parse_config(R"(
grants = "g.toml"
audit = "-"
[socket]
path = "/run/x"
mode = 0o640
group = "staff"
[peers]
most = 3
unauthenticated = 2
per_user = 1
greeting_ms = 100
crowded_greeting_ms = 50
keepalive_ms = 5000
[[machine]]
name = "a"
backend = "stub"
start = false
tick_ms = 20
[[machine]]
name = "b"
)");
    REQUIRE(c);
    CHECK(c->grants == "g.toml");
    CHECK(c->audit == "-");
    CHECK(c->socket.path == "/run/x");
    CHECK(c->socket.mode == 0640);
    CHECK(c->socket.group == "staff");
    CHECK(c->server.peers == 3);
    CHECK(c->server.unauthenticated == 2);
    CHECK(c->server.peers_per_user == 1);
    CHECK(c->server.greeting.ns == milliseconds(100).ns);
    CHECK(c->server.crowded_greeting.ns == milliseconds(50).ns);
    CHECK(c->server.keepalive.ns == milliseconds(5000).ns);
    REQUIRE(c->machines.size() == 2);
    CHECK(c->machines[0] ==
          host::machine_config{"a", host::backend::stub, false, milliseconds(20), {}});
    CHECK(c->machines[1] == host::machine_config{"b", host::backend::automatic, true, {}, {}});

    const auto least = host::parse_config("grants = \"g\"");
    REQUIRE(least);
    CHECK(least->socket.path.empty());
    CHECK(least->audit.empty());
    CHECK(least->socket.mode == 0660);
    CHECK(least->server.peers == host::most_peers);
    CHECK(least->server.peers_per_user == server_options{}.peers_per_user);
    CHECK(least->server.keepalive.ns == 0);
    CHECK(least->machines.empty());
}

TEST_CASE("parse_config: each error is told with its line and column, and what was expected") {
    const std::string g = "grants = \"g\"\n";
    for (const auto& [text, said] : std::initializer_list<std::pair<std::string, std::string>>{
             {"", "1:1: a configuration: the key \"grants\" is missing"},
             {"grants = 1", "1:10: grants: expected a text, found 1"},
             {"grants = \"\"", "1:1: grants: expected a path, found \"\""},
             {g + "socket = \"/run/x\"", "2:10: socket: expected a table, found \"/run/x\""},
             {g + "[socket]\nmode = 0o600", "2:1: socket: the key \"path\" is missing"},
             {g + "[socket]\npath = \"run/x\"",
              "3:1: path: expected one that begins with /, found \"run/x\""},
             {g + "[socket]\npath = \"/x\"\nmode = 0o1000",
              "4:8: mode: expected a whole number from 0 to 511, found 512; octal is written "
              "0o660"},
             {g + "[socket]\npath = \"/x\"\nmode = \"rw\"",
              "4:8: mode: expected a whole number from 0 to 511, found \"rw\""},
             {g + "[peers]\nmost = 0", "3:8: most: expected a whole number from 1 to 63, found 0"},
             {g + "[peers]\nall = 1", "3:1: peers: unknown key \"all\", expected \"most\", "},
             {g + "[machine]\nname = \"a\"", "2:1: machine: expected a list, found a table"},
             {g + "[[machine]]\nname = \"a\"\nname2 = \"a\"",
              "4:1: a machine: unknown key \"name2\", expected \"name\", "},
             {g + "[[machine]]\nbackend = \"stub\"", "2:1: a machine: the key \"name\" is missing"},
             {g + "[[machine]]\nname = \"build-*\"",
              "3:1: name: expected 1 to 63 printable characters without blanks and *, found "},
             {g + "[[machine]]\nname = \"\"", "3:1: name: expected 1 to 63 printable characters"},
             {g + "[[machine]]\nname = \"" + std::string(64, 'a') + "\"",
              "3:1: name: expected 1 to 63 printable characters"},
             {g + "[[machine]]\nname = \"a\"\n[[machine]]\nname = \"a\"",
              "5:1: name: \"a\" is the machine of line 3 already"},
             {g + "[[machine]]\nname = \"a\"\nbackend = \"qemu\"",
              "4:1: backend: no backend is called \"qemu\", expected \"auto\", \"kvm\" or "
              "\"stub\""},
             {g + "[[machine]]\nname = \"a\"\nstart = 1",
              "4:9: start: expected true or false, found 1"},
             {g + "[[machine]]\nname = \"a\"\ntick_ms = 0",
              "4:11: tick_ms: expected a whole number from 1 to 86400000, found 0"},
         }) {
        INFO(text);
        const auto found = wrong_with(text);
        REQUIRE(found.size() == 1);
        INFO(found[0]);
        CHECK(found[0].starts_with(said));
    }
}

TEST_CASE("parse_config: all errors of a file are told, and there are machines to a limit") {
    CHECK(wrong_with("x = 1\n[peers]\nmost = -1\n[[machine]]\nstart = 3\n").size() == 5);
    std::string many = "grants = \"g\"\n";
    for (int n = 0; n < 65; ++n) many += "[[machine]]\nname = \"m" + std::to_string(n) + "\"\n";
    CHECK(wrong_with(many) == std::vector<std::string>{"130:1: a machine too many: at most 64"});
}
