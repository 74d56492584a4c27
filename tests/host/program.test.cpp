// Rule: a host serves its machines from its start to its stop, which leaves nothing behind: keys
// are up, machines off, peers told, and its socket gone.
#include "program.hpp"

#include <regex>

#include <fmt/format.h>

using namespace vmsig;
using namespace vmsig::test;

TEST_CASE("program: a peer attaches, drives a machine, and hears of the stop") {
    const host_folder in;
    program host{in};
    REQUIRE(host.notice() == "READY=1\nSTATUS=2 of 2 machines, 1 grants");
    auto peer = attached(in.socket());
    const auto vm = peer->find("build-7");
    REQUIRE(vm);
    const auto lease = peer->acquire(*vm, lease_class::input);
    REQUIRE(lease);
    REQUIRE(peer->submit(press(lease.lease, KEY_A)));
    const event* done = next(*peer, kind::receipt);
    REQUIRE(done);
    CHECK(done->as<receipt>()->outcome == outcome::done);

    host.signal(SIGTERM); // with the key down
    bool off = false, silent = true;
    while (const event* e = peer->next_event(seconds(20))) {
        const auto* l = e->as<lifecycle>();
        off = off || (l && e->endpoint == *vm && l->what == transition::powered_off);
        silent = silent && !e->is(kind::gap);
    }
    CHECK(off);
    CHECK(silent);
    CHECK_FALSE(peer->connected());
    CHECK(peer->lost().why == wire::farewell::detached);
    CHECK(host.wait() == 0);
    CHECK_FALSE(in.has("bus.sock"));
    CHECK(host.notice() == "STOPPING=1");
    // Each decision was written: the end of the lease, with its key up, is one.
    const std::string audit = in.read("audit.jsonl");
    for (const char* decision : {"attached", "lease_granted", "command_ended", "neutral",
                                 "lease_ended", "detached", "endpoint_removed"})
        CHECK(audit.find("\"decision\":\"" + std::string{decision} + "\"") != std::string::npos);
}

TEST_CASE("program: a stop is not held up by whoever holds the power of a machine") {
    const host_folder in;
    program host{in};
    REQUIRE(host.ready());
    auto peer = attached(in.socket());
    const auto lease = peer->acquire(*peer->find("build-7"), lease_class::power);
    REQUIRE(lease);
    CHECK(host.stop() == 0);
    const event* lost = next(*peer, kind::lease_lost);
    REQUIRE(lost);
    CHECK(lost->as<lease_lost>()->why == lease_end::preempted);
    CHECK_FALSE(host.logged("in time"));
}

TEST_CASE("program: a full house does not keep a host from stopping as it should") {
    const host_folder in;
    in.write_config("[peers]\nper_user = 63\n" + two_machines);
    program host{in};
    REQUIRE(host.ready());
    auto peer = attached(in.socket());
    std::vector<std::unique_ptr<client>> crowd;
    while (crowd.size() < 62) {
        auto one = client::connect(in.socket(), {"crowd", seconds(20)});
        REQUIRE(one);
        crowd.push_back(std::move(*one));
    }
    // There is no place for another one: it waits at the door.
    CHECK_FALSE(client::connect(in.socket(), {"late", milliseconds(300)}));
    CHECK(host.stop() == 0);
    const event* off = next(*peer, [](const event& e) {
        const auto* l = e.as<lifecycle>();
        return l && l->what == transition::powered_off && l->replayed == 0;
    });
    CHECK(off);
}

TEST_CASE("program: a sensor of the host's own says that a machine is there") {
    const host_folder in;
    program host{in};
    REQUIRE(host.ready());
    auto peer = attached(in.socket());
    const auto ticks = [&peer](const event& e) { return peer->name_of(e.kind) == "tick"; };
    std::uint64_t counts[2]{};
    for (std::uint64_t& count : counts) {
        const event* e = next(*peer, ticks);
        REQUIRE(e);
        CHECK(peer->name_of(e->endpoint) == "db-1");
        REQUIRE(e->payload_as<std::uint64_t>());
        count = *e->payload_as<std::uint64_t>();
    }
    CHECK(counts[1] > counts[0]);
    CHECK(host.stop() == 0);
}

