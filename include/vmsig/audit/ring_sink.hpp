// ring_sink: keeps the last N records in memory for whoever looks. Always room: the oldest makes
// way. The default.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <new>

#include <vmsig/audit/record.hpp>
#include <vmsig/audit/sink.hpp>

namespace vmsig {

inline constexpr std::size_t default_audit_ring_records = 4096;

template <std::size_t N = default_audit_ring_records>
class ring_sink {
    static_assert(N > 0);

public:
    ring_sink() = default;
    ring_sink(const ring_sink&) = delete;
    ring_sink& operator=(const ring_sink&) = delete;
    ~ring_sink() { delete[] ring_; }
    bool reserve(unsigned, unsigned) noexcept { return true; }
    void refund(unsigned, unsigned) noexcept {}
    bool write(const audit_record& r, audit_room) noexcept {
        ::new (&ring_[count_++ % N].record) audit_record(r);
        return true;
    }
    /// Records ever written; the last N of them are here.
    std::uint64_t count() const { return count_; }
    /// Calls `f(record)` for the last `n`, or as many as are here, oldest first. What is written
    /// meanwhile is not read.
    template <class F>
    void for_each_last(std::size_t n, F&& f) const {
        const std::uint64_t kept = std::min<std::uint64_t>({n, N, count_});
        const std::uint64_t end = count_;
        for (std::uint64_t i = end - kept; i < end; ++i)
            if (count_ - i <= N) f(ring_[i % N].record);
    }

private:
    union cell { // not initialised: memory that is not used is not touched
        cell() {}
        audit_record record;
    };
    cell* ring_ = new cell[N]; ///< too large for a stack
    std::uint64_t count_ = 0;
};
static_assert(audit_sink<ring_sink<1>>);

} // namespace vmsig
