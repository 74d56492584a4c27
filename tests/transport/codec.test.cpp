// Wire format: fixed little-endian layouts; what can not be is refused, never guessed at.
#include <vmsig/transport/codec.hpp>

#include <vmsig/transport/frame.hpp>
#include <vmsig/transport/replies.hpp>
#include <vmsig/transport/requests.hpp>
#include <vmsig/transport/stream.hpp>

#include <support/catch.hpp>

#include <string>
#include <vector>

using namespace vmsig;

namespace {

template <class T>
std::vector<std::byte> bytes_of(const T& value) {
    std::vector<std::byte> out(wire::size_of<T>());
    wire::writer to{out};
    wire::put(to, value);
    CHECK(to.size() == out.size());
    return out;
}
template <class T>
bool reads(std::span<const std::byte> from, T& into) {
    wire::reader r{from};
    return wire::get(r, into) && r.left().empty();
}

std::string hex(std::span<const std::byte> bytes) {
    static constexpr const char* digits = "0123456789abcdef";
    std::string out;
    for (const std::byte b : bytes) {
        out += digits[std::to_integer<unsigned>(b) >> 4];
        out += digits[std::to_integer<unsigned>(b) & 15];
    }
    return out;
}

} // namespace

TEST_CASE("codec: a frame is its fields, little-endian, without padding") {
    wire::cancel c;
    c.request = 0x0a0b0c0d;
    c.correlation = {0x1122334455667788};
    CHECK(hex(bytes_of(c)) == "0d0c0b0a000000008877665544332211");
    const auto hello = bytes_of(wire::hello{});
    CHECK(hex(std::span{hello}.first(16)) == "0d0a00766d7369670102030401000100");
}

TEST_CASE("codec: what was put is what is got") {
    wire::acquire q;
    q.request = 7;
    q.lease_class = lease_class::memwrite;
    q.wait = true;
    q.endpoint = endpoint_id::make(3, 9);
    q.wait_for = milliseconds(5);
    q.time_to_live = seconds(2);
    std::string_view{"build"}.copy(q.reason.data(), 5);
    wire::acquire back;
    REQUIRE(reads(bytes_of(q), back));
    CHECK(back.request == 7);
    CHECK(back.lease_class == lease_class::memwrite);
    CHECK(back.wait);
    CHECK(back.endpoint == q.endpoint);
    CHECK(back.wait_for == q.wait_for);
    CHECK(back.time_to_live == q.time_to_live);
    CHECK(wire::text_of(back.reason) == "build");
}

TEST_CASE("codec: each prefix of a frame is refused") {
    const auto whole = bytes_of(wire::submit{});
    for (std::size_t n = 0; n < whole.size(); ++n) {
        wire::submit s;
        CHECK_FALSE(reads(std::span{whole}.first(n), s));
    }
}

TEST_CASE("codec: an enumerator that does not exist, a bool beyond 1, reserved bytes: refused") {
    wire::acquire q;
    auto bytes = bytes_of(q);
    CHECK(reads(bytes, q));
    bytes[4] = std::byte{3}; // lease classes end at 2
    CHECK_FALSE(reads(bytes, q));
    bytes[4] = std::byte{0};
    bytes[5] = std::byte{2}; // wait
    CHECK_FALSE(reads(bytes, q));
    bytes[5] = std::byte{1};
    bytes[6] = std::byte{1}; // reserved
    CHECK_FALSE(reads(bytes, q));
    bytes[6] = std::byte{0};
    CHECK(reads(bytes, q));
    bytes.back() = std::byte{'x'}; // text must end with a NUL
    CHECK_FALSE(reads(bytes, q));
}

TEST_CASE("frame: lengths that can not be, at every boundary, are refused") {
    std::vector<std::byte> datagram(wire::frame_bytes<wire::cancel>());
    wire::writer to{datagram};
    wire::put_frame(to, wire::cancel{});
    wire::frame_view f;
    std::span<const std::byte> rest{datagram};
    REQUIRE(wire::next_frame(rest, f));
    CHECK(rest.empty());
    CHECK(f.type == wire::frame_type::cancel);

    std::vector<std::uint64_t> lengths{0, 1, 7, datagram.size() + 1};
    for (unsigned k = 3; k < 32; ++k)
        for (const std::uint64_t n : {(1ull << k) - 1, 1ull << k, (1ull << k) + 1})
            if (n != datagram.size()) lengths.push_back(n);
    for (const std::uint64_t length : lengths) {
        const auto declared = static_cast<std::uint32_t>(length);
        std::memcpy(datagram.data(), &declared, sizeof declared);
        std::span<const std::byte> all{datagram};
        // Shorter than the datagram is the first of several frames, if it can be a frame at all.
        const bool possible = length >= wire::header_bytes && length <= datagram.size();
        CHECK(wire::next_frame(all, f) == possible);
    }
}

TEST_CASE("frame: bytes behind the last field are refused unless the type has a tail") {
    std::vector<std::byte> datagram(wire::frame_bytes<wire::cancel>(1));
    wire::writer to{datagram};
    wire::put_frame(to, wire::cancel{}, 1);
    wire::frame_view f;
    std::span<const std::byte> rest{datagram};
    REQUIRE(wire::next_frame(rest, f));
    wire::cancel c;
    std::span<const std::byte> tail;
    CHECK_FALSE(wire::parse(f, c, tail));

    std::vector<std::byte> longer(wire::frame_bytes<wire::submit>(3));
    wire::writer to_longer{longer};
    wire::put_frame(to_longer, wire::submit{}, 3);
    rest = longer;
    REQUIRE(wire::next_frame(rest, f));
    wire::submit s;
    REQUIRE(wire::parse(f, s, tail));
    CHECK(tail.size() == 3);
}

TEST_CASE("frame: an unknown flag is refused, the optional one is told") {
    std::vector<std::byte> datagram(wire::frame_bytes<wire::bye>());
    wire::writer to{datagram};
    wire::put_frame(to, wire::bye{});
    for (unsigned bit = 0; bit < 16; ++bit) {
        const auto flags = static_cast<std::uint16_t>(1u << bit);
        std::memcpy(datagram.data() + 6, &flags, sizeof flags);
        std::span<const std::byte> rest{datagram};
        wire::frame_view f;
        CHECK(wire::next_frame(rest, f) == (bit == 0));
        if (bit == 0) CHECK(f.optional);
    }
}
