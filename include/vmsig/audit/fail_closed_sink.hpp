// fail_closed_sink: a bounded queue that the host drains. Without room in its share a control is
// refused before it acts; what was admitted is never lost.
//
// Each control has a share of its own, in use from the reservation of a record until it is drained;
// what the controls cannot fill is the host's. Hence no control is ever refused for another's sake.
// A control in a reused slot finds room again as its predecessor's records are drained.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>

#include <vmsig/audit/record.hpp>
#include <vmsig/audit/sink.hpp>
#include <vmsig/base/assert.hpp>

namespace vmsig {

template <std::size_t Capacity = 4096, std::size_t SharePerControl = 48>
class fail_closed_sink {
    static_assert(SharePerControl >= 2, "a command takes two records");
    static_assert(Capacity > SharePerControl * audit_control_shares, "the host needs room too");

public:
    static constexpr std::size_t host_share = Capacity - SharePerControl * audit_control_shares;

    fail_closed_sink() {} // written out: else value-initialisation would touch all of the queue

    /// False for an unknown share.
    bool reserve(unsigned share, unsigned records) noexcept {
        if (share >= audit_share_count || records > room(share)) return false;
        reserved_[share] += records;
        return true;
    }
    void refund(unsigned share, unsigned records) noexcept {
        VMSIG_ASSERT(records <= reserved_[share]);
        reserved_[share] -= records;
    }
    bool write(const audit_record& r, audit_room from) noexcept {
        const unsigned share = audit_share_of(r.origin);
        if (from == audit_room::free && !reserve(share, 1)) return false;
        refund(share, 1);
        ++queued_[share];
        ::new (&queue_[(head_ + size_++) % Capacity].record) audit_record(r);
        return true;
    }
    /// Records that `share` may still reserve or write.
    std::size_t room(unsigned share) const {
        const std::size_t all = share == audit_host_share ? host_share : SharePerControl;
        return all - reserved_[share] - queued_[share];
    }
    std::size_t size() const { return size_; }

    /// Hands at most `most` records to `f(record)`, oldest first, and gives their room back. What
    /// `f` causes to be written is drained too. What `f` throws leaves `drain`; that record has
    /// been handed over. Returns how many there were.
    template <class F>
    std::size_t drain(F&& f, std::size_t most = ~std::size_t{0}) {
        std::size_t drained = 0;
        for (; drained < most && size_ > 0; ++drained) {
            const audit_record r = queue_[head_].record;
            head_ = (head_ + 1) % Capacity;
            --size_;
            --queued_[audit_share_of(r.origin)];
            f(r);
        }
        return drained;
    }

private:
    union cell { // not initialised: memory that is not used is not touched
        cell() {}
        audit_record record;
    };
    std::array<std::size_t, audit_share_count> reserved_{};
    std::array<std::size_t, audit_share_count> queued_{};
    std::size_t head_ = 0;
    std::size_t size_ = 0;
    std::array<cell, Capacity> queue_;
};
static_assert(audit_sink<fail_closed_sink<>>);

} // namespace vmsig
