// What the verbs of a control answer: plain values, each either what was asked for or the one
// reason why not.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <vmsig/base/expected.hpp>
#include <vmsig/base/time.hpp>
#include <vmsig/base/unique_fd.hpp>
#include <vmsig/event/lease.hpp>
#include <vmsig/event/outcome.hpp>
#include <vmsig/memctx/locator.hpp>

namespace vmsig {

struct submit_result {
    correlation_id id; ///< names the command in its receipt, when accepted
    refusal why = refusal::none;

    constexpr explicit operator bool() const { return why == refusal::none; }
};

enum class cancel_result : std::uint8_t {
    cancelled, ///< its receipt says so
    too_late,  ///< it has begun or ended, or there is no such command of yours
    gone,
};

struct lease_options {
    bool wait = false;         ///< queue up when somebody else may keep it
    duration wait_for{};       ///< at most this long; 0: until withdrawn
    duration time_to_live{};   ///< the lease expires unless renewed; 0: it does not
    std::string_view reason{}; ///< shown to observers; at most 47 bytes
};

struct acquire_result {
    enum class status : std::uint8_t { granted, waiting, refused };

    status what = status::refused;
    refusal why = refusal::none;
    vmsig::lease lease; ///< when granted
    wait_id wait;       ///< when waiting
    origin_id holder;   ///< with refusal::held, to those who may observe
    instant since;      ///< the holder's

    constexpr explicit operator bool() const { return what == status::granted; }
};

struct lease_view {
    origin_id holder; ///< 0: free
    serial_number serial;
    instant since;
    instant expires; ///< never() without a time to live
    std::uint32_t rank = 0;
    std::uint8_t waiters = 0;
    std::array<char, 48> reason{};
};

/// What has happened at one endpoint since it was added.
struct endpoint_statistics {
    epoch_number epoch;
    std::uint64_t events = 0;   ///< emitted by its adapters
    std::uint64_t commands = 0; ///< accepted
    std::uint64_t lost_events = 0;
    std::uint64_t dropped_publications = 0; ///< of a memctx, for their epoch
};

/// A memctx as handed out: the locator and, once per (control, epoch), the descriptors.
struct memctx_export {
    memctx_locator locator;
    std::array<unique_fd, max_ram_fds> fds{}; ///< O_RDONLY, owned by the receiver
    bool fds_included = false;                ///< false: you took them earlier in this epoch
};

} // namespace vmsig
