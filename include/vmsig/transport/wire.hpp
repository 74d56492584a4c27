// wire: the numbers of the protocol: frame types, versions, limits. Not the frames themselves
// (requests.hpp, replies.hpp, stream.hpp) and not how they become bytes (codec.hpp).
//
// A datagram of a SOCK_SEQPACKET socket carries whole frames, one after the other, without padding.
// A frame is a header of 8 bytes (length of the whole frame, type, flags), fixed fields, and for
// some types a tail that is all the rest. Everything is little-endian. docs/protocol.md is
// generated from the same tables.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vmsig::wire {

inline constexpr std::uint64_t magic = 0x6769'736d'7600'0a0d; ///< "\r\n\0vmsig"
inline constexpr std::uint32_t byte_order = 0x0403'0201;      ///< as read by a little-endian host
inline constexpr std::uint16_t newest_version = 1;
inline constexpr std::uint16_t oldest_version = 1;

inline constexpr std::size_t header_bytes = 8;
inline constexpr std::size_t max_datagram_bytes = 20 * 1024;
/// Of one datagram to the server; so many answers have room before it is read.
inline constexpr unsigned max_requests_per_datagram = 256;
/// Event frames that a peer may leave unacknowledged before events other than those of the safety
/// lane wait.
inline constexpr std::uint32_t event_window = 96;
inline constexpr std::size_t name_bytes = 64;   ///< of endpoints, kinds and peers, NUL-padded
inline constexpr std::size_t reason_bytes = 48; ///< of a lease's reason, NUL-padded

/// Below 64 from a control, from 64 on from the server.
enum class frame_type : std::uint16_t {
    none,
    hello = 1,
    acknowledge,
    bye,
    pong,
    submit = 16,
    cancel,
    acquire,
    release,
    renew,
    withdraw,
    status,
    force_release,
    read_audit,
    statistics,
    subscribe,
    may,
    take_memctx,
    refresh,
    find,
    welcome = 64,
    rejected,
    endpoint_named,
    kind_named,
    event,
    ping,
    goodbye,
    answer = 80,
    submitted,
    cancelled,
    acquired,
    lease_state,
    audit_entry,
    audit_read,
    statistics_read,
    memctx,
    found,
};

/// Bits of a frame's flags; the others are 0.
inline constexpr std::uint16_t flag_optional = 1; ///< a receiver that does not know the type skips

/// Why a server lets nobody in, or lets go.
enum class farewell : std::uint8_t {
    none,
    version,    ///< no common version; the range is in the frame
    denied,     ///< the authenticator said no
    full,       ///< no place for another peer, or for another of that user
    late,       ///< no hello in time
    protocol,   ///< what came is not the protocol
    detached,   ///< by the host, or with the bus
    silent,     ///< missed its keepalive
    by_request, ///< the peer said bye
};

} // namespace vmsig::wire
