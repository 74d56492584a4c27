// Rule: the arbiter equals a naive model at every step of any history of acquiring, ending, dying
// and waiting; I1 exclusivity, I15 grant liveness, I21 numbers that never repeat (property).
#include <vmsig/lease/arbiter.hpp>

#include <cstdint>
#include <limits>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include <support/catch.hpp>

#include "fixtures.hpp"
#include "naive_leases.hpp"

namespace {

using namespace vmsig;
using namespace vmsig::test;

struct token {
    std::uint32_t cell;
    origin_id who;
    serial_number serial;
};

void require(bool condition, const char* what) {
    if (!condition) throw std::runtime_error{what};
}
#define REQUIRE_HERE(condition) require((condition), #condition)

/// Plays the core: makes random calls, carries plans out, re-checks waiters, keeps the model.
template <class Policy>
class history {
    static constexpr std::uint32_t cell_count = 3;
    static constexpr std::uint32_t capacity = 2;
    static constexpr std::uint32_t people = 4;

public:
    history(std::uint64_t seed, Policy policy, std::uint64_t limit)
        : random_{seed}
        , limit_{limit}
        , arbiter_{cell_count, policy, limit}
        , model_(cell_count, naive_cell<Policy>{policy, limit, capacity, 0, 0, {}, {}}) {
        for (std::uint32_t i = 0; i < people; ++i) alive_.push_back(origin_id::make(i, 1));
    }

    void run(int steps) {
        for (int i = 0; i < steps; ++i) {
            step_once();
            for (std::uint32_t cell = 0; cell < cell_count; ++cell) check_cell(cell);
            check_tokens();
        }
    }
    std::uint64_t grants() const { return grants_; }
    std::uint64_t refused_waiters() const { return refused_waiters_; }
    std::uint64_t pushed_out() const { return pushed_out_; }

private:
    std::uint64_t below(std::uint64_t n) { return random_() % n; }
    origin_id somebody() { return alive_[below(people)]; }

    lease_request random_request() {
        lease_request r = request_of(somebody(), static_cast<std::uint32_t>(below(3)));
        r.wait = below(2) == 0;
        if (below(2) == 0) r.wait_deadline = now_ + duration{static_cast<std::int64_t>(below(9))};
        if (below(3) == 0) r.time_to_live = duration{static_cast<std::int64_t>(below(9))};
        return r;
    }
    bool may_hold(origin_id who) const {
        for (const origin_id a : alive_) {
            if (a == who) return who != out_of_favour_;
        }
        return false;
    }

    void step_once() {
        const auto cell = static_cast<std::uint32_t>(below(cell_count));
        switch (below(10)) {
        case 0:
        case 1:
        case 2: return acquire_one(cell);
        case 3: return release_one();
        case 4: return renew_one();
        case 5: return acknowledge_one();
        case 6: return withdraw_one(cell);
        case 7: return below(4) == 0 ? die(below(people)) : void();
        case 8: out_of_favour_ = below(2) == 0 ? somebody() : origin_id{}; return;
        default: return pass_time();
        }
    }
    void acquire_one(std::uint32_t cell) {
        const lease_request r = random_request();
        if (!may_hold(r.who.who)) return;
        const lease_class c = class_of_cell(cell);
        const plan p = arbiter_.consider(cell, machine, c, r, now_);
        REQUIRE_HERE(p == model_[cell].consider(machine, c, r, now_));
        if (p.what == step::preempt) end(cell, lease_end::preempted);
        if (p.what == step::preempt || p.what == step::grant) REQUIRE_HERE(grant(cell, r));
        if (p.what == step::wait || p.what == step::ask) {
            const bool asks = p.what == step::ask;
            if (asks && !model_[cell].waits_here(r.who.who)) make_room(cell, r.who.rank);
            const auto id =
                asks ? arbiter_.begin_ask(cell, r, p.deadline) : arbiter_.enqueue(cell, r);
            const bool known = model_[cell].waits_here(r.who.who);
            REQUIRE_HERE(id.has_value());
            using maybe = std::optional<instant>;
            REQUIRE_HERE(*id == model_[cell].enqueue(cell, r, asks ? maybe{p.deadline} : maybe{}));
            REQUIRE_HERE(waits_.insert(id->value).second != known); // I21
        }
        if (p.what != step::refuse || p.why != refusal::exhausted) return;
        const serial_number before = arbiter_.serial(cell);
        REQUIRE_HERE(!arbiter_.grant(cell, r, now_));
        REQUIRE_HERE(arbiter_.serial(cell) == before);
    }
    void make_room(std::uint32_t cell, std::uint32_t rank) {
        const auto expected = model_[cell].pushed_out(rank);
        const waiter gone = arbiter_.make_room(cell, rank);
        REQUIRE_HERE(static_cast<bool>(gone) == expected.has_value());
        if (!expected) return;
        REQUIRE_HERE(gone.id == expected->id && gone.request == expected->request);
        model_[cell].leave(gone.request.who.who);
        ++pushed_out_;
    }
    /// False when the counter is at its limit.
    bool grant(std::uint32_t cell, const lease_request& r) {
        REQUIRE_HERE(may_hold(r.who.who)); // I15
        const serial_number before = arbiter_.serial(cell);
        const auto serial = arbiter_.grant(cell, r, now_);
        REQUIRE_HERE(serial.has_value() == model_[cell].room());
        if (!serial) {
            REQUIRE_HERE(serial.error() == refusal::exhausted && arbiter_.serial(cell) == before);
            return false;
        }
        REQUIRE_HERE(*serial > before); // I1
        REQUIRE_HERE(*serial == model_[cell].grant(r, now_));
        REQUIRE_HERE(serials_.insert({cell, serial->value}).second); // I21
        tokens_.push_back({cell, r.who.who, *serial});
        ++grants_;
        return true;
    }
    void end(std::uint32_t cell, lease_end why) {
        const serial_number before = arbiter_.serial(cell);
        const naive_owner former = *model_[cell].owner;
        const ended e = arbiter_.end(cell, why);
        REQUIRE_HERE(e.owner == former.party && e.serial == former.serial && e.why == why);
        REQUIRE_HERE(arbiter_.serial(cell) > before); // I1
        REQUIRE_HERE(!arbiter_.end(cell, why));
        model_[cell].end();
    }
    void hand_over(std::uint32_t cell) {
        for (;;) {
            const auto queue = model_[cell].served();
            const waiter next = arbiter_.take_next_waiter(cell);
            REQUIRE_HERE(static_cast<bool>(next) == !queue.empty());
            if (!next) return;
            REQUIRE_HERE(next.id == queue[0].id && next.request == queue[0].request);
            model_[cell].leave(next.request.who.who);
            if (next.expired(now_) || !may_hold(next.request.who.who)) {
                ++refused_waiters_;
            } else if (grant(cell, next.request)) {
                return;
            }
        }
    }
    void end_and_hand_over(std::uint32_t cell, lease_end why) {
        end(cell, why);
        if (below(4) != 0) hand_over(cell); // sometimes the core has to drain first
    }

