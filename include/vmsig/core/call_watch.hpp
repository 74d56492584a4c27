// call_watch: which adapter is being called, as another thread may see it. The loop can not say
// that it is blocked; whoever watches it from beside can, and can name the adapter:
//
//     adapter_id late = bus.calls().look(last);   // every second, on a thread of the host's own
//
// It reads no clock: two looks in which the same call is under way are as far apart as the host
// makes them. The adapter is quarantined when its call returns.
#pragma once

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
        overdue_.store(now, std::memory_order_release);
        return who;
    }

    /// Loop thread: around one call. Calls nest.
    class scope {
    public:
        scope(call_watch& w, adapter_id callee)
            : watch_{w}
            , outer_number_{w.number_.load(std::memory_order_relaxed)}
            , outer_callee_{w.callee_.load(std::memory_order_relaxed)}
            , number_{++w.calls_} {
            watch_.show(number_, callee.value);
        }
        scope(const scope&) = delete;
        scope& operator=(const scope&) = delete;
        ~scope() { watch_.show(outer_number_, outer_callee_); }
        /// Somebody has seen this call take too long.
        bool overdue() const { return watch_.overdue_.load(std::memory_order_acquire) == number_; }

    private:
        call_watch& watch_;
        call_number outer_number_;
        std::uint64_t outer_callee_;
        call_number number_;
    };

private:
    void show(call_number n, std::uint64_t callee) {
        callee_.store(0, std::memory_order_relaxed); // whoever reads in between sees nobody
        number_.store(n, std::memory_order_release);
        callee_.store(callee, std::memory_order_release);
    }

    std::atomic<call_number> number_{0};
    std::atomic<std::uint64_t> callee_{0};
    std::atomic<call_number> overdue_{0};
    call_number calls_ = 0;
};

} // namespace vmsig
