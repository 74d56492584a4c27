// lease_arbiter: who owns what, who waits for it, and until when. Pure state over numbered cells,
// one per (endpoint, class): no clock, no callbacks, no grants, no allocation after construction.
//
// It decides and records, it does not act. To end a lease has consequences that must come before
// the next owner (receipts, neutral input, audit), so a request takes two steps: `consider` says
// what is to be done, the caller does it by `end`, `grant`, `begin_ask` or `enqueue`. Whether a
// waiter still lives and may hold the lease is the caller's to check when its turn comes; the
// arbiter never grants by itself.
//
// The serial rises at every grant *and* at every end: what carries the serial of a lease is refused
// from the moment of its end, also while the cell is free. An end is a safety action and must work
// at the counter's limit too, so a grant keeps room for its own end and is refused `exhausted` two
// short of the limit. A lease ends when `end` is called, not when its time is up: until the caller
// has asked `expire`, the owner may still renew.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include <vmsig/base/assert.hpp>
#include <vmsig/base/expected.hpp>
#include <vmsig/lease/answers.hpp>
#include <vmsig/lease/fwd.hpp>

namespace vmsig {

/// The number of a cell, as every call of the arbiter takes it.
constexpr std::uint32_t lease_cell(endpoint_id endpoint, lease_class c) {
    return endpoint.slot() * lease_class_count + static_cast<std::uint32_t>(c);
}
constexpr lease_class class_of_cell(std::uint32_t cell) {
    return static_cast<lease_class>(cell % lease_class_count);
}

template <class Policy, std::uint32_t WaitersPerCell>
class lease_arbiter {
    static_assert(arbitration_policy<Policy>);
    static_assert(WaitersPerCell > 0);

public:
    using policy_type = Policy;
    static constexpr bool ends_with_epoch = vmsig::ends_with_epoch<Policy>;

    /// Allocates everything. `counter_limit` bounds the serial and the number of waits, per cell.
    explicit lease_arbiter(std::uint32_t cells, Policy policy = {},
                           std::uint64_t counter_limit = std::numeric_limits<std::uint64_t>::max())
        : fences_(cells)
        , tenures_(cells)
        , queues_(cells)
        , limit_{counter_limit}
        , policy_{static_cast<Policy&&>(policy)} {
        VMSIG_ASSERT(cells < 0xffff); // a wait_id names its cell in 16 bits
    }

    std::uint32_t cells() const { return static_cast<std::uint32_t>(fences_.size()); }
    Policy& policy() { return policy_; }

    /// The fence: whether `serial` is the lease that `who` holds now. Two loads.
    bool check(std::uint32_t cell, origin_id who, serial_number serial) const {
        const fence& f = at(cell);
        return who && f.owner == who && f.serial == serial;
    }
    /// The same, and its time to live is not over, whether `expire` was called already or not.
    bool check(std::uint32_t cell, origin_id who, serial_number serial, instant now) const {
        return check(cell, who, serial) && at(cell).expires > now;
    }
    origin_id owner(std::uint32_t cell) const { return at(cell).owner; }
    serial_number serial(std::uint32_t cell) const { return at(cell).serial; }
    lease_status status(std::uint32_t cell) const;

    /// What is to be done about `request`; changes nothing. Asked again for `first_waiter` after a
    /// grant, it tells whether the new owner has to make way for it.
    plan consider(std::uint32_t cell, endpoint_id endpoint, lease_class wanted,
                  const lease_request& request, instant now) const;

    /// Makes the requester the owner; it waits no longer, and challengers of a former owner become
    /// plain waiters. `held` if the cell is not free; `exhausted` near the limit.
    expected<serial_number, refusal> grant(std::uint32_t cell, const lease_request& request,
                                           instant now);
    /// Ends the lease, if there is one. Total. Repeating it does nothing.
    ended end(std::uint32_t cell, lease_end why);
    /// Sets a new time to live, from `now`; 0: none. The serial stays. Answers when it expires.
    expected<instant, refusal> renew(std::uint32_t cell, origin_id who, serial_number serial,
                                     duration time_to_live, instant now);