    void release_one() {
        if (tokens_.empty()) return;
        const token t = tokens_[below(tokens_.size())];
        if (arbiter_.check(t.cell, t.who, t.serial)) end_and_hand_over(t.cell, lease_end::released);
    }
    void renew_one() {
        if (tokens_.empty()) return;
        const token t = tokens_[below(tokens_.size())];
        auto& owner = model_[t.cell].owner;
        const bool current = owner && owner->serial == t.serial;
        const duration ttl{static_cast<std::int64_t>(below(9))};
        const auto expires = arbiter_.renew(t.cell, t.who, t.serial, ttl, now_);
        REQUIRE_HERE(expires.has_value() == current);
        if (!current) return;
        owner->expires.reset();
        if (ttl) owner->expires = now_ + ttl;
        REQUIRE_HERE(*expires == owner->expires.value_or(instant::never()));
    }
    void acknowledge_one() {
        if (tokens_.empty()) return;
        const token t = tokens_[below(tokens_.size())];
        const auto& m = model_[t.cell];
        const bool current = m.owner && m.owner->serial == t.serial;
        const auto queue = m.served();
        const bool asked = !queue.empty() && queue[0].asks_until;
        const refusal r = arbiter_.acknowledge(t.cell, t.who, t.serial);
        REQUIRE_HERE(r == (!current ? refusal::not_holder
                           : asked  ? refusal::none
                                    : refusal::invalid));
        if (r == refusal::none) end_and_hand_over(t.cell, lease_end::preempted);
    }
    void withdraw_one(std::uint32_t cell) {
        const origin_id who = somebody();
        const bool waited = model_[cell].waits_here(who);
        const wait_id id = waited ? model_[cell].position(who)->id : wait_id::make(cell, 1);
        const waiter gone =
            below(2) == 0 ? arbiter_.withdraw(cell, who) : arbiter_.withdraw(id, who);
        REQUIRE_HERE(static_cast<bool>(gone) == waited);
        model_[cell].leave(who);
    }
    /// A control dies; sometimes the core meets its waits before it knows.
    void die(std::uint64_t index) {
        const origin_id who = alive_[index];
        alive_[index] = origin_id::make(who.slot(), who.generation() + 1);
        std::vector<std::uint32_t> held;
        arbiter_.for_each_held_by(who, [&](std::uint32_t cell) {
            held.push_back(cell);
            end_and_hand_over(cell, lease_end::owner_gone);
        });
        for (std::uint32_t cell = 0; cell < cell_count; ++cell) {
            REQUIRE_HERE(arbiter_.owner(cell) != who); // I13
        }
        std::set<std::uint32_t> dropped;
        std::set<std::uint32_t> expected_drops;
        arbiter_.drop_waiters_of(who, [&](std::uint32_t cell, const waiter& w) {
            REQUIRE_HERE(w.request.who.who == who && dropped.insert(cell).second);
        });
        for (std::uint32_t cell = 0; cell < cell_count; ++cell) {
            if (model_[cell].waits_here(who)) expected_drops.insert(cell);
            model_[cell].leave(who);
        }
        REQUIRE_HERE(dropped == expected_drops);
    }
    void pass_time() {
        now_ = now_ + duration{static_cast<std::int64_t>(below(4))};
        for (std::uint32_t cell = 0; cell < cell_count; ++cell) {
            auto& m = model_[cell];
            const bool something = m.next_deadline() <= now_;
            due d = arbiter_.expire(cell, now_);
            REQUIRE_HERE((d.what != due::event::nothing) == something);
            for (; d.what != due::event::nothing; d = arbiter_.expire(cell, now_)) {
                handle(cell, d);
            }
            REQUIRE_HERE(m.next_deadline() > now_);
        }
    }
    void handle(std::uint32_t cell, const due& d) {
        auto& m = model_[cell];
        if (d.what == due::event::waiter_expired) {
            const origin_id who = d.who.request.who.who;
            REQUIRE_HERE(m.waits_here(who) && *m.give_up(*m.position(who)) <= now_);
            return m.leave(who);
        }
        for (const auto& w : m.waiters)
            REQUIRE_HERE(m.give_up(w).value_or(now_ + seconds(1)) > now_);
        if (d.what == due::event::owner_expired) {
            REQUIRE_HERE(*m.owner->expires <= now_);
            return end_and_hand_over(cell, lease_end::expired);
        }
        REQUIRE_HERE(m.served()[0].asks_until.has_value());
        end_and_hand_over(cell, lease_end::preempted);
    }

