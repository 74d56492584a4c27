// authenticator: the host's word on who may attach over a socket, and as what. It is told what the
// kernel knows of the peer and answers with a grant, or with nothing.
//
//     std::optional<grant> authenticate(const peer_identity&)    required
//     void admitted(const peer_identity&, origin_id)              it is attached as this control
//     void left(const peer_identity&, origin_id, wire::farewell)  it is not any more
//
// The identity is that of whoever connected, for the life of the socket: a descriptor that is
// handed on keeps it. A pid is for the record alone, for it can be another process by the time it
// is looked at; a pidfd can not.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <optional>

#include <sys/types.h>

#include <vmsig/base/ids.hpp>
#include <vmsig/base/unique_fd.hpp>
#include <vmsig/grant/grant.hpp>
#include <vmsig/transport/wire.hpp>

namespace vmsig {

inline constexpr std::size_t max_peer_groups = 256;

/// SO_PEERCRED and its like, unix(7), socket(7).
struct peer_identity {
    uid_t uid = static_cast<uid_t>(-1);
    gid_t gid = static_cast<gid_t>(-1);
    /// SO_PEERGROUPS: its supplementary groups when it connected. Of more than fit, none, and
    /// `groups_unknown`: then it may be in any.
    std::array<gid_t, max_peer_groups> groups{};
    std::size_t group_count = 0;
    bool groups_unknown = false;
    pid_t pid = 0;                             ///< for the record, never to decide by
    unique_fd pidfd;                           ///< SO_PEERPIDFD, Linux 6.5; none before
    std::array<char, 256> label{};             ///< SO_PEERSEC; empty without a security module
    std::array<char, wire::name_bytes> name{}; ///< what it calls itself: believe nothing of it

    bool in_group(gid_t g) const {
        const auto end = groups.begin() + static_cast<std::ptrdiff_t>(group_count);
        return gid == g || std::find(groups.begin(), end, g) != end;
    }
};

template <class A>
concept authenticator = requires(A& a, const peer_identity& who) {
    { a.authenticate(who) } -> std::same_as<std::optional<grant>>;
};

template <class A>
concept authenticator_with_record = authenticator<A> &&
    requires(A& a, const peer_identity& who, origin_id as, wire::farewell why) {
    a.admitted(who, as);
    a.left(who, as, why);
};

} // namespace vmsig
