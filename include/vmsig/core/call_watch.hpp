// call_watch: which adapter is being called, as another thread may see it. The loop can not say
// that it is blocked; whoever watches it from beside can, and can name the adapter:
//
//     adapter_id late = bus.calls().look(last);   // every second, on a thread of the host's own
//
// It reads no clock: two looks in which the same call is under way are as far apart as the host
// makes them. The adapter is quarantined when its call returns.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>

#include <vmsig/base/ids.hpp>

namespace vmsig {

class call_watch {
public:
    /// A call as a watching thread remembers it.
    using call_number = std::uint64_t;

    /// Any thread. The adapter that has been in one and the same call since `last` was written by
    /// the look before, which makes this call its last one; nobody, if none was. Each watching
    /// thread has a `last` of its own, 0 at first.
    adapter_id look(call_number& last) noexcept {
        const call_number now = number_.load(std::memory_order_acquire);
        const adapter_id who{callee_.load(std::memory_order_relaxed)};
        std::atomic_thread_fence(std::memory_order_acquire);
        const bool torn = number_.load(std::memory_order_relaxed) != now;
        const bool same = !torn && now == last && who;
        last = now;
        if (!same) return {};
        mark(now);
        return who;
    }

    /// Loop thread: around one call. Calls nest.
    class scope {
    public:
        scope(call_watch& w, adapter_id callee)
            : watch_{w}
            , outer_number_{w.number_.load(std::memory_order_relaxed)}
            , outer_callee_{w.callee_.load(std::memory_order_relaxed)}
            , number_{++w.calls_ << depth_bits | inside(outer_number_)} {
            watch_.show(number_, callee.value);
        }
        scope(const scope&) = delete;
        scope& operator=(const scope&) = delete;
        ~scope() { watch_.show(outer_number_, outer_callee_); }
        /// Somebody has seen this call take too long.
        bool overdue() const {
            return watch_.overdue_[depth_of(number_)].load(std::memory_order_acquire) == number_;
        }

    private:
        call_watch& watch_;
        call_number outer_number_;
        std::uint64_t outer_callee_;
        call_number number_;
    };

private:
    static constexpr unsigned depth_bits = 6;
    static constexpr unsigned depths = 1u << depth_bits;

    static unsigned depth_of(call_number n) { return static_cast<unsigned>(n % depths); }
    /// The depth of a call within that one.
    static unsigned inside(call_number outer) {
        return outer == 0 ? 0 : std::min(depth_of(outer) + 1, depths - 1);
    }
    /// Calls of one depth come one after the other: a late mark never hides one of a later call.
    void mark(call_number n) {
        std::atomic<call_number>& marked = overdue_[depth_of(n)];
        call_number before = marked.load(std::memory_order_relaxed);
        while (before < n && !marked.compare_exchange_weak(before, n, std::memory_order_release,
                                                           std::memory_order_relaxed)) {}
    }
    void show(call_number n, std::uint64_t callee) {
        callee_.store(0, std::memory_order_relaxed); // whoever reads in between sees nobody
        number_.store(n, std::memory_order_release);
        callee_.store(callee, std::memory_order_release);
    }

    std::atomic<call_number> number_{0};
    std::atomic<std::uint64_t> callee_{0};
    std::array<std::atomic<call_number>, depths> overdue_{}; ///< the last one marked, by depth
    call_number calls_ = 0;
};

} // namespace vmsig
