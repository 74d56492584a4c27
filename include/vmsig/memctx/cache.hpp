// memctx_cache: which memctx of one endpoint is valid, and who has been given it. It holds the
// registration, not a copy of the locator: delivery and replay ask the provider again.
//
// What a control sees of (epoch, version) strictly rises; an invalidation stands between epochs and
// none between versions. Hence an invalidation closes its epoch: nothing more is published in it,
// also when it came from a provider that unregistered. A provider that registers while the epoch is
// closed serves other memory than the one before it: raise the epoch, as for any replaced memory.
#pragma once

#include <cstdint>

#include <vmsig/base/assert.hpp>
#include <vmsig/base/bits.hpp>
#include <vmsig/base/counter.hpp>
#include <vmsig/base/expected.hpp>

namespace vmsig {

enum class registration_error : std::uint8_t { already_registered };
enum class publish_error : std::uint8_t {
    not_registered,
    stale_epoch, ///< not the current epoch, or closed; counted
    exhausted,   ///< the version reached its limit; the last one stays valid
};

enum class memctx_state : std::uint8_t {
    unregistered,
    registered, ///< nothing to show yet
    valid,
};

/// What an invalidation takes back.
struct memctx_recall {
    bool was_valid = false;
    std::uint64_t given = 0; ///< control slots to be told
};

class memctx_cache {
public:
    constexpr memctx_state state() const { return state_; }
    constexpr bool valid() const { return state_ == memctx_state::valid; }
    /// Of the latest publication; its `epoch` is none before the first.
    constexpr epoch_number epoch() const { return epoch_; }
    constexpr version_number version() const { return version_; }
    /// Publications dropped for their epoch.
    constexpr std::uint64_t drops() const { return drops_; }
    /// Whether nothing can be published before the epoch rises above `current`.
    constexpr bool closed(epoch_number current) const { return current <= closed_; }

    [[nodiscard]] constexpr expected<void, registration_error> register_provider() {
        if (state_ != memctx_state::unregistered)
            return unexpected(registration_error::already_registered);
        state_ = memctx_state::registered;
        return {};
    }
    /// The provider offers what it knows of epoch `of`. The version is 1 in each epoch at first.
    [[nodiscard]] constexpr expected<version_number, publish_error>
    publish(epoch_number of, epoch_number current, std::uint64_t limit) {
        VMSIG_ASSERT(epoch_ <= current);
        if (state_ == memctx_state::unregistered) return unexpected(publish_error::not_registered);
        if (of != current || closed(current)) {
            ++drops_;
            return unexpected(publish_error::stale_epoch);
        }
        version_number next = epoch_ == current ? version_ : version_number{};
        if (!next.rise(limit)) return unexpected(publish_error::exhausted);
        VMSIG_ASSERT(epoch_ == current || !valid()); // an invalidation stands between epochs
        epoch_ = current;
        version_ = next;
        state_ = memctx_state::valid;
        return version_;
    }
    /// The epoch is about to rise above `last`, or is exhausted. The registration stays. To those
    /// who were given the memctx, in what is returned, the invalidation must be sent.
    [[nodiscard]] constexpr memctx_recall invalidate(epoch_number last) {
        if (closed_ < last) closed_ = last;
        const memctx_recall recall{valid(), given_};
        if (valid()) state_ = memctx_state::registered;
        given_ = fds_taken_ = 0;
        return recall;
    }
    /// As above, but the epoch stays: closed if something had been published in it.
    [[nodiscard]] constexpr memctx_recall unregister() {
        const memctx_recall recall = valid() ? invalidate(epoch_) : memctx_recall{};
        state_ = memctx_state::unregistered;
        return recall;
    }

    /// Control slots that were told of, or took, the memctx of this epoch.
    constexpr std::uint64_t given() const { return given_; }
    /// Only while valid; repeating it changes nothing.
    constexpr void give(unsigned control_slot) {
        VMSIG_ASSERT(valid());
        given_ |= bit(control_slot);
    }
    /// Whether the control owns the descriptors of this epoch already: they are shared once.
    constexpr bool took_fds(unsigned control_slot) const {
        return has_bit(fds_taken_, control_slot);
    }
    /// Only once they have arrived: a control whose descriptors could not be made may ask again.
    constexpr void mark_fds_taken(unsigned control_slot) {
        VMSIG_ASSERT(valid());
        fds_taken_ |= bit(control_slot);
    }
    /// They did not reach it after all.
    constexpr void mark_fds_lost(unsigned control_slot) { fds_taken_ &= ~bit(control_slot); }
    /// The control may not have it any more; what it owns cannot be taken back.
    constexpr void revoke(unsigned control_slot) { given_ &= ~bit(control_slot); }
    /// The control is detached: its slot starts anew.
    constexpr void forget(unsigned control_slot) {
        given_ &= ~bit(control_slot);
        mark_fds_lost(control_slot);
    }

private:
    memctx_state state_ = memctx_state::unregistered;
    epoch_number epoch_;
    epoch_number closed_; ///< nothing of it or older is published any more
    version_number version_;
    std::uint64_t drops_ = 0;
    std::uint64_t given_ = 0;
    std::uint64_t fds_taken_ = 0;
};

} // namespace vmsig
