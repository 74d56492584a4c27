// event: what travels up, from an adapter or the core to controls. Two cache lines, trivially
// copyable: an envelope and a small inline payload; larger payloads stay in a pool, by handle.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <type_traits>

#include <vmsig/base/counter.hpp>
#include <vmsig/base/ids.hpp>
#include <vmsig/base/time.hpp>
#include <vmsig/event/kind.hpp>

namespace vmsig {

inline constexpr std::size_t inline_payload_bytes = 48;

/// Names a block of a core's payload pool while it is pinned or being delivered.
using payload_id = slot_id<struct payload_tag>;

/// A payload that fits inline: a trivially copyable struct.
template <class P>
concept inline_payload = std::is_trivially_copyable_v<P> && sizeof(P) <= inline_payload_bytes &&
                         alignof(P) <= 8;

/// One of the bus's own payloads, which names its kind.
template <class P>
concept core_payload = inline_payload<P> && requires {
    { P::event_kind } -> std::convertible_to<kind>;
};

struct event {
    vmsig::kind kind = kind::none;
    vmsig::source source = source::lifecycle;
    vmsig::lane lane = lane::normal;
    std::uint16_t inline_size = 0; ///< bytes
    std::uint16_t reserved = 0;
    std::uint32_t payload_size = 0; ///< bytes in the pooled payload
    std::uint32_t reserved2 = 0;
    endpoint_id endpoint;
    epoch_number epoch;         ///< of the endpoint, at emission
    std::uint64_t sequence = 0; ///< per (subscriber, endpoint) from a queue; 0 when direct
    origin_id origin;           ///< whose command caused it; 0: nobody's
    correlation_id correlation; ///< of that command
    instant timestamp;          ///< of the turn that emitted it
    instant deadline;           ///< by which an answer is due; 0: none
    payload_id payload;         ///< pooled payload; 0: none
    alignas(8) std::byte inline_data[inline_payload_bytes];

    constexpr bool is(vmsig::kind k) const { return kind == k; }

    /// The inline payload if this event is of `P`'s kind, else null. Valid as long as the event.
    template <core_payload P>
    const P* as() const {
        return kind == P::event_kind ? payload_as<P>() : nullptr;
    }
    /// The inline payload of a kind that the host registered; null if the size differs.
    template <inline_payload P>
    const P* payload_as() const {
        if (inline_size != sizeof(P)) return nullptr;
        return std::launder(reinterpret_cast<const P*>(inline_data));
    }
    template <inline_payload P>
    void set_payload(const P& p) {
        std::memcpy(inline_data, &p, sizeof(P));
        inline_size = sizeof(P);
    }
    /// An empty inline payload, to be filled in where it is.
    template <inline_payload P>
    P& make_payload() {
        inline_size = sizeof(P);
        return *::new (static_cast<void*>(inline_data)) P{};
    }
};
static_assert(sizeof(event) == 128 && std::is_trivially_copyable_v<event>);

} // namespace vmsig