TEST_CASE("program: a machine that can not be made is left out, and the others run") {
    const host_folder in;
    in.write_config(two_machines + "[[machine]]\nname = \"real\"\nbackend = \"kvm\"\n"
                                   "[[machine]]\nname = \"any\"\nbackend = \"auto\"\n");
    program host{in};
    REQUIRE(host.notice() == "READY=1\nSTATUS=3 of 4 machines, 1 grants");
    CHECK(host.logged("real: left out: no KVM: "));
    CHECK(host.logged("any: stub, for there is no KVM: "));
    CHECK(host.logged("build-7: stub; it is machine 0.1 (65537 in the audit)\n"));
    CHECK(host.logged("db-1: stub; it is machine 1.1 (65538 in the audit)\n"));
    auto peer = attached(in.socket(), 3);
    CHECK(peer->find("any"));
    CHECK_FALSE(peer->find("real"));
    CHECK(host.stop() == 0);
}

TEST_CASE("program: files that are wrong are refused before anything is served, all at once") {
    const host_folder in;
    in.write("grants.toml", "[[grant]]\nusers = [\"*\"]\nrank = -1\ncolour = 1\non = []\n");
    for (const bool only_check : {false, true}) {
        program host{in,
                     only_check ? std::vector<std::string>{"--check"} : std::vector<std::string>{}};
        CHECK(host.wait() == 2);
        CHECK(host.logged("/grants.toml:3:8: rank: expected a whole number"));
        CHECK(host.logged("/grants.toml:4:1: a grant: unknown key \"colour\""));
        CHECK_FALSE(in.has("bus.sock"));
        CHECK_FALSE(in.has("audit.jsonl"));
    }
    in.write("grants.toml", grant_all);
    program good{in, {"--check"}};
    CHECK(good.wait() == 0);
    CHECK(good.logged("2 machines, 1 grants: nothing is wrong"));
    CHECK_FALSE(in.has("bus.sock"));
}

TEST_CASE("program: a control has the number of vmsigctl in the log, and that of the audit") {
    const host_folder in;
    program host{in};
    REQUIRE(host.ready());
    auto peer = attached(in.socket());
    const origin_id mine = peer->origin();
    const std::string number =
        fmt::format("{}.{} ({} in the audit)", mine.slot(), mine.generation(), mine.value);
    CHECK(host.logged(": attached as " + number + ", by line 1 of the grants\n"));
    peer.reset();
    CHECK(host.stop() == 0);
    CHECK(host.logged(": " + number + " has left: "));
    CHECK(in.read("audit.jsonl").find(fmt::format("\"origin\":{},", mine.value)) !=
          std::string::npos);
}

