// outbox: bodies.
#pragma once

#include <algorithm>
#include <utility>

#include <vmsig/queue/fair_queue.hpp>

namespace vmsig {

inline outbox::outbox()
    : storage_{new std::byte[sizeof(node) * node_count]}
    , latest_fold_{new std::uint16_t[endpoints * folds]()}
    , latest_kind_{new std::uint16_t[endpoints * max_kinds]()}
    , credit_{lane_credit} {
    static_assert(std::is_trivially_destructible_v<node>);
    static_assert(alignof(node) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
    nodes_ = reinterpret_cast<node*>(storage_.get());
}

inline bool outbox::empty() const {
    return gaps_ == 0 &&
           std::all_of(lanes_.begin(), lanes_.end(), [](const dlist& l) { return l.empty(); });
}

template <class F>
void outbox::for_each_queued(F&& f) {
    for (dlist& l : lanes_) {
        for (std::uint16_t n = l.head; n != no_node;) {
            const std::uint16_t next = nodes_[n].link.next;
            f(n);
            n = next;
        }
    }
}

/// The kept place of an event among those of its endpoint; `folds`: it has none.
inline unsigned outbox::fold_of(const event& e) {
    const auto cell = [](const lease& l) { return static_cast<unsigned>(l.lease_class); };
    switch (e.kind) {
    case kind::lifecycle: return 0;
    case kind::epoch_changed: return 1;
    case kind::memctx_invalidated: return 2;
    case kind::endpoint_removed: return 3;
    case kind::grant_changed: return 4;
    default: break;
    }
    if (const auto* changed = e.as<lease_changed>()) return 5 + cell(*changed);
    if (const auto* granted = e.as<lease_granted>()) return 8 + cell(*granted);
    if (const auto* lost = e.as<lease_lost>()) return 8 + cell(*lost);
    if (const auto* asked = e.as<lease_asked>()) return 11 + cell(*asked);
    return e.kind == kind::lease_wait_ended ? 14u : folds;
}

/// The latest state, standing for those before it too.
inline void outbox::fold_into(event& waiting, const event& latest) {
    event both = latest;
    if (const auto* before = waiting.as<epoch_changed>()) {
        epoch_changed sum = *latest.as<epoch_changed>();
        sum.count += before->count;
        both.set_payload(sum);
    } else if (const auto* change = waiting.as<lease_changed>()) {
        lease_changed sum = *latest.as<lease_changed>();
        sum.count += change->count;
        both.set_payload(sum);
    }
    waiting = both;
}

inline outbox::tally& outbox::tally_of(endpoint_id e) {
    const unsigned slot = slot_of(e);
    tally& t = tallies_[slot];
    if (t.id != e) {
        if (t.id) retire(t);
        t = {};
        t.id = e;
        gaps_ &= ~bit(slot);
    }
    return t;
}

/// Its slot has another tenant. Whoever was never told of it need not be told that it is gone; so
/// no more than one former tenant of a slot ever waits here.
inline void outbox::retire(const tally& former) {
    for_each_queued([&](std::uint16_t n) {
        const event& e = nodes_[n].event;
        if (e.endpoint != former.id || e.kind == kind::receipt) return;
        if (e.kind != kind::endpoint_removed || !former.told) leave(n);
    });
}

inline std::uint16_t& outbox::latest(const event& e, unsigned fold) {
    const unsigned slot = slot_of(e.endpoint);
    if (fold < folds) return latest_fold_[slot * folds + fold];
    return latest_kind_[slot * max_kinds + static_cast<unsigned>(e.kind) % max_kinds];
}

/// The one that waits in that place, or no_node.
inline std::uint16_t outbox::newest(const event& e, unsigned fold) {
    const auto n = static_cast<std::uint16_t>(latest(e, fold) - 1);
    if (n >= touched_) return no_node;
    const node& there = nodes_[n];
    const bool same = there.used && there.event.endpoint == e.endpoint && !there.replayed &&
                      (fold < folds ? there.fold == fold : there.event.kind == e.kind);
    return same ? n : no_node;
}

/// There is a place for each command that may be open.
inline outbox::kept outbox::push_receipt(const event& e, std::span<const std::byte> bytes) {
    const std::uint16_t n = take_place(e, true);
    if (n == no_node) return kept::lost;
    append(n, e, 0, folds);
    event& waiting = nodes_[n].event;
    waiting.payload = copy(bytes, true);
    waiting.payload_size = static_cast<std::uint32_t>(blocks_.bytes(waiting.payload).size());
    return kept::queued;
}

/// 0: no block is free for it.
inline payload_id outbox::copy(std::span<const std::byte> bytes, bool of_receipt) {
    if (bytes.empty() || (!of_receipt && event_blocks_ == event_payloads)) return {};
    const payload_id block = blocks_.allocate(static_cast<std::uint32_t>(bytes.size()));
    if (!block) return {};
    std::copy(bytes.begin(), bytes.end(), blocks_.bytes(block).begin());
    event_blocks_ = static_cast<std::uint16_t>(event_blocks_ + (of_receipt ? 0 : 1));
    return block;
}

inline void outbox::free_payload(event& e) {
    if (!e.payload) return;
    blocks_.release(e.payload);
    if (e.kind != kind::receipt) --event_blocks_;
    e.payload = {};
    e.payload_size = 0;
}

inline outbox::kept outbox::push(const event& e, bool coalesces,
                                 std::span<const std::byte> payload) {
    if (e.kind == kind::receipt) return push_receipt(e, payload);
    tally& t = tally_of(e.endpoint);
    if (e.kind == kind::replay_begin) {
        drop_snapshot(e.endpoint);
        promote(e.endpoint);
        t.replaying = true;
    }
    if (const auto* g = e.as<gap>()) { // told by the core: one more reason for a marker
        t.lost[static_cast<unsigned>(g->lane)] += g->count;
        gaps_ |= bit(slot_of(e.endpoint));
        return kept::merged;
    }
    if (t.replaying) {
        t.replaying = e.kind != kind::replay_end;
        const std::uint16_t n = take_place(e, true);
        if (n == no_node) return lose(e), kept::lost;
        nodes_[n].replayed = true;
        append(n, e, 0, folds);
        nodes_[n].event.payload = {}; // nothing that is retained has bytes beside it
        return kept::queued;
    }
    const unsigned fold = fold_of(e);
    if (e.kind == kind::memctx_invalidated) purge_memctx(e.endpoint);
    if (e.kind == kind::endpoint_removed) promote(e.endpoint);
    if (coalesces || e.kind == kind::memctx_published)
        if (const std::uint16_t n = newest(e, folds); n != no_node)
            return replace(n, e, folds, payload);
    const bool crowded = fold < folds && ordinary_used_ >= ordinary_events / 2;
    if (crowded)
        if (const std::uint16_t n = newest(e, fold); n != no_node) return replace(n, e, fold, {});
    const std::uint16_t n = take_place(e, crowded);
    if (n == no_node) return lose(e), kept::lost;
    const payload_id block = copy(payload, false);
    if (!payload.empty() && !block) {
        release(n);
        return lose(e), kept::lost;
    }
    append(n, e, static_cast<unsigned>(e.lane), fold);
    nodes_[n].event.payload = block;
    nodes_[n].event.payload_size = static_cast<std::uint32_t>(payload.size());
    return kept::queued;
}

inline outbox::kept outbox::replace(std::uint16_t n, const event& e, unsigned fold,
                                    std::span<const std::byte> bytes) {
    event& waiting = nodes_[n].event;
    if (fold < folds) {
        fold_into(waiting, e);
        return kept::merged;
    }
    free_payload(waiting);
    waiting = e;
    waiting.payload = copy(bytes, false);
    waiting.payload_size = static_cast<std::uint32_t>(blocks_.bytes(waiting.payload).size());
    return kept::merged;
}

/// `keep`: of the places for folding and replay.
inline std::uint16_t outbox::take_place(const event& e, bool keep) {
    if (!keep && ordinary_used_ == ordinary_events && !make_room(e.lane)) return no_node;
    if (free_.empty() && touched_ == node_count) return no_node;
    const std::uint16_t n = free_.empty() ? touched_++ : free_.pop_front(links());
    node& taken = nodes_[n]; // the rest is filled in by `append`
    taken.used = true;
    taken.reserved = keep;
    taken.replayed = false;
    taken.event.payload = {};
    if (!keep) ++ordinary_used_;
    return n;
}

/// Loses the oldest of the lowest lane, if that is no better than `l`. What folds stays.
inline bool outbox::make_room(lane l) {
    for (unsigned low = lane_count; low-- > static_cast<unsigned>(l);) {
        for (std::uint16_t n = lanes_[low].head; n != no_node; n = nodes_[n].link.next) {
            if (nodes_[n].reserved || nodes_[n].fold < folds || nodes_[n].replayed) continue;
            lose(nodes_[n].event);
            leave(n);
            return true;
        }
    }
    return false;
}

inline void outbox::append(std::uint16_t n, const event& e, unsigned l, unsigned fold) {
    node& to = nodes_[n];
    to.event = e;
    to.order = ++order_;
    to.lane = static_cast<std::uint8_t>(l);
    to.fold = static_cast<std::uint8_t>(fold);
    lanes_[l].push_back(links(), n);
    if (!to.replayed) latest(e, fold) = static_cast<std::uint16_t>(n + 1);
}

/// Out of its lane, and gone.
inline void outbox::leave(std::uint16_t n) {
    lanes_[nodes_[n].lane].remove(links(), n);
    release(n);
}

inline void outbox::release(std::uint16_t n) {
    node& gone = nodes_[n];
    free_payload(gone.event);
    gone.used = false;
    if (!gone.reserved) --ordinary_used_;
    free_.push_front(links(), n);
}

inline void outbox::lose(const event& e) {
    ++tally_of(e.endpoint).lost[static_cast<unsigned>(e.lane)];
    gaps_ |= bit(slot_of(e.endpoint));
}

/// What waits about this endpoint goes first, in the order in which it came.
inline void outbox::promote(endpoint_id e) {
    for (;;) {
        std::uint16_t oldest = no_node;
        for (unsigned l = 1; l < lane_count; ++l) {
            std::uint16_t n = lanes_[l].head;
            while (n != no_node && nodes_[n].event.endpoint != e) n = nodes_[n].link.next;
            if (n != no_node && (oldest == no_node || nodes_[n].order < nodes_[oldest].order))
                oldest = n;
        }
        if (oldest == no_node) return;
        lanes_[nodes_[oldest].lane].remove(links(), oldest);
        nodes_[oldest].lane = 0;
        lanes_[0].push_back(links(), oldest);
    }
}

inline void outbox::purge_memctx(endpoint_id e) {
    for_each_queued([&](std::uint16_t n) {
        const event& waiting = nodes_[n].event;
        if (waiting.endpoint == e && waiting.kind == kind::memctx_published) leave(n);
    });
}

/// A newer snapshot stands for the rest of an older one.
inline void outbox::drop_snapshot(endpoint_id e) {
    for_each_queued([&](std::uint16_t n) {
        if (nodes_[n].replayed && nodes_[n].event.endpoint == e) leave(n);
    });
}

template <class F>
void outbox::keep_if(F&& keep) {
    for_each_queued([&](std::uint16_t n) {
        if (!keep(std::as_const(nodes_[n].event))) leave(n);
    });
}

template <class F>
void outbox::keep_losses_if(F&& keep) {
    for (unsigned slot = 0; slot < endpoints; ++slot) {
        tally& t = tallies_[slot];
        if (!t.id || keep(t.id)) continue;
        t.lost = {};
        gaps_ &= ~bit(slot);
    }
}

template <class F>
void outbox::keep_bytes_if(F&& keep) {
    for_each_queued([&](std::uint16_t n) {
        event& e = nodes_[n].event;
        const receipt* r = e.as<receipt>();
        if (!r || !e.payload || keep(std::as_const(e))) return;
        receipt without = *r;
        without.bytes = 0;
        e.set_payload(without);
        free_payload(e);
    });
}

inline void outbox::clear() {
    rollback();
    for_each_queued([&](std::uint16_t n) { leave(n); });
    tallies_ = {};
    gaps_ = 0;
}

/// Safety first; among the others the highest with credit left in this round.
inline unsigned outbox::next_lane(bool window_open) {
    if (!lanes_[0].empty()) return 0;
    if (!window_open) return lane_count;
    for (int round = 0; round < 2; ++round) {
        for (unsigned l = 1; l < lane_count; ++l)
            if (!lanes_[l].empty() && credit_[l] != 0) return l;
        credit_ = lane_credit;
    }
    return lane_count;
}

inline const event* outbox::stage_gap() {
    const auto slot = static_cast<unsigned>(std::countr_zero(gaps_));
    tally& t = tallies_[slot];
    for (unsigned l = 0; l < lane_count; ++l) {
        if (t.lost[l] == 0) continue;
        gap_ = {};
        gap_.kind = kind::gap;
        gap_.lane = lane::safety;
        gap_.endpoint = t.id;
        gap_.sequence = ++t.sequence;
        gap_.set_payload(gap{static_cast<lane>(l), t.lost[l]});
        staged_[staged_count_++] = {no_node, static_cast<std::uint8_t>(slot),
                                    static_cast<std::uint8_t>(l), std::exchange(t.lost[l], 0)};
        break;
    }
    if (t.lost == decltype(t.lost){}) gaps_ &= ~bit(slot);
    return &gap_;
}

inline const event* outbox::stage(bool window_open) {
    if (staged_count_ == max_staged) return nullptr;
    if (gaps_ != 0) return stage_gap();
    const unsigned l = next_lane(window_open);
    if (l == lane_count) return nullptr;
    if (l != 0) --credit_[l];
    const std::uint16_t n = lanes_[l].pop_front(links());
    node& next = nodes_[n];
    if (numbered(next)) next.event.sequence = ++tallies_[slot_of(next.event.endpoint)].sequence;
    staged_[staged_count_++] = {n, 0, 0, 0};
    return &next.event;
}

inline void outbox::unstage() {
    const staged last = staged_[--staged_count_];
    if (last.node == no_node) {
        tally& t = tallies_[last.endpoint];
        --t.sequence;
        t.lost[last.lane] += last.lost;
        gaps_ |= bit(last.endpoint);
        return;
    }
    node& back = nodes_[last.node];
    if (numbered(back)) --tallies_[slot_of(back.event.endpoint)].sequence;
    back.event.sequence = 0; // its slot may have another tenant when it is staged again
    if (back.lane != 0) ++credit_[back.lane];
    lanes_[back.lane].push_front(links(), last.node);
}

template <class F>
void outbox::commit(F&& each) {
    for (std::uint16_t i = 0; i < staged_count_; ++i) {
        const std::uint16_t n = staged_[i].node;
        if (n == no_node) continue;
        tally& t = tallies_[slot_of(nodes_[n].event.endpoint)];
        if (t.id == nodes_[n].event.endpoint) t.told = true;
        each(std::as_const(nodes_[n].event));
        release(n);
    }
    staged_count_ = 0;
}

inline void outbox::rollback() {
    while (staged_count_ != 0) unstage();
}

} // namespace vmsig
