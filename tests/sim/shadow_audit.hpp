// shadow_audit: the records that a sink gives out against the decisions that the observer saw:
// numbered without holes, in the same order, and what is missing is said to be lost.
#pragma once

#include <array>
#include <deque>

#include <vmsig/audit/auditor.hpp>

#include "trace.hpp"

namespace vmsig::sim {

class shadow_audit {
public:
    explicit shadow_audit(verdict& v)
        : broken_{v} {}

    void decided(const audit_record& r) { decided_.push_back(r); }

    /// The next record of the sink.
    void recorded(audit_record r) {
        broken_.expect(r.number == number_ + 1, "I9: numbers of the audit have no holes", r.number,
                       number_);
        number_ = r.number;
        if (r.what == decision::lost) {
            said_ += r.detail;
            return;
        }
        r.number = 0;
        while (!decided_.empty() && !(decided_.front() == r)) {
            decided_.pop_front();
            ++missed_;
        }
        if (broken_.expect(!decided_.empty(), "I9: a record is of a decision",
                           static_cast<std::uint64_t>(r.what), r.origin.value, number_))
            decided_.pop_front();
    }
    /// Everything that the sink had was recorded; `unsaid` of it is lost and not yet said so.
    void check(std::uint64_t unsaid) {
        missed_ += decided_.size();
        decided_.clear();
        broken_.expect(missed_ == said_ + unsaid, "I9: what has no record is said to be lost",
                       missed_, said_, unsaid);
    }
    std::uint64_t missed() const { return missed_; }

private:
    verdict& broken_;
    std::deque<audit_record> decided_;
    std::uint64_t number_ = 0;
    std::uint64_t missed_ = 0;
    std::uint64_t said_ = 0;
};

} // namespace vmsig::sim
