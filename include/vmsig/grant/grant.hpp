// grant: the ceiling of a control's rights, set by the host alone. A plain value, empty by default.
//
//     grant{}.on(vm).on(vm2).allow(right::observe | right::input).rank(10)
//
// It is bound to endpoint ids, never to slots or names: a machine that takes the place of a removed
// one starts without any right. Not what a control asked to see: that is a subscription, and what
// holds is both.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include <vmsig/base/bits.hpp>
#include <vmsig/base/ids.hpp>
#include <vmsig/event/lane.hpp>
#include <vmsig/event/right.hpp>
#include <vmsig/event/source.hpp>
#include <vmsig/grant/endpoint_names.hpp>
#include <vmsig/grant/quotas.hpp>

namespace vmsig {

class grant {
public:
    /// Selects `id` beside what is selected; after an `allow`, begins a new selection.
    constexpr grant& on(endpoint_id id) {
        start_selection();
        if (names_.add(id)) forbid_slot(id.slot());
        selected_ |= names_.bit_of(id);
        return *this;
    }
    /// Selects every endpoint, present and future.
    constexpr grant& on_every() {
        start_selection();
        every_selected_ = true;
        return *this;
    }
    /// Adds rights on what is selected; on nothing, when nothing is.
    constexpr grant& allow(rights r) {
        for (unsigned i = 0; i < right_count; ++i) {
            if (has_bit(r.bits, i)) allowed_[i] |= selected_;
        }
        if (every_selected_) every_ = every_ | (r & all_rights);
        allowed_since_selection_ = true;
        return *this;
    }
    /// Arbitration priority for leases; 0 unless said.
    constexpr grant& rank(std::uint32_t r) { return rank_ = r, *this; }
    /// What asks for a higher lane is served in this one; `high` unless said.
    constexpr grant& highest_lane(lane l) { return highest_lane_ = l, *this; }
    /// Only events of these sources; all unless said.
    constexpr grant& sources(vmsig::sources s) { return sources_ = s, *this; }
    constexpr grant& pending(std::uint32_t commands) { return limit(resource::pending, commands); }
    constexpr grant& pinned(std::uint32_t payloads) { return limit(resource::pinned, payloads); }
    constexpr grant& waiters(std::uint32_t waits) { return limit(resource::waiter, waits); }
    constexpr grant& timers(std::uint32_t n) { return limit(resource::timer, n); }
    constexpr grant& payloads(std::uint32_t n) { return limit(resource::payload, n); }

    constexpr bool permits(right r, endpoint_id id) const {
        const bool named = (allowed_[static_cast<unsigned>(r)] & names_.bit_of(id)) != 0;
        return named || (id && every_.has(r));
    }
    /// As above, for an event of this source.
    constexpr bool permits(right r, endpoint_id id, source s) const {
        return sources_.has(s) && permits(r, id);
    }
    /// None for nobody. Whether the endpoint exists is not known here.
    constexpr rights rights_on(endpoint_id id) const {
        if (!id) return {};
        rights found = every_;
        if (const std::uint64_t b = names_.bit_of(id)) {
            for (unsigned i = 0; i < right_count; ++i) {
                if (allowed_[i] & b) found.bits |= bit(i);
            }
        }
        return found;
    }
    /// The lane that a wish for `wanted` gets.
    constexpr lane clamp(lane wanted) const { return std::max(wanted, highest_lane_); }

    constexpr std::uint32_t rank_value() const { return rank_; }
    constexpr lane highest_lane_value() const { return highest_lane_; }
    constexpr vmsig::sources sources_value() const { return sources_; }
    constexpr const vmsig::quotas& quotas_value() const { return quotas_; }

    /// Of a removed endpoint.
    constexpr void forget(endpoint_id id) { names_.remove(id); }
    /// Keeps only what `ceiling` has too: rights, sources, and the lower of ranks, lanes, quotas.
    constexpr grant& intersect(const grant& ceiling) {
        const grant before = *this;
        for (unsigned slot = 0; slot < endpoint_names::capacity; ++slot) {
            on(ceiling.names_.at(slot)); // what one names and the other has by `on_every`
            forbid_slot(slot);
            const endpoint_id id = names_.at(slot);
            const rights both = before.rights_on(id) & ceiling.rights_on(id);
            for_each_bit(both.bits, [&](unsigned i) { allowed_[i] |= bit(slot); });
        }
        every_ = every_ & ceiling.every_;
        rank_ = std::min(rank_, ceiling.rank_);
        highest_lane_ = std::max(highest_lane_, ceiling.highest_lane_);
        sources_ = sources_ & ceiling.sources_;
        quotas_ = narrower(quotas_, ceiling.quotas_);
        clear_selection();
        return *this;
    }
    /// Whether `other` is nowhere beyond this one.
    constexpr bool covers(const grant& other) const {
        bool within = every_.contains(other.every_);
        for (unsigned slot = 0; slot < endpoint_names::capacity; ++slot) {
            const endpoint_id id = other.names_.at(slot);
            within = within && rights_on(id).contains(other.rights_on(id));
        }
        return within && other.rank_ <= rank_ && other.highest_lane_ >= highest_lane_ &&
               sources_.contains(other.sources_) && quotas_.contains(other.quotas_);
    }

private:
    static constexpr rights all_rights = rights::of_bits(bit(right_count) - 1);

    constexpr grant& limit(resource r, std::uint32_t most) { return quotas_[r] = most, *this; }
    constexpr void clear_selection() {
        selected_ = 0;
        every_selected_ = allowed_since_selection_ = false;
    }
    constexpr void start_selection() {
        if (allowed_since_selection_) clear_selection();
    }
    constexpr void forbid_slot(unsigned slot) {
        for (std::uint64_t& endpoints : allowed_) endpoints &= ~bit(slot);
    }

    endpoint_names names_;
    std::array<std::uint64_t, right_count> allowed_{}; ///< slots of `names_`, per right
    rights every_;                                     ///< on all endpoints
    std::uint64_t selected_ = 0;
    bool every_selected_ = false;
    bool allowed_since_selection_ = false;
    lane highest_lane_ = lane::high;
    std::uint32_t rank_ = 0;
    vmsig::sources sources_ = vmsig::sources::all();
    vmsig::quotas quotas_;
};

} // namespace vmsig
