// service: the host as a whole: it reads its files, makes the machines, opens the door, and turns
// the loop until a signal ends it. The longest example of embedding the bus: begin here.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <vmsig/transport/listener.hpp>
#include <vmsig/transport/server.hpp>

#include "accounts.hpp"
#include "config.hpp"
#include "door_calls.hpp"
#include "doorkeeper.hpp"
#include "fleet.hpp"
#include "signals.hpp"

namespace host {

/// What is read when a host starts, and again at each reload.
struct settings {
    host::config config;
    host::grants grants;
};
using complaints = std::vector<std::string>; ///< a line each

/// Both files, or everything that is wrong with them.
vmsig::expected<settings, complaints> read_settings(const std::string& config_path);
/// What is no error, but perhaps not meant: patterns that fit no machine.
complaints notes_on(const settings& s);

class service {
public:
    /// Serves from here on: the socket is there and the machines run. Throws std::runtime_error.
    service(std::string config_path, settings s);
    ~service();
    service(const service&) = delete;
    service& operator=(const service&) = delete;

    /// Until SIGTERM or SIGINT; SIGHUP reads the files again.
    void run();

private:
    using door = vmsig::server<core, doorkeeper, door_calls>;

    vmsig::unique_fd open_socket();
    void reload();
    void say_ready() const;
    void power_off();

    std::string config_path_;
    config config_;
    wishes wishes_;
    std::optional<vmsig::listening_socket> place_; ///< unless the socket was handed down
    core bus_;
    doorkeeper doorkeeper_;
    fleet fleet_;
    std::optional<door> door_;
};

} // namespace host