TEST_CASE("program: each run is named in the audit's file before its first record") {
    const host_folder in;
    std::string boot;
    std::getline(std::ifstream{"/proc/sys/kernel/random/boot_id"}, boot);
    const auto now_ns = [] {
        ::timespec t{};
        ::clock_gettime(CLOCK_MONOTONIC, &t);
        return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
    };
    const std::regex named{
        "\\{\"run\":\\{\"boot_id\":\"" + boot +
        "\",\"wall\":\"([-0-9]{10}T[:0-9]{8})\\.[0-9]{9}Z\",\"time_ns\":([0-9]+),"
        "\"pid\":[0-9]+,\"next_number\":([0-9]+)\\}\\}"};
    std::int64_t after = 0;
    std::size_t lines = 0;
    for (int run = 0; run < 2; ++run) {
        const std::int64_t before_ns = now_ns();
        const std::time_t before = ::time(nullptr);
        program host{in};
        REQUIRE(host.ready());
        program second{in}; // another's socket, and so another's file
        CHECK(second.wait() == 1);
        CHECK(host.stop() == 0);
        std::stringstream all{in.read("audit.jsonl")};
        std::string line;
        for (std::size_t n = 0; n <= lines; ++n) std::getline(all, line);
        std::smatch is;
        INFO(line);
        REQUIRE(std::regex_match(line, is, named));
        std::tm wall{};
        REQUIRE(::strptime(is.str(1).c_str(), "%Y-%m-%dT%H:%M:%S", &wall) != nullptr);
        CHECK(::timegm(&wall) >= before);
        CHECK(::timegm(&wall) <= ::time(nullptr));
        const std::int64_t at = std::stoll(is.str(2));
        CHECK(at >= before_ns);
        CHECK(at > after);
        for (auto number = std::stoull(is.str(3)); std::getline(all, line); ++number) {
            CHECK(line.starts_with("{\"number\":" + std::to_string(number) + ","));
            ++lines;
        }
        ++lines;
        after = now_ns();
    }
}

TEST_CASE("program: a command line that means nothing ends with 2, and help with 0") {
    const host_folder in;
    program help{in, {"--help"}};
    CHECK(help.wait() == 0);
    for (const char* word : {"--fly", "fly", "--config"}) {
        program host{in, {word}};
        INFO(word);
        CHECK(host.wait() == 2);
    }
}

TEST_CASE("program: the examples are a host that runs") {
    const host_folder in;
    const auto example = [&in](const std::string& name) {
        std::stringstream all;
        all << std::ifstream{std::string{VMSIG_HOST_EXAMPLES} + "/" + name}.rdbuf();
        std::string text = all.str();
        REQUIRE_FALSE(text.empty());
        // Where a test can write, and a group that there is.
        for (const auto& [from, to] : {std::pair<std::string, std::string>{"/run/vmsig", in.at("")},
                                       {"/var/log/vmsig", in.at("")},
                                       {"\"vmsig\"", "\"root\""}})
            for (std::size_t at; (at = text.find(from)) != std::string::npos;)
                text.replace(at, from.size(), to);
        in.write(name, text);
    };
    if (::geteuid() != 0) VMSIG_SKIP("only root can give the socket to a group");
    example("host.toml");
    example("grants.toml");
    program check{in, {"--check"}};
    CHECK(check.wait() == 0);
    CHECK_FALSE(check.logged("note:"));
    program host{in};
    REQUIRE(host.notice() == "READY=1\nSTATUS=2 of 2 machines, 2 grants");
    struct stat s {};
    REQUIRE(::stat(in.socket().c_str(), &s) == 0);
    CHECK((s.st_mode & 0777) == 0660);
    CHECK(s.st_gid == 0);
    auto peer = attached(in.socket());
    CHECK(peer->acquire(*peer->find("build-7"), lease_class::input));
    CHECK(peer->acquire(*peer->find("db-1"), lease_class::input).why == refusal::denied);
    CHECK(host.stop() == 0);
}

TEST_CASE("program: a reader of the log that has stopped reading holds up nothing") {
    const host_folder in;
    int pipe[2];
    REQUIRE(::pipe2(pipe, O_CLOEXEC) == 0);
    const unique_fd reader{pipe[0]}, writer{pipe[1]};
    ::fcntl(writer.get(), F_SETFL, O_NONBLOCK);
    const std::string much(4096, 'x');
    while (::write(writer.get(), much.data(), much.size()) > 0) {}
    ::fcntl(writer.get(), F_SETFL, 0);
    program host{in, {}, [&writer] { ::dup2(writer.get(), STDERR_FILENO); }};
    REQUIRE(host.ready());
    auto peer = attached(in.socket());
    CHECK(peer->acquire(*peer->find("build-7"), lease_class::input));
    CHECK(host.stop() == 0);
}
