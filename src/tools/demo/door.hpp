// door: where another process gets in: a socket in a folder of the demo's own, a server behind it,
// and the host's word on who may attach, by uid.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>

#include <vmsig/transport/listener.hpp>
#include <vmsig/transport/server.hpp>

#include "machines.hpp"

namespace demo {

/// A folder that only this process writes to, removed with it.
class private_folder {
public:
    /// Throws std::system_error.
    private_folder();
    ~private_folder();
    private_folder(const private_folder&) = delete;
    private_folder& operator=(const private_folder&) = delete;

    /// Of the socket in it.
    const std::string& socket() const { return socket_; }
    /// Lets a group reach what is in it. Throws std::system_error.
    void open_to(gid_t group);

private:
    std::string path_;
    std::string socket_;
};

/// The host's word: one user may attach, as what `g` says, and nobody else may.
class doorkeeper {
public:
    doorkeeper(uid_t user, const vmsig::grant& g)
        : user_{user}
        , grant_{g} {}

    std::optional<vmsig::grant> authenticate(const vmsig::peer_identity& who) {
        return who.uid == user_ ? std::optional{grant_} : std::nullopt;
    }
    void admitted(const vmsig::peer_identity& who, vmsig::origin_id as) {
        uid_ = who.uid;
        pid_ = who.pid;
        origin_ = as;
    }
    void left(const vmsig::peer_identity&, vmsig::origin_id, vmsig::wire::farewell why) {
        farewell_ = why;
    }

    // Of whom it has let in: who the kernel says it is, and who it is on the bus.
    uid_t uid() const { return uid_; }
    pid_t pid() const { return pid_; }
    vmsig::origin_id origin() const { return origin_; }
    /// Once it has left: how.
    std::optional<vmsig::wire::farewell> farewell() const { return farewell_; }

private:
    uid_t user_;
    vmsig::grant grant_;
    uid_t uid_ = static_cast<uid_t>(-1);
    pid_t pid_ = 0;
    vmsig::origin_id origin_;
    std::optional<vmsig::wire::farewell> farewell_;
};

class door {
public:
    /// `bus` outlives it. Throws std::system_error.
    door(demo_core& bus, std::unique_ptr<private_folder> folder, uid_t user, const vmsig::grant& g);

    /// Nobody else gets in, and nothing of it is left in the file system.
    void close();
    const doorkeeper& keeper() const { return keeper_; }

private:
    doorkeeper keeper_;
    std::unique_ptr<private_folder> folder_;
    std::optional<vmsig::listening_socket> socket_;
    vmsig::server<demo_core, doorkeeper> server_;
};

} // namespace demo
