// arbitration_policy: who gives way when a lease is wanted that somebody else holds. A pure
// function of its arguments and of what the host configured: it sees the owner as it was when it
// acquired, so that a later change of the owner's grant does not change who may preempt it.
#pragma once

#include <concepts>
#include <cstdint>

#include <vmsig/base/ids.hpp>
#include <vmsig/base/time.hpp>
#include <vmsig/event/right.hpp>

namespace vmsig {

/// One side of an arbitration.
struct lease_party {
    origin_id who;
    std::uint32_t rank = 0; ///< higher goes first
    friend constexpr bool operator==(const lease_party&, const lease_party&) = default;
};

enum class ruling_kind : std::uint8_t {
    refuse,  ///< the owner keeps it
    preempt, ///< the owner loses it at once
    ask,     ///< the owner is told, and loses it at the deadline whatever it does
};

struct ruling {
    ruling_kind what = ruling_kind::refuse;
    instant deadline; ///< with `ask`; one that has passed is `preempt`
    friend constexpr bool operator==(const ruling&, const ruling&) = default;
};

/// `decide` is called for each contested request, on the loop thread; it must not throw. An
/// optional `static constexpr bool ends_with_epoch` says whether a new epoch ends all leases.
template <class P>
concept arbitration_policy = requires(const P& policy, const lease_party& owner,
                                      const lease_party& challenger, const endpoint_id& endpoint,
                                      const lease_class& wanted, const instant& now) {
    { policy.decide(owner, challenger, endpoint, wanted, now) } -> std::same_as<ruling>;
};

/// Whether leases end with the epoch under `P`; they survive it unless the policy says otherwise.
template <class P>
inline constexpr bool ends_with_epoch = [] {
    if constexpr (requires { P::ends_with_epoch; }) {
        return bool{P::ends_with_epoch};
    } else {
        return false;
    }
}();

/// The default: a strictly higher rank preempts at once.
struct rank_arbitration {
    constexpr ruling decide(const lease_party& owner, const lease_party& challenger, endpoint_id,
                            lease_class, instant) const {
        return {challenger.rank > owner.rank ? ruling_kind::preempt : ruling_kind::refuse, {}};
    }
};

/// A strictly higher rank preempts, but the owner has `grace` to finish (as logind's inhibitors).
struct ask_arbitration {
    duration grace = seconds(5);

    constexpr ruling decide(const lease_party& owner, const lease_party& challenger, endpoint_id,
                            lease_class, instant now) const {
        if (challenger.rank <= owner.rank) return {ruling_kind::refuse, {}};
        return {ruling_kind::ask, now + grace};
    }
};

/// Whoever holds a lease keeps it until it ends otherwise.
struct first_come_arbitration {
    constexpr ruling decide(const lease_party&, const lease_party&, endpoint_id, lease_class,
                            instant) const {
        return {ruling_kind::refuse, {}};
    }
};

} // namespace vmsig
