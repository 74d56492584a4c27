// A bus with two stub machines, served at a path until standard input ends: what the tests of
// vmsigctl connect to. Usage: serve PATH RIGHTS RANK..., where the n-th peer gets the n-th rank,
// and the last one whoever comes after. A byte on standard input takes every right away.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <vmsig/audit/names.hpp>
#include <vmsig/stub/machine.hpp>
#include <vmsig/transport/listener.hpp>
#include <vmsig/transport/server.hpp>
#include <vmsig/vmsig.hpp>

using namespace vmsig;

namespace {

rights rights_of(const std::string& names) {
    rights out;
    for (unsigned n = 0; n < right_count; ++n) {
        const auto each = static_cast<right>(n);
        const std::string word = "," + std::string{name_of(each)} + ",";
        if (("," + names + ",").find(word) != std::string::npos) out = out | rights{each};
    }
    return out;
}

struct gate {
    rights allowed;
    std::vector<std::uint32_t> ranks;
    std::size_t peers = 0;

    std::optional<grant> authenticate(const peer_identity&) {
        const std::uint32_t rank = ranks[std::min(peers++, ranks.size() - 1)];
        return grant{}.on_every().allow(allowed).rank(rank);
    }
};

} // namespace

int main(int argc, char** argv) {
    if (argc < 4) return 2;
    gate door{rights_of(argv[2]), {}, 0};
    for (int n = 3; n < argc; ++n)
        door.ranks.push_back(static_cast<std::uint32_t>(std::atoi(argv[n])));
    auto listening = listening_socket::at(argv[1], 0600);
    if (!listening) return 1;
    stub::machine build, db{{.power_on = false}};
    core<> bus;
    build.plug_into(bus, bus.add_endpoint("build-7"));
    db.plug_into(bus, bus.add_endpoint("db-1"));
    server served{bus, door, listening->take()};
    const auto told = bus.watch(STDIN_FILENO, interest::read, [&](interests) {
        char byte = 0;
        if (::read(STDIN_FILENO, &byte, 1) <= 0) return bus.stop();
        door.allowed = {};
        served.reauthenticate();
    });
    if (!told) return 1;
    std::puts("ready");
    std::fflush(stdout);
    bus.run();
    return 0;
}
