// Rule: on SIGHUP a host reads its files again: what a grant no longer says has ended, what is new
// is there, and files that are wrong change nothing.
#include "program.hpp"

using namespace vmsig;
using namespace vmsig::test;

namespace {

std::string grant_of(const std::string& rights, const std::string& endpoints = "*") {
    return "[[grant]]\nusers = [\"*\"]\non = [{ endpoints = [\"" + endpoints + "\"], rights = [" +
           rights + "] }]\n";
}

lease keys_of(client& peer) {
    const auto vm = peer.find("build-7");
    REQUIRE(vm);
    const auto got = peer.acquire(*vm, lease_class::input);
    REQUIRE(got);
    return got.lease;
}

} // namespace

TEST_CASE("reload: narrowing has effect at once, and widening is told") {
    const host_folder in;
    program host{in};
    REQUIRE(host.ready());
    auto peer = attached(in.socket());
    const endpoint_id vm = keys_of(*peer).endpoint;

    in.write("grants.toml", grant_of("\"observe\""));
    host.reload();
    const event* lost = next(*peer, kind::lease_lost);
    REQUIRE(lost);
    CHECK(lost->as<lease_lost>()->why == lease_end::revoked);
    CHECK(peer->may(verb::input, vm) == refusal::denied);
    CHECK(peer->may(verb::status, vm) == refusal::none);

    in.write("grants.toml", grant_of("\"observe\", \"input\""));
    host.reload();
    REQUIRE(
        next(*peer, [&](const event& e) { return e.is(kind::replay_end) && e.endpoint == vm; }));
    CHECK(peer->acquire(vm, lease_class::input));
    CHECK(host.stop() == 0);
}

TEST_CASE("reload: who has no grant any more is told so and gone, and comes in no more") {
    const host_folder in;
    program host{in};
    REQUIRE(host.ready());
    auto peer = attached(in.socket());
    in.write("grants.toml", "");
    host.reload();
    while (peer->next_event(seconds(20))) {}
    CHECK(peer->lost().why == wire::farewell::denied);
    const auto again = client::connect(in.socket(), {"test", seconds(20)});
    REQUIRE_FALSE(again);
    CHECK(again.error().why == wire::farewell::denied);
    CHECK(host.logged("nothing is granted"));
    CHECK(host.stop() == 0);
}

TEST_CASE("reload: files that are wrong leave everything as it was, and the log says why") {
    const host_folder in;
    program host{in};
    REQUIRE(host.ready());
    auto peer = attached(in.socket());
    const lease keys = keys_of(*peer);
    const auto still = [&] {
        CHECK(peer->submit(press(keys, KEY_A).hold(milliseconds(1))));
        const event* done = next(*peer, kind::receipt);
        REQUIRE(done);
        CHECK(done->as<receipt>()->outcome == outcome::done);
    };
    in.write("grants.toml", grant_of("\"observe\", \"fly\"") + "x = 1\n");
    host.reload();
    CHECK(host.logged("/grants.toml:3:49: rights: no right is called \"fly\""));
    CHECK(host.logged("/grants.toml:4:1: a grant: unknown key \"x\""));
    CHECK(host.logged("not reloaded: machines and grants stay as they were"));
    still();
    in.write("grants.toml", grant_of("\"observe\""), 0622); // and others could have written it
    host.reload();
    CHECK(host.logged("/grants.toml may be written by others"));
    still();
    std::string deep = "a";
    while (deep.size() < 500'000) deep += ".a";
    in.write("grants.toml", deep + " = 1\n");
    host.reload();
    CHECK(host.logged("/grants.toml:1:32: a key of more than 16 parts"));
    still();
    std::filesystem::remove(in.at("grants.toml"));
    host.reload();
    CHECK(host.logged("/grants.toml: No such file or directory"));
    still();
    in.write("grants.toml", grant_of("\"observe\""));
    in.write("host.toml", "machines = 1\n");
    host.reload();
    CHECK(host.logged("/host.toml:1:1: a configuration: unknown key \"machines\""));
    still();
    CHECK(host.stop() == 0);
}

TEST_CASE("reload: machines come and go with the file, and have the grants of their names") {
    const host_folder in;
    in.write("grants.toml", grant_of("\"observe\", \"input\"", "build-*"));
    program host{in};
    REQUIRE(host.ready());
    auto peer = attached(in.socket(), 1);
    const auto old = *peer->find("build-7");
    in.write_config("[[machine]]\nname = \"build-9\"\nbackend = \"stub\"\n"
                    "[[machine]]\nname = \"web-1\"\nbackend = \"stub\"\n");
    host.reload();
    const event* gone = next(*peer, kind::endpoint_removed);
    REQUIRE(gone);
    CHECK(gone->endpoint == old);
    const event* come = next(*peer, kind::replay_end);
    REQUIRE(come);
    CHECK(peer->name_of(come->endpoint) == "build-9");
    CHECK(peer->acquire(come->endpoint, lease_class::input));
    CHECK_FALSE(peer->find("build-7"));
    CHECK_FALSE(peer->find("web-1"));
    CHECK(host.logged("build-7: removed"));
    CHECK(host.stop() == 0);
}

TEST_CASE("reload: what is held and pending at a machine that goes ends as endpoint_gone") {
    const host_folder in;
    program host{in};
    REQUIRE(host.ready());
    auto peer = attached(in.socket());
    const lease keys = keys_of(*peer);
    REQUIRE(peer->submit(press(keys, KEY_A).delayed(seconds(600))));
    in.write_config("");
    host.reload();
    // The receipt comes before the loss: what was queued under a lease is told first.
    const event* ended = next(*peer, kind::receipt);
    REQUIRE(ended);
    CHECK(ended->as<receipt>()->outcome == outcome::endpoint_gone);
    const event* lost = next(*peer, kind::lease_lost);
    REQUIRE(lost);
    CHECK(lost->as<lease_lost>()->why == lease_end::endpoint_gone);
    CHECK(next(*peer, kind::endpoint_removed));
    CHECK(host.stop() == 0);
}

TEST_CASE("reload: what --check notes is in the log") {
    const host_folder in;
    program host{in};
    REQUIRE(host.ready());
    in.write("grants.toml", grant_of("\"observe\"", "biuld-*"));
    host.reload();
    CHECK(host.logged("/grants.toml:1: \"biuld-*\" fits no machine that is configured\n"));
    in.write("grants.toml", "");
    host.reload();
    CHECK(host.logged("/grants.toml: grants nothing, so nobody can attach\n"));
    CHECK(host.stop() == 0);
}

TEST_CASE("reload: the audit goes on in a new file when the old one was moved away") {
    const host_folder in;
    program host{in};
    REQUIRE(host.ready());
    std::filesystem::rename(in.at("audit.jsonl"), in.at("audit.1"));
    host.reload();
    REQUIRE(in.has("audit.jsonl"));
    attached(in.socket());
    CHECK(host.stop() == 0);
    CHECK(in.read("audit.1").find("\"decision\":\"attached\"") == std::string::npos);
    const std::string fresh = in.read("audit.jsonl");
    CHECK(fresh.find("\"decision\":\"attached\"") != std::string::npos);
    // No record is missing between the two: the first line of the old one names the run.
    const std::string old = in.read("audit.1");
    const auto lines = std::count(old.begin(), old.end(), '\n');
    CHECK(fresh.starts_with("{\"number\":" + std::to_string(lines) + ","));
}
