// sleep_flag: does the loop sleep, so that a poster must ring? Not the bell itself: it only says
// who rings it, which is one poster per sleep.
//
// A poster pushes (P1), then claims: exchange to false (P2), and rings if that gave true (P3). The
// loop declares: exchange to true (L1), looks at the queue (L2), and waits for the bell (L3).
// Every change of the flag is a read-modify-write, so each reads what the one before it in the
// flag's single order wrote. Take a push that L2 did not see.
//  - P2 before L1: L1 reads P2 or an unbroken chain of exchanges after it, hence synchronises with
//    it; P1 happens before L2, which sees the push. A contradiction, so this is not the case.
//  - L1 before P2: the first claim after L1 reads true, and its poster rings. P2 is that claim, or
//    comes after it, and then that other poster's bell ends L3; or the loop itself withdrew in
//    between, does not sleep, and looks at the queue before it does (the first case).
// So an unseen push always finds the bell rung, whatever orders its own queue: release at P1 and
// acquire at L2 are enough. A plain store in `withdraw` would break the chain of the first case.
// A signal handler on the loop's own thread is a poster like any other.
//
// A poster that can say more of its queue pays less (`claim_ordered`). Let P1 be a sequentially
// consistent read-modify-write and L2 a sequentially consistent load of the same object. If the
// poster's look at the flag, between P1 and a claim, does not see L1, it comes before L1 in the
// single order of all such operations; then so does P1, and L2 sees it.
#pragma once

#include <atomic>

namespace vmsig {

class sleep_flag {
public:
    /// On the loop's thread, before its last look at the queues.
    void declare() noexcept { sleeping_.exchange(true, std::memory_order_seq_cst); }

    /// On the loop's thread, at the start of a turn.
    void withdraw() noexcept {
        if (sleeping_.load(std::memory_order_relaxed))
            sleeping_.exchange(false, std::memory_order_seq_cst);
    }

    /// From any thread and from signal handlers, after the push: true if the caller must ring.
    [[nodiscard]] bool claim() noexcept {
        return sleeping_.exchange(false, std::memory_order_seq_cst);
    }

    /// The same after a push that is a sequentially consistent read-modify-write, if the loop's
    /// last look is a sequentially consistent load of what was pushed to. A load, while it is
    /// awake.
    [[nodiscard]] bool claim_ordered() noexcept {
        return sleeping_.load(std::memory_order_seq_cst) && claim();
    }

    bool declared() const noexcept { return sleeping_.load(std::memory_order_relaxed); }

private:
    static_assert(std::atomic<bool>::is_always_lock_free, "signal handlers claim");
    std::atomic<bool> sleeping_ = false;
};

} // namespace vmsig
