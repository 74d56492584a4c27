// outbox: what waits to be sent to one control that has a queue: a peer on a socket, or a control
// on another thread: events and receipts. Not answers, which go first (reply_buffer.hpp).
//
// It never grows and never refuses. While there is room every event has a place, but what
// coalesces takes the place of the last one of its kind and endpoint (the first goes at once, and
// of those that wait the last is kept). Without room
//   - lifecycle, lease and epoch events fold: a kept place for each endpoint (leases: each cell),
//     with the latest state and a count; they begin to when half of the room is used;
//   - of the rest the oldest of the lowest lane is lost, and counted in a gap marker.
// The safety lane goes first, then high, normal and bulk by credit, so that each progresses.
// Receipts go in the safety lane, so that what is told of leases and epochs around them keeps its
// order, and are never lost: whoever submits keeps to `receipts` open commands.
//
// What is staged is still here: `commit` when it was sent, `rollback` when it was not. A memctx
// that was not sent before its invalidation arrives is taken out. A snapshot (replay_begin to
// replay_end) goes out whole, in order, behind everything older of its endpoint.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include <vmsig/base/block_pool.hpp>
#include <vmsig/base/dlist.hpp>
#include <vmsig/event/payloads.hpp>

namespace vmsig {

class outbox {
public:
    static constexpr std::uint16_t ordinary_events = 256;
    static constexpr unsigned endpoints = 64;
    static constexpr unsigned folds = 16; ///< kept places per endpoint
    static constexpr unsigned replay_events = 10;
    static constexpr std::uint16_t receipts = 256;
    /// Bytes beside events are copied; a block for each of them.
    static constexpr std::uint32_t payload_bytes = 16 * 1024;
    static constexpr std::uint16_t read_payloads = 8; ///< of receipts
    static constexpr std::uint16_t event_payloads = 8;

    enum class kept : std::uint8_t { queued, merged, lost };

    outbox(); ///< allocates

    /// `coalesces`: of its kind. `payload`: the bytes beside it.
    kept push(const event& e, bool coalesces, std::span<const std::byte> payload = {});
    /// The peer knows of that endpoint, though nothing of it was sent.
    void tell_removal(endpoint_id e) { tally_of(e).told = true; }
    /// From now on the peer knows that endpoint by another handle.
    void number_anew(endpoint_id e) {
        if (tally& t = tallies_[slot_of(e)]; t.id == e) t.sequence = 0;
    }
    /// Counts an event that can not be sent at all.
    void lose(const event& e);

    bool empty() const;
    bool safety_waits() const { return !lanes_[0].empty(); }
    /// Whether anything may be sent to a peer whose window for ordinary events is closed.
    bool anything(bool window_open) const { return window_open ? !empty() : urgent(); }

    /// The next one to send, staged; null when there is none. Valid until commit or rollback. Its
    /// `sequence` is filled in.
    const event* stage(bool window_open);
    /// The bytes beside an event that is staged.
    std::span<const std::byte> payload_of(const event& e) const { return blocks_.bytes(e.payload); }
    /// The last one staged had no room after all.
    void unstage();
    /// Staged events are sent, or are to be sent again in the same order.
    template <class F>
    void commit(F&& each); ///< each(const event&), of what has left
    void rollback();

    /// Takes out what `keep` is false of.
    template <class F>
    void keep_if(F&& keep);
    /// Forgets what was lost of an endpoint that `keep` is false of.
    template <class F>
    void keep_losses_if(F&& keep);
    /// Takes the bytes off the receipts of reads that `keep` is false of.
    template <class F>
    void keep_bytes_if(F&& keep);
    void clear();

private:
    struct node {
        vmsig::event event;
        dlink link;
        std::uint64_t order = 0;
        std::uint8_t lane = 0;
        std::uint8_t fold = folds;
        bool used = false;
        bool reserved = false; ///< of the places kept for folding and replay
        bool replayed = false; ///< part of a snapshot
    };
    /// What is counted for each endpoint.
    struct tally {
        endpoint_id id;
        std::uint64_t sequence = 0;
        std::array<std::uint64_t, lane_count> lost{};
        bool replaying = false;
        bool told = false; ///< something of it was sent
    };

    /// On its way out: a node, or the losses of a lane.
    struct staged {
        std::uint16_t node = no_node;
        std::uint8_t endpoint = 0;
        std::uint8_t lane = 0;
        std::uint64_t lost = 0;
    };

    static constexpr std::uint16_t node_count =
        ordinary_events + endpoints * (folds + replay_events) + receipts;
    static constexpr std::uint16_t max_staged = 512;

    auto links() {
        return [this](std::uint16_t n) -> dlink& { return nodes_[n].link; };
    }
    static unsigned fold_of(const event& e);
    static void fold_into(event& waiting, const event& latest);
    bool urgent() const { return !lanes_[0].empty() || gaps_ != 0; }
    tally& tally_of(endpoint_id e);
    void retire(const tally& former);
    std::uint16_t& latest(const event& e, unsigned fold);
    std::uint16_t newest(const event& e, unsigned fold);
    kept replace(std::uint16_t n, const event& e, unsigned fold, std::span<const std::byte> bytes);
    kept push_receipt(const event& e, std::span<const std::byte> bytes);
    payload_id copy(std::span<const std::byte> bytes, bool of_receipt);
    void free_payload(event& e);
    std::uint16_t take_place(const event& e, bool keep);
    bool make_room(lane l);
    void append(std::uint16_t n, const event& e, unsigned l, unsigned fold);
    void leave(std::uint16_t n);
    void release(std::uint16_t n);
    void promote(endpoint_id e);
    void purge_memctx(endpoint_id e);
    void drop_snapshot(endpoint_id e);
    const event* stage_gap();
    /// Not a snapshot's, nor of an endpoint whose slot has another tenant by now.
    bool numbered(const node& n) const {
        return !n.replayed && n.event.kind != kind::receipt &&
               tallies_[slot_of(n.event.endpoint)].id == n.event.endpoint;
    }
    static unsigned slot_of(endpoint_id e) { return e ? e.slot() % endpoints : 0; }
    unsigned next_lane(bool window_open);
    template <class F>
    void for_each_queued(F&& f);

    block_pool<payload_id> blocks_{read_payloads + event_payloads, payload_bytes};
    std::uint16_t event_blocks_ = 0;       ///< of them, beside events that are no receipts
    std::unique_ptr<std::byte[]> storage_; ///< of nodes, untouched until they are used
    node* nodes_ = nullptr;
    std::unique_ptr<std::uint16_t[]> latest_fold_; ///< [endpoint][fold]: node + 1
    std::unique_ptr<std::uint16_t[]> latest_kind_; ///< [endpoint][kind]: node + 1
    std::array<tally, endpoints> tallies_{};
    std::array<dlist, lane_count> lanes_{};
    dlist free_;
    std::uint16_t touched_ = 0; ///< nodes that were ever used
    std::uint16_t ordinary_used_ = 0;
    std::array<std::uint8_t, lane_count> credit_;
    std::uint64_t order_ = 0;
    std::uint64_t gaps_ = 0; ///< endpoint slots with losses to tell
    std::array<staged, max_staged> staged_{};
    std::uint16_t staged_count_ = 0;
    vmsig::event gap_; ///< the last one staged
};

} // namespace vmsig

#include <vmsig/transport/detail/outbox.ipp>
