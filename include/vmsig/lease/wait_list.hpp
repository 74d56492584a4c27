// wait_list: who waits for one cell. Unordered storage; the order is computed when somebody is
// next: challengers that the policy let ask the owner, then the highest rank, then the first come.
// Not a promise to be granted: the caller re-checks a waiter when its turn comes.
#pragma once

#include <array>
#include <cstdint>

#include <vmsig/base/assert.hpp>
#include <vmsig/base/ids.hpp>
#include <vmsig/base/time.hpp>
#include <vmsig/lease/request.hpp>

namespace vmsig {

struct waiter {
    wait_id id;                              ///< 0: nobody
    instant ask_deadline = instant::never(); ///< when the owner makes way for it
    lease_request request;

    constexpr explicit operator bool() const { return static_cast<bool>(id); }
    constexpr bool asks() const { return ask_deadline < instant::never(); }
    /// Its time to wait is over: it must be told so, not granted.
    constexpr bool expired(instant now) const { return request.waits_until() <= now; }
    /// Ids of one cell rise, hence tell who came first.
    friend constexpr bool goes_before(const waiter& a, const waiter& b) {
        if (a.asks() != b.asks()) return a.asks();
        if (a.request.who.rank != b.request.who.rank) {
            return a.request.who.rank > b.request.who.rank;
        }
        return a.id < b.id;
    }
    friend constexpr bool operator==(const waiter&, const waiter&) = default;
};

template <std::uint32_t Capacity>
class wait_list {
public:
    constexpr std::uint32_t size() const { return size_; }
    constexpr bool full() const { return size_ == Capacity; }

    constexpr const waiter* find(origin_id who) const {
        for (std::uint32_t i = 0; i < size_; ++i) {
            if (slots_[i].request.who.who == who) return &slots_[i];
        }
        return nullptr;
    }
    constexpr waiter* find(origin_id who) {
        return const_cast<waiter*>(static_cast<const wait_list*>(this)->find(who));
    }
    /// Whose turn it is, or null.
    constexpr const waiter* first() const {
        const waiter* best = nullptr;
        for (std::uint32_t i = 0; i < size_; ++i) {
            if (!best || goes_before(slots_[i], *best)) best = &slots_[i];
        }
        return best;
    }
    /// Who comes after all others, or null.
    constexpr const waiter* last() const {
        const waiter* worst = nullptr;
        for (std::uint32_t i = 0; i < size_; ++i) {
            if (!worst || goes_before(*worst, slots_[i])) worst = &slots_[i];
        }
        return worst;
    }
    constexpr const waiter* first_expired(instant now) const {
        for (std::uint32_t i = 0; i < size_; ++i) {
            if (slots_[i].expired(now)) return &slots_[i];
        }
        return nullptr;
    }
    /// Only when not full.
    constexpr waiter& add(const waiter& w) {
        VMSIG_ASSERT(!full());
        return slots_[size_++] = w;
    }
    /// Takes out one that this list pointed to; null takes nobody.
    constexpr waiter take(const waiter* which) {
        if (!which) return {};
        const waiter taken = *which;
        slots_[static_cast<std::uint32_t>(which - slots_.data())] = slots_[--size_];
        return taken;
    }
    /// The earliest time at which the owner makes way for one of them.
    constexpr instant ask_deadline() const {
        instant earliest = instant::never();
        for (std::uint32_t i = 0; i < size_; ++i) {
            if (slots_[i].ask_deadline < earliest) earliest = slots_[i].ask_deadline;
        }
        return earliest;
    }
    constexpr instant wait_deadline() const {
        instant earliest = instant::never();
        for (std::uint32_t i = 0; i < size_; ++i) {
            if (const auto t = slots_[i].request.waits_until(); t < earliest) earliest = t;
        }
        return earliest;
    }
    /// The owner that they asked is gone.
    constexpr void forget_asks() {
        for (std::uint32_t i = 0; i < size_; ++i) slots_[i].ask_deadline = instant::never();
    }

private:
    std::array<waiter, Capacity> slots_{};
    std::uint32_t size_ = 0;
};

} // namespace vmsig
