// ledger: what one control holds of the bus, against its quotas. Charge first, take then; whoever
// takes gives back. A full refund is asserted at the end: a charge left over is a leak.
#pragma once

#include <array>
#include <cstdint>

#include <vmsig/base/assert.hpp>
#include <vmsig/grant/quotas.hpp>

namespace vmsig {

class ledger {
public:
    constexpr ledger() = default;
    constexpr explicit ledger(const quotas& q)
        : quotas_{q} {}
    ledger(const ledger&) = delete;
    ledger& operator=(const ledger&) = delete;
    constexpr ~ledger() { VMSIG_ASSERT(empty()); }

    /// False at the quota; nothing is charged then.
    [[nodiscard]] constexpr bool charge(resource r) {
        if (held(r) >= quotas_[r]) return false;
        ++held_[static_cast<unsigned>(r)];
        return true;
    }
    constexpr void refund(resource r) {
        VMSIG_ASSERT(held(r) > 0);
        --held_[static_cast<unsigned>(r)];
    }
    constexpr std::uint32_t held(resource r) const { return held_[static_cast<unsigned>(r)]; }
    /// Without a refund: the copy of a forked child, whose charges are its parent's.
    constexpr void abandon() { held_ = {}; }
    constexpr bool empty() const { return held_ == decltype(held_){}; }

    /// What is held beyond a lowered quota stays; nothing more is charged until it is refunded.
    constexpr void set_quotas(const quotas& q) { quotas_ = q; }

private:
    quotas quotas_;
    std::array<std::uint32_t, resource_count> held_{};
};

} // namespace vmsig
