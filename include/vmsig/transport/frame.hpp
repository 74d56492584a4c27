// frame: a frame among others in a datagram: its header, and how datagrams are taken apart and put
// together. What is in a frame is its type's business.
#pragma once

#include <vmsig/base/expected.hpp>
#include <vmsig/transport/codec.hpp>
#include <vmsig/transport/wire.hpp>

namespace vmsig::wire {

struct header {
    std::uint32_t length = 0; ///< bytes of the whole frame, with this header
    std::uint16_t type = 0;   ///< frame_type
    std::uint16_t flags = 0;
    template <class V>
    static constexpr void fields(V&& v) {
        v("length", &header::length, "bytes of the whole frame, header included");
        v("type", &header::type, "frame_type");
        v("flags", &header::flags, "1: may be skipped by who does not know the type");
    }
};
static_assert(size_of<header>() == header_bytes);

/// One that arrived; borrows the datagram.
struct frame_view {
    frame_type type = frame_type::none;
    bool optional = false;
    std::span<const std::byte> body;
};

/// Takes the first frame off `datagram`, which must not be empty. False: lengths that can not be,
/// or flags that mean nothing.
inline bool next_frame(std::span<const std::byte>& datagram, frame_view& out) {
    reader from{datagram};
    header h;
    if (!get(from, h) || h.length < header_bytes || h.length > datagram.size() ||
        (h.flags & ~flag_optional) != 0)
        return false;
    out.type = static_cast<frame_type>(h.type);
    out.optional = (h.flags & flag_optional) != 0;
    out.body = datagram.subspan(header_bytes, h.length - header_bytes);
    datagram = datagram.subspan(h.length);
    return true;
}

/// Reads a frame's fields. A type without a tail must end with them.
template <class Frame>
bool parse(const frame_view& f, Frame& out, std::span<const std::byte>& tail) {
    reader from{f.body};
    if (!get(from, out)) return false;
    tail = from.left();
    return requires { Frame::tail; }
    || tail.empty();
}

template <class Frame>
constexpr std::size_t frame_bytes(std::size_t tail = 0) {
    return header_bytes + size_of<Frame>() + tail;
}

/// Only where `frame_bytes` fit; the tail's bytes are written after it by the caller.
template <class Frame>
void put_frame(writer& to, const Frame& f, std::size_t tail = 0) {
    put(to, header{static_cast<std::uint32_t>(frame_bytes<Frame>(tail)),
                   static_cast<std::uint16_t>(Frame::type), 0});
    put(to, f);
}

} // namespace vmsig::wire
