// lease_request: what a control asks for when it acquires. Plain data of fixed size, kept whole
// while it waits.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <vmsig/base/time.hpp>
#include <vmsig/lease/policy.hpp>

namespace vmsig {

inline constexpr std::size_t max_lease_reason_bytes = 47;

/// Why somebody holds a lease, in its own words, for whoever finds it held. Any bytes: escape them
/// when rendering.
struct lease_reason {
    std::uint8_t size = 0; ///< bytes of `bytes`
    std::array<char, max_lease_reason_bytes> bytes{};

    constexpr std::string_view text() const { return {bytes.data(), size}; }
    /// False when `text` is too long; nothing changes then.
    [[nodiscard]] constexpr bool assign(std::string_view text) {
        if (text.size() > max_lease_reason_bytes) return false;
        bytes = {};
        for (std::size_t i = 0; i < text.size(); ++i) bytes[i] = text[i];
        size = static_cast<std::uint8_t>(text.size());
        return true;
    }
    friend constexpr bool operator==(const lease_reason&, const lease_reason&) = default;
};
static_assert(sizeof(lease_reason) == 48);

struct lease_request {
    lease_party who;
    bool wait = false;     ///< queue when it is held; who may ask the owner waits anyway
    instant wait_deadline; ///< never granted at or after it; 0: none
    duration time_to_live; ///< from the grant; 0: until it ends otherwise
    lease_reason reason;

    constexpr bool valid() const {
        return who.who && time_to_live.ns >= 0 && wait_deadline.ns >= 0 &&
               reason.size <= max_lease_reason_bytes;
    }
    /// Until when it would wait, `never()` for no limit.
    constexpr instant waits_until() const {
        return wait && wait_deadline ? wait_deadline : instant::never();
    }
    /// When a lease granted now would expire.
    constexpr instant expires_if_granted(instant now) const {
        return time_to_live ? now + time_to_live : instant::never();
    }
    friend constexpr bool operator==(const lease_request&, const lease_request&) = default;
};

} // namespace vmsig
