// Rights: what a grant can allow on an endpoint. Everything is denied until the host says so.
#pragma once

#include <cstdint>

#include <vmsig/base/bits.hpp>

namespace vmsig {

enum class right : std::uint8_t {
    observe,  ///< lifecycle, console, lease holders
    memctx,   ///< the locator and read-only descriptors of the RAM
    memread,  ///< bounded reads, done by the bus
    memwrite, ///< the memwrite lease and its commands
    input,    ///< the input lease and its commands
    power,    ///< the power lease and the verbs of host management
    admin,    ///< read audit and statistics, force-release a lease
};
inline constexpr unsigned right_count = 7;
using rights = mask<right>;
constexpr rights operator|(right a, right b) { return rights{a} | rights{b}; }

/// What may be owned exclusively, one owner per (endpoint, class).
enum class lease_class : std::uint8_t { input, power, memwrite };
inline constexpr unsigned lease_class_count = 3;

constexpr right right_of(lease_class c) {
    switch (c) {
    case lease_class::input: return right::input;
    case lease_class::power: return right::power;
    case lease_class::memwrite: return right::memwrite;
    }
    return right::admin;
}

} // namespace vmsig
