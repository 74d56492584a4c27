// The reference that the arbiter is compared with: the same rules written naively, with sorted
// vectors and no sharing of code. Not fast and not bounded in memory.
#pragma once

#include <vmsig/lease/answers.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace vmsig::test {

struct naive_waiter {
    lease_request request;
    wait_id id;
    std::optional<instant> asks_until;
};

struct naive_owner {
    lease_party party;
    serial_number serial;
    std::optional<instant> expires;
};

template <class Policy>
struct naive_cell {
    Policy policy;
    std::uint64_t limit = 0;
    std::size_t capacity = 0;
    std::uint64_t transitions = 0; ///< the serial: grants and ends so far
    std::uint64_t waits = 0;
    std::optional<naive_owner> owner;
    std::vector<naive_waiter> waiters; ///< in order of arrival

    bool waits_here(origin_id who) const { return position(who) != waiters.end(); }
    auto position(origin_id who) const {
        return std::find_if(waiters.begin(), waiters.end(),
                            [&](const naive_waiter& w) { return w.request.who.who == who; });
    }
    /// In the order in which they are served.
    std::vector<naive_waiter> served() const {
        std::vector<naive_waiter> sorted = waiters;
        const auto rank = [](const naive_waiter& w) { return w.request.who.rank; };
        std::stable_sort(sorted.begin(), sorted.end(),
                         [&](const auto& a, const auto& b) { return rank(a) > rank(b); });
        std::stable_partition(sorted.begin(), sorted.end(),
                              [](const auto& w) { return w.asks_until.has_value(); });
        return sorted;
    }
    /// Whether a lease granted after what is held now has ended could end too.
    bool room() const { return transitions + (owner ? 1 : 0) + 2 <= limit; }

    plan no(refusal why) const { return {step::refuse, why, {}}; }
    plan join(plan yes, const lease_request& r) const {
        if (waits_here(r.who.who)) return yes;
        if (!room() || waits + 1 > limit) return no(refusal::exhausted);
        if (waiters.size() >= capacity) return no(refusal::busy);
        return yes;
    }
    plan wait(const lease_request& r, instant now) const {
        const bool in_time = !r.wait_deadline || r.wait_deadline > now;
        if (!waits_here(r.who.who) && !(r.wait && in_time)) return no(refusal::held);
        return join({step::wait, {}, {}}, r);
    }
    plan consider(endpoint_id e, lease_class c, const lease_request& r, instant now) const {
        if (owner && owner->party.who == r.who.who) return {step::already, {}, {}};
        if (!owner) {
            const auto queue = served();
            const bool mine = !queue.empty() && queue[0].request.who.who == r.who.who;
            if (!queue.empty() && !mine &&
                (queue[0].asks_until || queue[0].request.who.rank >= r.who.rank)) {
                return wait(r, now);
            }
            return room() ? plan{step::grant, {}, {}} : no(refusal::exhausted);
        }
        const ruling d = policy.decide(owner->party, r.who, e, c, now);
        if (d.what == ruling_kind::refuse) return wait(r, now);
        if (d.what == ruling_kind::preempt) {
            return room() ? plan{step::preempt, {}, {}} : no(refusal::exhausted);
        }
        if (waits_here(r.who.who) && position(r.who.who)->asks_until) return {step::wait, {}, {}};
        const plan ask{step::ask, {}, d.deadline};
        const plan p = join(ask, r);
        return p.why == refusal::busy && served().back().request.who.rank < r.who.rank ? ask : p;
    }
    /// Whom a challenger of that rank pushes out of a full queue.
    std::optional<naive_waiter> pushed_out(std::uint32_t rank) const {
        if (waiters.size() < capacity || served().back().request.who.rank >= rank) return {};
        return served().back();
    }

    serial_number grant(const lease_request& r, instant now) {
        owner = naive_owner{r.who, {++transitions}, {}};
        if (r.time_to_live) owner->expires = now + r.time_to_live;
        leave(r.who.who);
        for (auto& w : waiters) w.asks_until.reset();
        return owner->serial;
    }
    void end() {
        owner.reset();
        ++transitions;
    }
    wait_id enqueue(std::uint32_t cell, const lease_request& r, std::optional<instant> ask) {
        if (!waits_here(r.who.who)) waiters.push_back({r, wait_id::make(cell, ++waits), {}});
        auto& mine = waiters[static_cast<std::size_t>(position(r.who.who) - waiters.begin())];
        if (ask) mine.asks_until = mine.asks_until ? std::min(*mine.asks_until, *ask) : *ask;
        return mine.id;
    }
    void leave(origin_id who) {
        if (waits_here(who)) waiters.erase(position(who));
    }

    static std::optional<instant> give_up(const naive_waiter& w) {
        if (!w.request.wait || !w.request.wait_deadline) return {};
        return w.request.wait_deadline;
    }
    instant next_deadline() const {
        std::vector<instant> all{instant::never()};
        for (const auto& w : waiters) {
            if (const auto t = give_up(w)) all.push_back(*t);
            if (owner && w.asks_until) all.push_back(*w.asks_until);
        }
        if (owner && owner->expires) all.push_back(*owner->expires);
        return *std::min_element(all.begin(), all.end());
    }
};

} // namespace vmsig::test
