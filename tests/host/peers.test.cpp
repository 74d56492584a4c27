// Rule: who a peer is, the kernel says: another user and the groups of a process have the grants of
// theirs, whatever a peer calls itself; and what it calls itself shapes no line of the log.
#include "program.hpp"

#include <grp.h>

using namespace vmsig;
using namespace vmsig::test;

namespace {

enum answer : int { turned_away = 10, watching, driving, unexpected_answer };

/// What another user is given, of a host at that path. `inherited`: a connection that root made.
int ask(const std::string& path, uid_t uid, gid_t gid, const std::vector<gid_t>& more,
        unique_fd inherited) {
    if (::setgroups(more.size(), more.data()) != 0 || ::setgid(gid) != 0 || ::setuid(uid) != 0)
        return 1;
    const client_options as_root{"root", seconds(20)};
    const auto c =
        inherited ? client::over(std::move(inherited), as_root) : client::connect(path, as_root);
    if (!c) return c.error().why == wire::farewell::denied ? turned_away : unexpected_answer;
    const event* e = (*c)->next_event(seconds(20));
    while (e && !e->is(kind::replay_end)) e = (*c)->next_event(seconds(20));
    if (!e) return unexpected_answer;
    return (*c)->acquire(e->endpoint, lease_class::input) ? driving : watching;
}
int answer_to(const std::string& path, uid_t uid, gid_t gid, const std::vector<gid_t>& more = {},
              unique_fd inherited = {}) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) ::_exit(ask(path, uid, gid, more, std::move(inherited)));
    int status = -1;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

} // namespace

TEST_CASE("peers: another user, and who is in a group, has the grant that names it") {
    if (::geteuid() != 0) VMSIG_SKIP("only root can become another user");
    const host_folder in;
    REQUIRE(::chmod(in.at("").c_str(), 0755) == 0);
    in.write("grants.toml", R"(
[[grant]]
users = [65534]
on = [{ endpoints = ["*"], rights = ["observe"] }]
[[grant]]
groups = [4242]
on = [{ endpoints = ["*"], rights = ["observe", "input"] }]
[[grant]]
users = ["root"]
on = [{ endpoints = ["*"], rights = ["observe", "power"] }]
)");
    in.write_config(two_machines, "0o666");
    program host{in};
    REQUIRE(host.ready());
    CHECK(answer_to(in.socket(), 65534, 65534) == watching);
    CHECK(answer_to(in.socket(), 65534, 65534, {4242}) == watching); // the first grant
    CHECK(answer_to(in.socket(), 60001, 4242) == driving);
    CHECK(answer_to(in.socket(), 60001, 65534, {7, 4242, 8}) == driving);
    CHECK(answer_to(in.socket(), 60001, 60001, {7, 8}) == turned_away); // it says "root"
    CHECK(host.stop() == 0);
}

TEST_CASE("peers: a connection that is handed on has the grant of whoever made it") {
    if (::geteuid() != 0) VMSIG_SKIP("only root can become another user");
    const host_folder in;
    REQUIRE(::chmod(in.at("").c_str(), 0755) == 0);
    in.write("grants.toml", "[[grant]]\nusers = [0]\n"
                            "on = [{ endpoints = [\"*\"], rights = [\"observe\", \"input\"] }]\n");
    in.write_config(two_machines, "0o666");
    program host{in};
    REQUIRE(host.ready());
    unique_fd made{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
    ::sockaddr_un to{};
    to.sun_family = AF_UNIX;
    in.socket().copy(to.sun_path, sizeof to.sun_path - 1);
    REQUIRE(::connect(made.get(), reinterpret_cast<::sockaddr*>(&to), sizeof to) == 0);
    CHECK(answer_to(in.socket(), 65534, 65534) == turned_away);
    CHECK(answer_to(in.socket(), 65534, 65534, {}, std::move(made)) == driving);
    CHECK(host.stop() == 0);
}

TEST_CASE("peers: a name with bytes that would shape a line is one line of the log") {
    const host_folder in;
    program host{in};
    REQUIRE(host.ready());
    {
        const auto c =
            client::connect(in.socket(), {"x\nvmsig-host: all is well\033[2J\x9b", seconds(20)});
        REQUIRE(c);
    }
    CHECK(host.stop() == 0);
    CHECK(host.logged("peer \"x?vmsig-host: all is well?[2J?\" of uid "));
    CHECK(host.log().find('\033') == std::string::npos);
}

TEST_CASE("peers: a crowd that comes and goes does not fill the log") {
    const host_folder in;
    program host{in};
    REQUIRE(host.ready());
    for (int i = 0; i < 300; ++i) REQUIRE(client::connect(in.socket(), {"crowd", seconds(20)}));
    CHECK(host.stop() == 0);
    const std::string log = host.log();
    CHECK(log.size() < 300 * 80); // each line is longer, and there would be two for each
}
