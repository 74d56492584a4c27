// emit_by_hand: what the core promises for an event that is delivered at once, done by hand with
// nothing beside it. Not the limit of row 5, which promises nothing: the floor below which the core
// cannot come. Each part says which promise it pays.
#pragma once

#include <vmsig/vmsig.hpp>

#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>

namespace bench {

class emit_by_hand {
public:
    using tell_function = void (*)(void*, const vmsig::event&);

    emit_by_hand() {
        sensors_[0] = {1, vmsig::endpoint_id::make(0, 1), true};
        kinds_[static_cast<unsigned>(vmsig::kind::first_host)] = {0, vmsig::source::lifecycle,
                                                                  vmsig::lane::normal, true};
    }
    void subscribe(unsigned slot, void* self, tell_function tell) {
        sinks_[slot] = {tell, self};
        machines_[0].rights[0] |= std::uint64_t{1} << slot;
        machines_[0].sources[0] |= std::uint64_t{1} << slot;
    }

    [[gnu::noinline]] bool emit(std::uint64_t from, vmsig::event& e) {
        // a handle is weak: slot and generation
        if (from - 1 >= sensors_.size()) return false;
        const sensor& s = sensors_[from - 1];
        if (!s.live || s.id != from) return false;
        // a kind that this adapter may tell, with a payload that is its own
        const auto k = static_cast<unsigned>(e.kind);
        if (k >= kinds_.size() || !kinds_[k].known || e.payload || e.payload_size != 0)
            return false;
        machine& m = machines_[s.endpoint.slot()];
        e.source = kinds_[k].source;
        e.lane = kinds_[k].lane;
        e.endpoint = s.endpoint;
        e.epoch.value = m.epoch; // events keep the epoch of their emission
        e.timestamp.ns = now_;
        ++m.events; // statistics
        ++number_;  // of the observer
        const std::uint64_t to = m.rights[kinds_[k].audience] &
                                 m.sources[static_cast<unsigned>(e.source)]; // grant, subscription
        if (depth_ != 0 || head_ != tail_) std::abort(); // order: what waits goes first
        ++depth_;
        current_ = &e; // detaching, narrowing and payloads from inside a callback
        receivers_ = entitled_ = to;
        touched_ |= to; // who has something to flush
        std::uint32_t called = 0;
        for (std::uint64_t left = to; left != 0; left &= entitled_) {
            const auto slot = static_cast<unsigned>(std::countr_zero(left));
            left &= left - 1;
            ++called;
            receiver_ = slot;
            sinks_[slot].tell(sinks_[slot].self, e);
        }
        callbacks_ += called; // a turn is bounded
        current_ = nullptr;
        --depth_;
        if (in_turn_) return true;
        // outside a turn: the loop must hear of what the callbacks left
        callbacks_ = 0;
        if (head_ != tail_ || (owed_ | (touched_ & flushers_)) != 0 || timer_ < armed_)
            std::abort();
        return true;
    }

private:
    struct sensor {
        std::uint64_t id = 0;
        vmsig::endpoint_id endpoint;
        bool live = false;
    };
    struct kind_row {
        std::uint8_t audience = 0;
        vmsig::source source = vmsig::source::lifecycle;
        vmsig::lane lane = vmsig::lane::normal;
        bool known = false;
    };
    struct machine {
        std::array<std::uint64_t, 11> rights{};
        std::array<std::uint64_t, 64> sources{};
        std::uint64_t epoch = 1, events = 0;
    };
    struct sink {
        tell_function tell = nullptr;
        void* self = nullptr;
    };

    std::array<sensor, 256> sensors_{};
    std::array<kind_row, vmsig::max_kinds> kinds_{};
    std::array<machine, 2> machines_{};
    std::array<sink, 64> sinks_{};
    const vmsig::event* current_ = nullptr;
    std::uint64_t receivers_ = 0, entitled_ = 0, touched_ = 0, flushers_ = 0, owed_ = 0;
    std::uint64_t number_ = 0;
    std::int64_t now_ = 42, timer_ = INT64_MAX, armed_ = INT64_MAX;
    std::uint32_t depth_ = 0, callbacks_ = 0, head_ = 0, tail_ = 0;
    unsigned receiver_ = 0;
    bool in_turn_ = false;
};

} // namespace bench
