// endpoint_names: endpoints named by id, at most one per slot. Not a set of slots: an id is bound
// to its generation, so that what was said of one machine never holds for its successor.
#pragma once

#include <array>
#include <cstdint>

#include <vmsig/base/bits.hpp>
#include <vmsig/base/ids.hpp>

namespace vmsig {

class endpoint_names {
public:
    static constexpr unsigned capacity = 64; ///< slots

    /// The bit of its slot if `id` is named here, else 0.
    constexpr std::uint64_t bit_of(endpoint_id id) const {
        return id && id.slot() < capacity && ids_[id.slot()] == id ? bit(id.slot()) : 0;
    }
    /// The one named at `slot`, or nobody.
    constexpr endpoint_id at(unsigned slot) const { return ids_[slot]; }

    /// False, and nothing changes, for nobody, for an id that is named already, and for one older
    /// than what its slot names: that machine is gone for good. A newer one takes the place.
    constexpr bool add(endpoint_id id) {
        if (!id || id.slot() >= capacity || id <= ids_[id.slot()]) return false;
        ids_[id.slot()] = id;
        return true;
    }
    constexpr void remove(endpoint_id id) {
        if (bit_of(id)) ids_[id.slot()] = {};
    }
    friend constexpr bool operator==(const endpoint_names&, const endpoint_names&) = default;

private:
    std::array<endpoint_id, capacity> ids_{};
};

} // namespace vmsig
