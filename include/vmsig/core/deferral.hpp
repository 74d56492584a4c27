// deferral: what waits to be delivered, in order: events that were caused inside a callback or in
// the middle of a change, and receipts. One queue for both, so that a receipt decided before a
// lease changes hands is delivered before it.
//
// Receipts live in their command nodes and are queued by number; the queue has a place for every
// node and every event, so it cannot overflow. Events have a fixed number of places, with some of
// them kept for safety.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <vmsig/event/event.hpp>

namespace vmsig::detail {

struct deferred_event {
    vmsig::event event;
    std::uint64_t to = 0; ///< control slots; who loses the right meanwhile is taken out
    vmsig::audience audience = audience::observe;
};

class deferral {
public:
    deferral(std::uint32_t commands, std::uint16_t events, std::uint16_t safety_events)
        : commands_{commands}
        , reserve_{safety_events}
        , events_(std::size_t{events} + safety_events)
        , free_(std::size_t{events} + safety_events) {
        std::uint32_t places = 1;
        while (places < commands + events_.size() + 1) places *= 2;
        mask_ = places - 1;
        queue_.reset(new std::uint32_t[places]);
        for (std::size_t i = 0; i < free_.size(); ++i)
            free_[i] = static_cast<std::uint16_t>(free_.size() - 1 - i);
    }

    bool empty() const { return head_ == tail_; }
    /// The place behind the last one, to ask later whether all until there is delivered.
    std::uint32_t end() const { return tail_; }
    bool delivered(std::uint32_t until) const {
        return empty() || static_cast<std::int32_t>(head_ - until) >= 0;
    }
    /// Ordinary events that still fit.
    std::size_t room() const { return free_.size() > reserve_ ? free_.size() - reserve_ : 0; }

    /// A place at the end for an event, or null: no room.
    deferred_event* push_event(bool safety) {
        if (free_.empty() || (!safety && room() == 0)) return nullptr;
        const std::uint16_t n = free_.back();
        free_.pop_back();
        push(commands_ + n);
        return &events_[n];
    }
    void push_receipt(std::uint32_t node) { push(node); }

    std::uint32_t front() const { return queue_[head_ & mask_]; }
    bool is_receipt(std::uint32_t item) const { return item < commands_; }
    deferred_event& event_of(std::uint32_t item) { return events_[item - commands_]; }
    void pop() { ++head_; }
    void free_event(std::uint32_t item) {
        free_.push_back(static_cast<std::uint16_t>(item - commands_));
    }
    /// Those that wait; not one that is being delivered.
    template <class F>
    void for_each_event(F&& f) {
        newest_first([&f](deferred_event& e) { return f(e), true; });
    }
    /// The same from the youngest to the oldest, while `f` says true.
    template <class F>
    void newest_first(F&& f) {
        for (std::uint32_t at = tail_; at != head_;) {
            const std::uint32_t item = queue_[--at & mask_];
            if (!is_receipt(item) && !f(event_of(item))) return;
        }
    }

    /// Takes out what waits and `f` is true of; the rest stays in order.
    template <class F>
    void remove_if(F&& f) {
        std::uint32_t kept = head_;
        for (std::uint32_t at = head_; at != tail_; ++at) {
            const std::uint32_t item = queue_[at & mask_];
            if (!is_receipt(item) && f(std::as_const(event_of(item))))
                free_event(item);
            else
                queue_[kept++ & mask_] = item;
        }
        tail_ = kept;
    }

private:
    void push(std::uint32_t item) { queue_[tail_++ & mask_] = item; }

    std::uint32_t commands_;
    std::size_t reserve_;
    std::uint32_t mask_ = 0;
    std::uint32_t head_ = 0;
    std::uint32_t tail_ = 0;
    std::unique_ptr<std::uint32_t[]> queue_;
    std::vector<deferred_event> events_;
    std::vector<std::uint16_t> free_; ///< never beyond its first size
};

} // namespace vmsig::detail
