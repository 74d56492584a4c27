// epoch_keeper: the epoch of one endpoint, and which transitions raise it.
//
// A destructive transition that the guest, the host or a watchdog caused raises the epoch when it
// is seen. One that was commanded through the bus raised it beforehand; until that command
// completes, the adapter's lifecycle events raise nothing more, however often it tells them.
//
// A raise is a safety action and cannot be refused when the guest caused it. At the counter's limit
// the endpoint is exhausted instead: the number stays, and since it may then stand for two
// incarnations, nothing is current any more. Whoever sees that ends what is fenced and drops the
// memctx as for any raise, and admits nothing fenced again. A commanded raise at the limit is
// refused before it changes anything.
#pragma once

#include <cstdint>

#include <vmsig/base/assert.hpp>
#include <vmsig/base/counter.hpp>
#include <vmsig/base/expected.hpp>
#include <vmsig/event/payloads.hpp>

namespace vmsig {

enum class epoch_error : std::uint8_t { exhausted };

/// What a transition did to the epoch.
enum class epoch_step : std::uint8_t { kept, raised, exhausted };

class epoch_keeper {
public:
    /// 1 at first.
    constexpr epoch_number current() const { return epoch_; }
    constexpr bool exhausted() const { return exhausted_; }
    /// The fence: whether something of epoch `e` may still act.
    constexpr bool is_current(epoch_number e) const { return !exhausted_ && e == epoch_; }
    constexpr bool commanded() const { return commanded_ != 0; }

    /// For what cannot be refused: at `limit`, and ever after, the endpoint is exhausted.
    [[nodiscard]] constexpr expected<epoch_number, epoch_error> raise(std::uint64_t limit) {
        if (exhausted_ || !epoch_.rise(limit)) {
            exhausted_ = true;
            return unexpected(epoch_error::exhausted);
        }
        return epoch_;
    }
    /// An adapter told of `t`. `exhausted` is reported for the transition that exhausts and for
    /// each destructive one after it.
    [[nodiscard]] constexpr epoch_step observe(transition t, std::uint64_t limit) {
        if (!destructive(t) || commanded()) return epoch_step::kept;
        return raise(limit) ? epoch_step::raised : epoch_step::exhausted;
    }
    /// A destructive verb begins: raises now. Nothing has changed if this fails.
    [[nodiscard]] constexpr expected<epoch_number, epoch_error>
    begin_commanded(std::uint64_t limit) {
        if (exhausted_ || !epoch_.rise(limit)) return unexpected(epoch_error::exhausted);
        ++commanded_;
        return epoch_;
    }
    /// It completed, failed, or its adapter is gone: once per successful begin. The epoch stays.
    constexpr void end_commanded() {
        VMSIG_ASSERT(commanded_ > 0);
        --commanded_;
    }

private:
    epoch_number epoch_{1};
    std::uint32_t commanded_ = 0; ///< destructive verbs under way
    bool exhausted_ = false;
};

} // namespace vmsig
