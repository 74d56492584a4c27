// Rows 1, 3, 4, 7, 8: whatever bytes are read as a frame, either they are refused or they say what
// they say exactly: written again they are the same bytes. No prefix of a frame is one, nor is it
// with a reserved byte that is not 0, a text without its end, a bool beyond 1 or an enumerator that
// does not exist. Events, locators and commands keep their meaning on the way to the bus's own
// types and back.
#include "harness.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include <vmsig/transport/catalogue.hpp>
#include <vmsig/transport/command_codec.hpp>
#include <vmsig/transport/event_codec.hpp>
#include <vmsig/transport/locator_codec.hpp>

namespace {

using namespace vmsig;
using fuzz::require;
using body = std::span<const std::byte>;

constexpr std::size_t most_bytes = 4096;
std::array<std::byte, most_bytes + 256> scratch;

bool same(body a, body b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

/// The bytes behind the header of what `write` writes.
template <class Write>
body written(Write&& write) {
    wire::writer to{scratch};
    write(to);
    return body{scratch}.subspan(wire::header_bytes, to.size() - wire::header_bytes);
}

template <class Frame>
bool parses(body bytes) {
    Frame f;
    body tail;
    return wire::parse({Frame::type, false, bytes}, f, tail);
}

/// Calls spoil(offset, value) for each byte of a T that does not take every value, with one that
/// it does not take; the offset of what follows.
template <class T, class Spoil>
std::size_t for_each_strict(std::size_t at, Spoil&& spoil) {
    if constexpr (std::is_same_v<T, bool>) {
        spoil(at, 2);
    } else if constexpr (std::is_enum_v<T>) {
        using number = std::underlying_type_t<T>;
        constexpr auto last = static_cast<std::uint64_t>(wire::last_of<T>);
        if (last < std::numeric_limits<number>::max()) spoil(at + sizeof(T) - 1, 0xff);
    } else if constexpr (wire::detail::is_reserved<T>) {
        for (std::size_t n = 0; n < wire::size_of<T>(); ++n) spoil(at + n, 1);
    } else if constexpr (wire::detail::is_array<T>) {
        if (std::is_same_v<typename T::value_type, char>) spoil(at + wire::size_of<T>() - 1, 'x');
    } else if constexpr (!wire::detail::plain<T>) {
        wire::layout<T>::fields([&]<class M>(auto, M, auto) {
            at = for_each_strict<wire::detail::member_type<M>>(at, spoil);
        });
        return at;
    }
    return at + wire::size_of<T>();
}

/// Of a frame that was read.
template <class Frame>
void check_strict(body bytes) {
    for (std::size_t n = 0; n < wire::size_of<Frame>(); ++n)
        require(!parses<Frame>(bytes.first(n)), "1: a prefix of a frame is a frame");
    static std::array<std::byte, most_bytes> spoilt;
    std::copy(bytes.begin(), bytes.end(), spoilt.begin());
    for_each_strict<Frame>(0, [&](std::size_t at, unsigned value) {
        const std::byte before = std::exchange(spoilt[at], static_cast<std::byte>(value));
        require(!parses<Frame>(body{spoilt}.first(bytes.size())),
                "8: a byte that means nothing is read over");
        spoilt[at] = before;
    });
}

template <class Frame>
void check_frame(body bytes, bool own) {
    Frame f;
    body tail;
    if (!wire::parse({Frame::type, false, bytes}, f, tail)) return;
    const body again = written([&](wire::writer& to) {
        wire::put_frame(to, f, tail.size());
        to.bytes(tail.data(), tail.size());
    });
    require(same(again, bytes), "8: a frame that was read is written differently");
    if (own) check_strict<Frame>(bytes);
}

void check_event(const wire::frame_view& f) {
    event e;
    body payload;
    if (!wire::get_event(f, e, payload)) return;
    require(e.payload_size == payload.size(), "the payload beside an event has another size");
    require(wire::event_bytes(e) == wire::header_bytes + f.body.size(),
            "an event that was read has another size");
    if (const auto* said = e.as<console_output>())
        require(said->size <= said->text.size(), "4: console output longer than it can be");
    const body again =
        written([&](wire::writer& to) { wire::put_event(to, e, e.endpoint, payload); });
    require(same(again, f.body), "an event that was read is written differently");
}

void check_locator(const wire::frame_view& f) {
    wire::memctx m;
    memctx_locator l;
    if (!wire::get_locator(f, m, l)) return;
    const body again = written([&](wire::writer& to) { wire::put_locator(to, m, l); });
    require(same(again, f.body), "a locator that was read is written differently");
    for (const ram_region& r : l.regions())
        require(r.reserved == 0, "8: a reserved field of a region is read over");
    for (const address_space_root& r : l.roots())
        require(r.reserved == 0, "8: a reserved field of a root is read over");
}

void check_command(const wire::frame_view& f) {
    wire::submit s;
    body tail, bulk;
    command c;
    if (!wire::parse(f, s, tail) || (s.options & ~wire::all_submit_options) != 0) return;
    if (wire::to_command(s, tail, s.endpoint, c, bulk) != refusal::none) return;
    wire::submit again;
    again.request = s.request;
    require(wire::to_submit(c, again) || c.verb == verb::input,
            "a command that came can not be sent");
    const body changes = wire::tail_of(c);
    require(changes.size() + bulk.size() == tail.size(), "the tail of a command has another size");
    require(changes.empty() ? same(bulk, tail) : same(changes, tail), "a command has another tail");
    if (c.verb != verb::input)
        require(same(written([&](wire::writer& to) {
                         wire::put_frame(to, again, bulk.size());
                         to.bytes(bulk.data(), bulk.size());
                     }),
                     f.body),
                "a command that came is sent differently");
}

void check(const wire::frame_view& f) {
    const auto one = [&f]<class Frame>(const char*) {
        check_frame<Frame>(f.body, f.type == Frame::type);
    };
    wire::for_each_request(one);
    wire::for_each_reply(one);
    switch (f.type) {
    case wire::frame_type::event: return check_event(f);
    case wire::frame_type::memctx: return check_locator(f);
    case wire::frame_type::submit: return check_command(f);
    default: return;
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const body all = std::as_bytes(std::span{data, std::min(size, most_bytes)});
    body left = all;
    std::size_t taken = 0;
    wire::frame_view f;
    while (!left.empty() && wire::next_frame(left, f)) {
        require(f.body.data() == all.data() + taken + wire::header_bytes, "4: a frame overlaps");
        taken += wire::header_bytes + f.body.size();
        require(taken + left.size() == all.size(), "4: bytes are lost between frames");
        check(f);
    }
    return 0;
}