    void check_cell(std::uint32_t cell) {
        const auto& m = model_[cell];
        const lease_status s = arbiter_.status(cell);
        REQUIRE_HERE(s.owner.who == (m.owner ? m.owner->party.who : origin_id{}));
        REQUIRE_HERE(s.serial.value == m.transitions && s.serial.value <= limit_);
        REQUIRE_HERE(s.waiters == m.waiters.size() && s.waiters <= capacity);
        REQUIRE_HERE(arbiter_.next_deadline(cell) == m.next_deadline());
        REQUIRE_HERE(!m.owner || m.transitions < limit_); // its end fits
        REQUIRE_HERE(!m.owner || s.owner == m.owner->party);
        REQUIRE_HERE(!m.owner || !m.waits_here(m.owner->party.who));
        const auto queue = m.served();
        const waiter* first = arbiter_.first_waiter(cell);
        REQUIRE_HERE((first != nullptr) == !queue.empty());
        REQUIRE_HERE(!first || first->id == queue[0].id);
        for (const origin_id who : alive_) {
            REQUIRE_HERE(arbiter_.waits(cell, who) == m.waits_here(who));
        }
    }
    /// I1 and I4's half: of all tokens ever given, exactly the current ones pass.
    void check_tokens() {
        for (const token& t : tokens_) {
            const auto& owner = model_[t.cell].owner;
            const bool current = owner && owner->party.who == t.who && owner->serial == t.serial;
            REQUIRE_HERE(arbiter_.check(t.cell, t.who, t.serial) == current);
            REQUIRE_HERE(!arbiter_.check(t.cell, {}, t.serial));
        }
    }

    std::mt19937_64 random_;
    std::uint64_t limit_;
    lease_arbiter<Policy, capacity> arbiter_;
    std::vector<naive_cell<Policy>> model_;
    std::vector<origin_id> alive_;
    origin_id out_of_favour_; ///< its grant was narrowed
    instant now_{1};
    std::vector<token> tokens_;
    std::set<std::tuple<std::uint32_t, std::uint64_t>> serials_;
    std::set<std::uint64_t> waits_;
    std::uint64_t grants_ = 0;
    std::uint64_t refused_waiters_ = 0;
    std::uint64_t pushed_out_ = 0;
};

template <class Policy>
void play(Policy policy, std::uint64_t limit, std::uint64_t histories, int steps) {
    std::uint64_t grants = 0;
    std::uint64_t refused_waiters = 0;
    for (std::uint64_t seed = 1; seed <= histories; ++seed) {
        history<Policy> h{seed, policy, limit};
        try {
            h.run(steps);
        } catch (const std::runtime_error& e) {
            FAIL("seed " << seed << ": " << e.what());
        }
        grants += h.grants();
        refused_waiters += h.refused_waiters();
    }
    CHECK(grants > histories);
    CHECK(refused_waiters > 0);
}

constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();

TEST_CASE("model: rank arbitration, counters that end at 7") {
    play(rank_arbitration{}, 7, 2000, 80);
}
TEST_CASE("model: rank arbitration, long histories") {
    play(rank_arbitration{}, unlimited, 20, 2000);
}
TEST_CASE("model: ask arbitration, counters that end at 7") {
    play(ask_arbitration{duration{4}}, 7, 2000, 80);
}
TEST_CASE("model: ask arbitration, long histories") {
    play(ask_arbitration{duration{4}}, unlimited, 20, 2000);
}
TEST_CASE("model: first come, long histories") {
    play(first_come_arbitration{}, unlimited, 20, 2000);
}

} // namespace
