// auditor: numbers the records of one core and keeps account of those that found no room.
//
// An actuation reserves room for both of its records before it is admitted, and is refused without.
// A safety action is noted whether there is room or not. Numbers belong to records that were
// written, so a reader sees a hole only where a sink overwrote; what was lost before that shows as
// one record `lost` with a count, written when its share has room again and charged to it.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>

#include <vmsig/audit/record.hpp>
#include <vmsig/audit/sink.hpp>
#include <vmsig/base/assert.hpp>
#include <vmsig/base/bits.hpp>

namespace vmsig {

/// A record at admission and one at the end.
inline constexpr unsigned records_per_command = 2;

template <audit_sink Sink, std::uint64_t NumberLimit = ~std::uint64_t{0}>
class basic_auditor {
public:
    template <class... Args>
    explicit basic_auditor(Args&&... sink_args)
        : sink_(std::forward<Args>(sink_args)...) {}
    basic_auditor(const basic_auditor&) = delete;
    basic_auditor& operator=(const basic_auditor&) = delete;

    /// Sets room aside; false: refuse with `audit_unavailable`. What is not used by `write` is
    /// given back by `withdraw`.
    [[nodiscard]] bool admit(unsigned share, unsigned records = records_per_command) noexcept {
        say_lost(share);
        if (records > NumberLimit - number_ - reserved_) return false;
        if (!sink_.reserve(share, records)) return false;
        reserved_ += records;
        return true;
    }
    void withdraw(unsigned share, unsigned records = 1) noexcept {
        VMSIG_ASSERT(records <= reserved_);
        sink_.refund(share, records);
        reserved_ -= records;
    }
    /// Into room set aside by `admit` for the share of the record's origin.
    [[gnu::always_inline]] void write(const audit_record& r) noexcept {
        VMSIG_ASSERT(reserved_ > 0);
        --reserved_;
        put(r, audit_room::reserved);
    }
    /// Without room set aside: refusals, and safety actions, which go on whatever becomes of it.
    void note(const audit_record& r) noexcept {
        now_ = r.time;
        say_lost(audit_share_of(r.origin));
        put(r, audit_room::free);
    }
    /// A decision that changed nothing: counted, not recorded.
    void tally(decision d) noexcept { ++counts_[static_cast<unsigned>(d)]; }

    /// Memory contents and key codes, for a sink that asks for them.
    void contents(correlation_id id, const command& c, std::span<const std::byte> bytes) noexcept {
        if constexpr (content_sink<Sink>) sink_.contents(id, c, bytes);
    }

    /// At the end of a turn. Says what was lost, where there is room to say it, and lets a sink
    /// that gathers go on. Cheap when there is nothing to do.
    void settle(instant now) noexcept {
        now_ = now;
        for_each_bit(losers_, [this](unsigned share) { say_lost(share); });
        if (lost_[audit_host_share] != 0) say_lost(audit_host_share);
        if constexpr (gathering_sink<Sink>)
            if (gathered_) gathered_ = sink_.end_turn();
    }
    /// Whether a turn must come to its end before all is sent.
    bool gathered() const { return gathering_sink<Sink> && gathered_; }

    /// Decisions of this kind, recorded, lost or only counted.
    std::uint64_t count(decision d) const { return counts_[static_cast<unsigned>(d)]; }
    /// Of the last record.
    std::uint64_t number() const { return number_; }
    /// Lost and not yet said so.
    std::uint64_t lost(unsigned share) const { return lost_[share]; }
    /// Set aside and not yet written.
    std::uint64_t reserved() const { return reserved_; }
    Sink& sink() { return sink_; }
    const Sink& sink() const { return sink_; }

private:
    /// In line, so that a record is put together in its place in the sink.
    [[gnu::always_inline]] void put(audit_record r, audit_room from) noexcept {
        now_ = r.time;
        ++counts_[static_cast<unsigned>(r.what)];
        const unsigned share = audit_share_of(r.origin);
        if (!store(r, from)) lose(share, r.origin);
    }
    bool store(audit_record& r, audit_room from) noexcept {
        if (from == audit_room::free && number_ + reserved_ >= NumberLimit) return false;
        r.number = number_ + 1;
        if (!sink_.write(r, from)) return false;
        gathered_ = gathering_sink<Sink>;
        ++number_;
        return true;
    }
    void lose(unsigned share, origin_id origin) noexcept {
        ++lost_[share];
        loser_[share] = origin;
        if (share < audit_control_shares) losers_ |= bit(share);
    }
    void say_lost(unsigned share) noexcept {
        if (lost_[share] != 0) say_how_many(share);
    }
    void say_how_many(unsigned share) noexcept {
        audit_record r = audit_record::of(decision::lost);
        r.time = now_;
        r.origin = loser_[share];
        constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
        r.detail = static_cast<std::uint32_t>(lost_[share] < most ? lost_[share] : most);
        if (!store(r, audit_room::free)) return;
        ++counts_[static_cast<unsigned>(decision::lost)];
        lost_[share] -= r.detail;
        if (lost_[share] == 0 && share < audit_control_shares) losers_ &= ~bit(share);
    }

    Sink sink_;
    std::uint64_t number_ = 0;
    std::uint64_t reserved_ = 0;
    std::uint64_t losers_ = 0; ///< control shares with something lost
    instant now_;              ///< of the last record
    bool gathered_ = false;    ///< the sink is to be told of the end of the turn
    std::array<std::uint64_t, decision_count> counts_{};
    std::array<std::uint64_t, audit_share_count> lost_{};
    std::array<origin_id, audit_share_count> loser_{}; ///< of the last one lost
};

} // namespace vmsig
