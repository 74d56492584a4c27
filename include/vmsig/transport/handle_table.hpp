// handle_table: the endpoints of one connection, by handles that mean nothing on another one. A
// handle is given when the peer is first told of an endpoint and is never used again; what it says
// of the bus's own numbers is nothing.
#pragma once

#include <array>
#include <cstdint>

#include <vmsig/base/ids.hpp>

namespace vmsig {

class handle_table {
public:
    /// A removed endpoint keeps its place until the peer was told.
    static constexpr std::uint16_t places = 64;

    /// Its handle; a new one when it has none; 0: no place.
    endpoint_id handle_of(endpoint_id e) {
        if (const entry* known = find(e)) return known->handle;
        for (std::uint16_t n = 0; e && n < places; ++n) {
            entry& free = entries_[n];
            if (free.endpoint || free.generation >= max_generation) continue;
            free.endpoint = e;
            free.handle = endpoint_id::make(n, ++free.generation);
            free.announced = false;
            return free.handle;
        }
        return {};
    }
    /// 0: it has none.
    endpoint_id known_handle(endpoint_id e) const {
        const entry* known = find(e);
        return known ? known->handle : endpoint_id{};
    }
    /// What a peer's handle names; 0: nothing that it was told of.
    endpoint_id endpoint_of(endpoint_id handle) const {
        if (!handle || handle.slot() >= places) return {};
        const entry& named = entries_[handle.slot()];
        return named.endpoint && named.handle == handle && named.announced ? named.endpoint
                                                                           : endpoint_id{};
    }
    bool announced(endpoint_id e) const {
        const entry* known = find(e);
        return known && known->announced;
    }
    void set_announced(endpoint_id e, bool on) {
        if (entry* known = find(e)) known->announced = on;
    }
    void forget(endpoint_id e) {
        if (entry* known = find(e)) known->endpoint = {};
    }
    void clear() { *this = {}; }

private:
    struct entry {
        endpoint_id endpoint;
        endpoint_id handle;
        std::uint64_t generation = 0;
        bool announced = false;
    };

    const entry* find(endpoint_id e) const {
        if (!e) return nullptr;
        std::uint8_t& hint = hints_[e.slot() % hints_.size()];
        if (entries_[hint].endpoint == e) return &entries_[hint];
        for (const entry& one : entries_) {
            if (one.endpoint != e) continue;
            hint = static_cast<std::uint8_t>(&one - entries_.data());
            return &one;
        }
        return nullptr;
    }
    entry* find(endpoint_id e) {
        return const_cast<entry*>(static_cast<const handle_table*>(this)->find(e));
    }

    std::array<entry, places> entries_{};
    mutable std::array<std::uint8_t, 64> hints_{}; ///< by slot: where it was found last
};

} // namespace vmsig
