// doorbell: one thread sleeps, another one wakes it, with a system call only if the first has said
// that it sleeps. Not a queue.
//
// The sleeper declares, looks once more, then waits, or lets somebody poll `fd()`. The other one
// changes something, then rings. Why nothing is slept through: reactor/sleep_flag.hpp, under the
// terms of `claim_ordered`; so what is changed is changed by sequentially consistent
// read-modify-writes, and the look is a sequentially consistent load of it. Every change of the
// state here is an exchange too.
//
// A poller is told through an eventfd, for its descriptor must stay readable until it has come. A
// thread that waits by itself needs none: it sleeps on the state (futex(2)), which saves a read.
#pragma once

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <system_error>

#include <linux/futex.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <vmsig/base/time.hpp>
#include <vmsig/base/unique_fd.hpp>

namespace vmsig {

class doorbell {
public:
    /// Declared. Throws std::system_error.
    doorbell()
        : bell_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {
        if (!bell_) throw std::system_error{errno, std::generic_category(), "eventfd"};
    }

    /// Readable when it was rung for a poller.
    int fd() const { return bell_.get(); }

    // The sleeper.

    /// Before the last look. Nothing more if it has declared already.
    void declare() noexcept {
        if (mode_ != state::awake) return;
        mode_ = state::polls;
        state_.exchange(state::polls, std::memory_order_seq_cst);
    }
    /// At the start of its work; silences the bell. True: it had declared, and was rung.
    bool awake() noexcept {
        if (mode_ == state::awake) return false;
        const bool rung = state_.exchange(state::awake, std::memory_order_seq_cst) == state::awake;
        if (rung && mode_ == state::polls) ++owed_;
        mode_ = state::awake;
        std::uint64_t count = 0;
        if (owed_ != 0 && ::read(bell_.get(), &count, sizeof count) > 0) owed_ -= count;
        return rung;
    }
    /// After it has declared and found nothing: until it is rung, at most so long. It is awake
    /// then. False: it was not rung; the time is over, or a signal came.
    bool wait(duration at_most) noexcept {
        const state before = state_.exchange(state::waits, std::memory_order_seq_cst);
        const bool rung = before == state::awake;
        if (rung) {
            ++owed_; // for a poller, before this
        } else {
            const ::timespec t{static_cast<time_t>(at_most.ns / 1'000'000'000),
                               static_cast<long>(at_most.ns % 1'000'000'000)};
            ::syscall(SYS_futex, &state_, FUTEX_WAIT_PRIVATE, state::waits, &t, nullptr, 0);
        }
        mode_ = state::waits;
        return awake() || rung;
    }

    // The other one, after its change; or the sleeper, to be called again.

    void ring() noexcept {
        if (state_.load(std::memory_order_seq_cst) == state::awake) return;
        const state before = state_.exchange(state::awake, std::memory_order_seq_cst);
        if (before == state::polls) {
            const std::uint64_t one = 1;
            [[maybe_unused]] const auto written = ::write(bell_.get(), &one, sizeof one);
        } else if (before == state::waits) {
            ::syscall(SYS_futex, &state_, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
        }
    }

private:
    enum class state : std::uint32_t { awake, polls, waits };
    static_assert(sizeof(std::atomic<state>) == sizeof(std::uint32_t), "a futex");

    const unique_fd bell_;
    std::atomic<state> state_{state::polls};
    state mode_ = state::polls; ///< what the sleeper said last
    std::uint64_t owed_ = 0;    ///< rings that were claimed, and not read: the write may come late
};

} // namespace vmsig
