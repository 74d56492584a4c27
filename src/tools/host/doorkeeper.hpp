// doorkeeper: the host's word on who may attach, by the grants in force, and the log of who came
// and went. An authenticator of the library.
#pragma once

#include <vmsig/transport/authenticator.hpp>

#include "core.hpp"
#include "grants.hpp"

namespace host {

class doorkeeper {
public:
    explicit doorkeeper(const core& at)
        : bus_{at} {}

    /// From now on; the server asks again about everybody when it is told to.
    void enforce(grants g) { grants_ = std::move(g); }
    const grants& in_force() const { return grants_; }

    std::optional<vmsig::grant> authenticate(const vmsig::peer_identity& who);
    void admitted(const vmsig::peer_identity& who, vmsig::origin_id as);
    void left(const vmsig::peer_identity& who, vmsig::origin_id as, vmsig::wire::farewell why);
    /// With an errno, or 0 when there is one more peer. That there is no room for anybody is logged
    /// once, and its end.
    void accepted(int error) noexcept;

private:
    /// Whether a line about a peer may be logged: a crowd at the door must not fill a disk.
    bool may_log();

    const core& bus_;
    grants grants_;
    vmsig::instant since_;
    std::uint64_t logged_ = 0, unsaid_ = 0;
    bool nobody_gets_in_ = false;
};

} // namespace host
