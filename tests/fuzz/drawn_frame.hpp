// drawn_frame: frames made of an input: every field takes values that may mean something where it
// stands, now and then any. What a reader would refuse of itself (reserved bytes, enumerators that
// do not exist) is left to the harness of the codec.
#pragma once

#include "harness.hpp"

#include <array>
#include <limits>
#include <vector>

#include <vmsig/transport/catalogue.hpp>

namespace vmsig::fuzz {

/// What a peer has heard, for its next words.
struct heard {
    std::array<endpoint_id, 4> handles{};
    std::array<serial_number, 4> serials{};
    std::array<correlation_id, 8> commands{};
    std::array<wait_id, 4> waits{};
    epoch_number epoch;
    instant now;
    std::uint32_t request = 0;
};

class drawer {
public:
    drawer(bytes& from, const heard& h)
        : from_{from}
        , heard_{h} {}

    template <class Frame>
    Frame frame() {
        Frame f;
        wire::layout<Frame>::fields([&](std::string_view name, auto m, auto) {
            if (name != "request") draw(f.*m);
        });
        return f;
    }

    void draw(bool& v) { v = (from_.byte() & 1) != 0; }
    void draw(endpoint_id& v) { v = one_of(heard_.handles); }
    void draw(serial_number& v) { v = one_of(heard_.serials); }
    void draw(correlation_id& v) { v = one_of(heard_.commands); }
    void draw(wait_id& v) { v = one_of(heard_.waits); }
    void draw(epoch_number& v) {
        const unsigned pick = from_.byte() % 8;
        v.value = pick == 7 ? from_.take<std::uint64_t>() : heard_.epoch.value;
        if (pick == 6) v.value -= 1;
        if (pick == 5) v = {};
    }
    void draw(duration& v) { v.ns = time(0); }
    void draw(instant& v) { v.ns = time(heard_.now.ns); }
    void draw(wire::text<wire::name_bytes>& v) {
        static constexpr std::string_view names[] = {"build-7", "db-1", "", "no", "build-7 "};
        names[from_.byte() % std::size(names)].copy(v.data(), v.size() - 1);
    }
    template <class T>
    void draw(T& v) {
        if constexpr (std::is_enum_v<T>) {
            const auto last = static_cast<unsigned>(wire::last_of<T>);
            v = static_cast<T>(from_.byte() % (last + 1));
        } else if constexpr (std::is_integral_v<T>) {
            const unsigned pick = from_.byte();
            v = pick < 200 ? static_cast<T>(pick) : from_.take<T>();
        } else if constexpr (wire::detail::worded<T>) {
            wire::detail::word(v) = from_.take<std::uint64_t>();
        }
    }
    // What a hello must say to be one.
    void draw(wire::hello& h) {
        h = {};
        const std::uint8_t pick = from_.byte();
        if (pick % 8 == 1) h.oldest = static_cast<std::uint16_t>(pick / 8);
        if (pick % 8 == 2) h.newest = static_cast<std::uint16_t>(pick / 8);
        if (pick % 8 == 3) h.byte_order = __builtin_bswap32(h.byte_order);
        if (pick % 8 == 4) h.magic ^= pick;
    }
    void draw(wire::submit& s) {
        s = frame<wire::submit>();
        s.options &= wire::all_submit_options;
    }

    unsigned below(unsigned n) { return from_.byte() % n; }
    std::vector<std::byte> some(std::size_t most) {
        std::vector<std::byte> v(from_.byte() % (most + 1));
        for (std::byte& b : v) b = std::byte{from_.byte()};
        return v;
    }

private:
    template <class T, std::size_t N>
    T one_of(const std::array<T, N>& known) {
        const unsigned pick = from_.byte() % 32;
        if (pick == 31) return T{from_.take<std::uint64_t>()};
        return pick == 30 ? T{} : known[pick % N];
    }
    std::int64_t time(std::int64_t base) {
        using limits = std::numeric_limits<std::int64_t>;
        const unsigned pick = from_.byte();
        switch (pick % 8) {
        case 0: return from_.take<std::int64_t>();
        case 1: return limits::max() - pick / 8;
        case 2: return limits::min() + pick / 8;
        case 3: return -1;
        case 4: return base + std::int64_t{pick} * 1'000'000;
        case 5: return pick;
        default: return 0;
        }
    }

    bytes& from_;
    const heard& heard_;
};

} // namespace vmsig::fuzz
