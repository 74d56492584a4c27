// What the lease arbiter answers: plans, ends, what is due, and status. Plain data.
#pragma once

#include <cstdint>

#include <vmsig/base/counter.hpp>
#include <vmsig/base/ids.hpp>
#include <vmsig/base/time.hpp>
#include <vmsig/event/lease.hpp>
#include <vmsig/event/outcome.hpp>
#include <vmsig/lease/policy.hpp>
#include <vmsig/lease/request.hpp>
#include <vmsig/lease/wait_list.hpp>

namespace vmsig {

/// What is to be done about a request.
enum class step : std::uint8_t {
    refuse,
    already, ///< the requester holds it: keep the serial, `renew` if the request says so
    grant,   ///< it is free: `grant`
    preempt, ///< `end`, then `grant`
    ask,     ///< `begin_ask`, and tell the owner
    wait,    ///< `enqueue`, which answers the same id to one who waits already
};

struct plan {
    step what = step::refuse;
    refusal why = refusal::none; ///< with `refuse`
    instant deadline;            ///< with `ask`: when the owner is preempted
    friend constexpr bool operator==(const plan&, const plan&) = default;
};

/// A lease that has just ended; `owner.who` 0: there was none.
struct ended {
    lease_party owner;
    serial_number serial; ///< of the lease that ended
    instant since;        ///< when it was granted
    lease_end why = lease_end::none;
    constexpr explicit operator bool() const { return static_cast<bool>(owner.who); }
};

struct due {
    enum class event : std::uint8_t {
        nothing,
        owner_expired,  ///< the caller ends the lease (`expired`), then asks again
        ask_elapsed,    ///< the caller ends the lease (`preempted`), then asks again
        waiter_expired, ///< `who` waits no longer
    };
    event what = event::nothing;
    waiter who;
};

struct lease_status {
    lease_party owner;    ///< as it was when it acquired; `who` 0: free
    serial_number serial; ///< of the lease, or of its end when free
    instant since;        ///< of the grant; 0 when free
    instant expires = instant::never();
    instant ask_deadline = instant::never(); ///< when the owner makes way for a challenger
    std::uint32_t waiters = 0;
    lease_end last_end = lease_end::none; ///< of the lease before, or the last one when free
    lease_reason reason;                  ///< the owner's
};

} // namespace vmsig