    /// The challenger waits, ahead of those that did not ask, and the owner loses its lease at
    /// `deadline` unless all who asked withdraw. Repeated: the same wait, the earlier deadline.
    /// `busy` when the queue is full: `make_room` first.
    expected<wait_id, refusal> begin_ask(std::uint32_t cell, const lease_request& request,
                                         instant deadline);
    /// Takes the last one out of a full queue, if it ranks lower; else nobody. Tell it.
    waiter make_room(std::uint32_t cell, std::uint32_t rank);
    /// Whether the owner may let go early: `none` if an ask is pending (the caller then ends the
    /// lease as preempted), `not_holder`, or `invalid` if nobody asked. Changes nothing.
    refusal acknowledge(std::uint32_t cell, origin_id who, serial_number serial) const;

    /// A control waits at most once per cell: repeated, it is the same wait. `busy` when the queue
    /// is full; `held` to the owner.
    expected<wait_id, refusal> enqueue(std::uint32_t cell, const lease_request& request);
    bool waits(std::uint32_t cell, origin_id who) const {
        return queue_at(cell).waiters.find(who) != nullptr;
    }
    /// Whose turn it is, or null.
    const waiter* first_waiter(std::uint32_t cell) const { return queue_at(cell).waiters.first(); }
    /// Takes out whose turn it is; nobody if none waits. Check that it lives, may hold the lease
    /// and has not `expired`, then grant its request, or tell it and take the next.
    waiter take_next_waiter(std::uint32_t cell);
    /// Ends the wait of `who` in `cell`; nobody if there is none.
    waiter withdraw(std::uint32_t cell, origin_id who);
    /// The same by id: nobody if `id` is not, or no longer, a wait of `who`.
    waiter withdraw(wait_id id, origin_id who);
    /// Ends all waits of `who`; `told(cell, waiter)` after each.
    template <class F>
    void drop_waiters_of(origin_id who, F&& told);

    /// `f(cell)` for each cell that `who` holds, lowest first; `f` may end and grant leases.
    /// Linear in the number of cells: for a death, not for a turn.
    template <class F>
    void for_each_held_by(origin_id who, F&& f) const;

    /// When `expire` will have something to say, or `never()`.
    instant next_deadline(std::uint32_t cell) const;
    /// One thing that is due, until nothing is. Waiters first: none is granted past its deadline.
    due expire(std::uint32_t cell, instant now);

private:
    struct fence {
        origin_id owner;
        serial_number serial;
        instant expires = instant::never();
    };
    struct tenure {
        instant since;
        std::uint32_t rank = 0;
        lease_end last_end = lease_end::none;
        lease_reason reason;
    };
    struct queue {
        counter<struct wait_tag> waits; ///< ever begun in this cell
        wait_list<WaitersPerCell> waiters;
    };

    const fence& at(std::uint32_t cell) const {
        VMSIG_ASSERT(cell < fences_.size());
        return fences_[cell];
    }
    fence& at(std::uint32_t cell) {
        VMSIG_ASSERT(cell < fences_.size());
        return fences_[cell];
    }
    const queue& queue_at(std::uint32_t cell) const {
        VMSIG_ASSERT(cell < queues_.size());
        return queues_[cell];
    }
    queue& queue_at(std::uint32_t cell) {
        VMSIG_ASSERT(cell < queues_.size());
        return queues_[cell];
    }
    std::uint64_t wait_limit() const { return limit_ < max_generation ? limit_ : max_generation; }
    /// Whether one more lease, its end included, fits under the limit once `cell` is free.
    bool has_room(std::uint32_t cell) const {
        const fence& f = at(cell);
        return limit_ - f.serial.value >= (f.owner ? 3U : 2U);
    }
    /// Why `request` can't be added to the queue, `none` if it can or is there already.
    refusal queue_problem(std::uint32_t cell, origin_id who) const;
    plan wait_or_refuse(std::uint32_t cell, const lease_request& request, instant now) const;
    waiter take(std::uint32_t cell, const waiter* which);

    std::vector<fence> fences_; ///< apart from the rest: all that a command's check reads
    std::vector<tenure> tenures_;
    std::vector<queue> queues_;
    std::uint64_t limit_;
    std::uint32_t waiting_ = 0; ///< in all cells
    [[no_unique_address]] Policy policy_;
};

} // namespace vmsig

#include <vmsig/lease/detail/arbiter.ipp>
