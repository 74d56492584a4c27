// drawn_request: what a peer may ask, made of an input, with the tails that requests have.
#pragma once

#include "drawn_frame.hpp"

namespace vmsig::fuzz {

inline constexpr std::array<std::uint16_t, 3> keys{KEY_A, KEY_B, KEY_LEFTSHIFT};

inline void append_header(std::vector<std::byte>& d, const wire::header& h) {
    const std::size_t before = d.size();
    d.resize(before + wire::header_bytes);
    wire::writer to{std::span{d}.subspan(before)};
    wire::put(to, h);
}
template <class Frame>
void append(std::vector<std::byte>& d, const Frame& f, std::span<const std::byte> tail = {}) {
    const std::size_t before = d.size();
    d.resize(before + wire::frame_bytes<Frame>(tail.size()));
    wire::writer to{std::span{d}.subspan(before)};
    wire::put_frame(to, f, tail.size());
    to.bytes(tail.data(), tail.size());
}
inline void append_handle(std::vector<std::byte>& tail, drawer& draw) {
    endpoint_id e;
    draw.draw(e);
    const auto* at = reinterpret_cast<const std::byte*>(&e.value);
    tail.insert(tail.end(), at, at + sizeof e.value);
}
inline std::vector<std::byte> draw_changes(bytes& in) {
    std::vector<std::byte> tail;
    for (unsigned n = 1 + in.byte() % 8; n > 0; --n) {
        const std::uint8_t what = in.byte();
        input_change c = input_change::key(keys[what % keys.size()], (what & 64) != 0);
        if (what >= 192) c.type = static_cast<std::uint16_t>(in.byte() % 4);
        const auto* at = reinterpret_cast<const std::byte*>(&c);
        tail.insert(tail.end(), at, at + sizeof c);
    }
    return tail;
}

template <class Frame>
Frame draw_request(drawer& draw, bytes& in, std::vector<std::byte>& tail) {
    Frame f;
    if constexpr (std::is_same_v<Frame, wire::submit>) {
        draw.draw(f);
        if (f.verb == verb::input)
            tail = draw_changes(in);
        else if (in.byte() % 4 == 0)
            tail = draw.some(64);
        return f;
    }
    f = draw.template frame<Frame>();
    if constexpr (std::is_same_v<Frame, wire::subscribe>) {
        if (!f.every)
            for (unsigned n = in.byte() % 3; n > 0; --n) append_handle(tail, draw);
    } else if constexpr (Frame::type == wire::frame_type::may) {
        f.number %= static_cast<unsigned>(wire::last_of<verb>) + 1;
    }
    return f;
}

} // namespace vmsig::fuzz
