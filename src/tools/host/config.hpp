// config: what a host serves, and where: the text of its configuration file. Pure: text in, a
// configuration or findings out.
//
//     grants = "grants.toml"                      # beside this file, unless it begins with /
//     [socket]
//     path = "/run/vmsig/bus.sock"
//     [[machine]]
//     name = "build-7"
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <vmsig/base/expected.hpp>
#include <vmsig/base/time.hpp>
#include <vmsig/core/limits.hpp>
#include <vmsig/transport/server.hpp>

#include "findings.hpp"

namespace host {

/// One place is the host's own, for when it stops.
inline constexpr std::uint16_t most_peers = vmsig::default_limits::controls - 1;
/// Each is a watch of the host until it has said who it is.
inline constexpr std::uint16_t most_unauthenticated = vmsig::default_limits::host_watches / 2;

enum class backend : unsigned char {
    automatic, ///< KVM if a guest truly runs, else the stub
    kvm,
    stub,
};

struct machine_config {
    std::string name;
    host::backend backend = backend::automatic;
    bool start = true;      ///< power on with the host
    vmsig::duration tick{}; ///< how often it says that it is there; 0: never
    place where;

    /// But for its place.
    friend bool operator==(const machine_config& a, const machine_config& b) {
        return a.name == b.name && a.backend == b.backend && a.start == b.start &&
               a.tick.ns == b.tick.ns;
    }
};

struct socket_config {
    std::string path;   ///< empty: a socket must be handed down
    mode_t mode = 0660; ///< who may connect at all
    std::string group;  ///< empty: the host's own
};

struct config {
    std::string grants;
    std::string audit; ///< a path, or "-" for standard output; empty: only what `admin` reads
    socket_config socket;
    vmsig::server_options server{.peers = most_peers};
    std::vector<machine_config> machines;
};

vmsig::expected<config, findings> parse_config(std::string_view text);

} // namespace host
