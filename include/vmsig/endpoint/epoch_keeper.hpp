// epoch_keeper: the epoch of one endpoint, and which transitions raise it.
//
// A destructive transition that the guest, the host or a watchdog caused raises the epoch when it
// is seen. One that was commanded through the bus raised it beforehand; until that command
// completes, the adapter's lifecycle events raise nothing more, however often it tells them. If it
// was not done in the end, what they told was the guest's own, and the epoch must rise for it then;
// whoever asks lets nothing fenced begin in between.
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
        absorbed_ = false; // it is of an epoch that is over
        return epoch_;
    }
    /// An adapter told of `t`. `exhausted` is reported for the transition that exhausts and for
    /// each destructive one after it.
    [[nodiscard]] constexpr epoch_step observe(transition t, std::uint64_t limit) {
        if (!destructive(t)) return epoch_step::kept;
        if (commanded()) {
            absorbed_ = true;
            return epoch_step::kept;
        }
        return raise(limit) ? epoch_step::raised : epoch_step::exhausted;
    }
    /// A destructive verb begins: raises now. Nothing has changed if this fails.
    [[nodiscard]] constexpr expected<epoch_number, epoch_error>
    begin_commanded(std::uint64_t limit) {
        if (exhausted_ || !epoch_.rise(limit)) return unexpected(epoch_error::exhausted);
        ++commanded_;
        absorbed_ = false;
        return epoch_;
    }
    /// It completed, failed, or its adapter is gone: once per successful begin. The epoch stays.
    /// True: a transition was absorbed that no command accounts for, so `raise` for it now.
    [[nodiscard]] constexpr bool end_commanded(bool done) {
        VMSIG_ASSERT(commanded_ > 0);
        undone_ = undone_ || !done;
        if (--commanded_ > 0) return false;
        const bool left = absorbed_ && undone_;
        absorbed_ = undone_ = false;
        return left;
    }

private:
    epoch_number epoch_{1};
    std::uint32_t commanded_ = 0; ///< destructive verbs under way
    bool absorbed_ = false;       ///< a destructive transition in this epoch, by whomever
    bool undone_ = false;         ///< one of the verbs under way together was not done
    bool exhausted_ = false;
};

} // namespace vmsig
