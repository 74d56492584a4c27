// fair_queue: which command is next. Four lanes; inside a lane the controls are served in turn, one
// command each; inside a control first in, first out. Not an owner: nodes live elsewhere.
//
// A higher lane overtakes, yet a lower one still progresses: each lane has a credit per round, and
// the highest waiting lane with credit left is served. When every waiting lane is out of credit,
// a new round begins. So a waiting bulk command is overtaken by at most 64 + 16 + 4 others per
// round, and a safety command waits for at most 16 + 4 + 1 lower ones.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include <vmsig/base/bits.hpp>
#include <vmsig/base/dlist.hpp>
#include <vmsig/event/lane.hpp>

namespace vmsig {

inline constexpr std::array<std::uint8_t, lane_count> lane_credit{64, 16, 4, 1};

class fair_queue {
public:
    static constexpr unsigned max_controls = 64;

    bool empty() const { return lanes_ == 0; }

    template <class Links>
    void push_back(Links&& links, unsigned control, lane l, std::uint16_t node) {
        queue(l, control).push_back(links, node);
        wait_in(index(l), control);
    }
    template <class Links>
    void push_front(Links&& links, unsigned control, lane l, std::uint16_t node) {
        queue(l, control).push_front(links, node);
        wait_in(index(l), control);
    }
    template <class Links>
    void remove(Links&& links, unsigned control, lane l, std::uint16_t node) {
        dlist& q = queue(l, control);
        q.remove(links, node);
        if (q.empty()) leave(index(l), control);
    }
    /// The next node, taken out; no_node when nothing waits. O(1).
    template <class Links>
    std::uint16_t pop(Links&& links) {
        if ((lanes_ & ~spent_) == 0) {
            if (lanes_ == 0) return no_node;
            credit_ = lane_credit;
            spent_ = 0;
        }
        const auto l = static_cast<unsigned>(std::countr_zero(lanes_ & ~spent_));
        if (--credit_[l] == 0) spent_ |= 1u << l;
        const unsigned control = next_control(l);
        dlist& q = queues_[l][control];
        const std::uint16_t node = q.pop_front(links);
        if (q.empty()) leave(l, control);
        return node;
    }

private:
    static constexpr unsigned index(lane l) { return static_cast<unsigned>(l); }
    dlist& queue(lane l, unsigned control) { return queues_[index(l)][control]; }
    void wait_in(unsigned l, unsigned control) {
        waiting_[l] |= bit(control);
        lanes_ |= 1u << l;
    }
    void leave(unsigned l, unsigned control) {
        waiting_[l] &= ~bit(control);
        if (waiting_[l] == 0) lanes_ &= ~(1u << l);
    }

    /// In turn: the first waiting control after the one served last.
    unsigned next_control(unsigned l) {
        const std::uint64_t after = waiting_[l] & ~std::uint64_t{1} << served_[l];
        const std::uint64_t from = after != 0 ? after : waiting_[l];
        const auto control = static_cast<unsigned>(std::countr_zero(from));
        served_[l] = static_cast<std::uint8_t>(control);
        return control;
    }

    std::uint32_t lanes_ = 0;                         ///< those in which somebody waits
    std::uint32_t spent_ = 0;                         ///< those out of credit
    std::array<std::uint64_t, lane_count> waiting_{}; ///< controls
    std::array<std::uint8_t, lane_count> credit_ = lane_credit;
    std::array<std::uint8_t, lane_count> served_{63, 63, 63, 63};
    std::array<std::array<dlist, max_controls>, lane_count> queues_{};
};

} // namespace vmsig
