// event_codec: an event as a frame, and back. Its endpoint travels as a handle of the connection;
// the payload of the bus's own kinds has a layout, that of the host's kinds is bytes.
#pragma once

#include <vmsig/transport/frame.hpp>
#include <vmsig/transport/stream.hpp>

namespace vmsig::wire {

namespace detail {

/// Calls `f.operator()<P>()` for the payload type of a kind; false when it has none.
template <class F>
bool with_payload_of(kind k, F&& f) {
    return core_payloads::any([&]<class P>() {
        if (P::event_kind != k) return false;
        f.template operator()<P>();
        return true;
    });
}

} // namespace detail

/// Bytes of the inline payload on the wire.
inline std::size_t payload_bytes(const event& e) {
    if (e.kind >= kind::first_host) return e.inline_size;
    std::size_t bytes = 0;
    detail::with_payload_of(e.kind, [&]<class P>() { bytes = size_of<P>(); });
    return bytes;
}

inline std::size_t event_bytes(const event& e) {
    return frame_bytes<event_frame>(payload_bytes(e) + e.payload_size);
}

/// Only where `event_bytes` fit. `payload`: of `e.payload_size` bytes.
inline void put_event(writer& to, const event& e, endpoint_id handle,
                      std::span<const std::byte> payload) {
    event_frame f;
    f.kind = e.kind;
    f.source = e.source;
    f.lane = e.lane;
    f.payload_size = static_cast<std::uint32_t>(payload.size());
    f.endpoint = handle;
    f.epoch = e.epoch;
    f.sequence = e.sequence;
    f.origin = e.origin;
    f.correlation = e.correlation;
    f.timestamp = e.timestamp;
    f.deadline = e.deadline;
    put_frame(to, f, payload_bytes(e) + payload.size());
    if (e.kind >= kind::first_host)
        to.bytes(e.inline_data, e.inline_size);
    else
        detail::with_payload_of(e.kind, [&]<class P>() { put(to, *e.as<P>()); });
    to.bytes(payload.data(), payload.size());
}

/// `payload` borrows the frame. The endpoint of `e`, and of a lease in it, is the handle.
inline bool get_event(const frame_view& frame, event& e, std::span<const std::byte>& payload) {
    event_frame f;
    std::span<const std::byte> tail;
    if (!parse(frame, f, tail) || f.payload_size > tail.size()) return false;
    e = {};
    e.kind = f.kind;
    e.source = f.source;
    e.lane = f.lane;
    e.payload_size = f.payload_size;
    e.endpoint = f.endpoint;
    e.epoch = f.epoch;
    e.sequence = f.sequence;
    e.origin = f.origin;
    e.correlation = f.correlation;
    e.timestamp = f.timestamp;
    e.deadline = f.deadline;
    payload = tail.last(f.payload_size);
    reader from{tail.first(tail.size() - f.payload_size)};
    if (e.kind >= kind::first_host) {
        if (from.left().size() > inline_payload_bytes) return false;
        e.inline_size = static_cast<std::uint16_t>(from.left().size());
        return from.bytes(e.inline_data, e.inline_size);
    }
    bool good = true;
    detail::with_payload_of(e.kind, [&]<class P>() {
        P p;
        good = get(from, p);
        if constexpr (std::is_base_of_v<lease, P>) p.endpoint = f.endpoint;
        if constexpr (std::is_same_v<console_output, P>) good = good && p.size <= p.text.size();
        e.set_payload(p);
    });
    return good && from.left().empty();
}

} // namespace vmsig::wire
