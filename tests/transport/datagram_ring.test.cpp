// Datagrams come out of the ring whole, in order, once each, and never more than it has room for.
#include <vmsig/transport/datagram_ring.hpp>

#include <array>
#include <thread>

#include <support/alloc_guard.hpp>
#include <support/catch.hpp>

using namespace vmsig;

namespace {

/// Filled with bytes that depend on number and place.
void write_numbered(std::span<std::byte> to, std::size_t size, std::uint32_t number) {
    for (std::size_t n = 0; n < size; ++n) to[n] = static_cast<std::byte>(number * 31 + n);
}
bool is_numbered(std::span<const std::byte> got, std::size_t size, std::uint32_t number) {
    if (got.size() != size) return false;
    for (std::size_t n = 0; n < size; ++n)
        if (got[n] != static_cast<std::byte>(number * 31 + n)) return false;
    return true;
}
std::size_t size_of_number(std::uint32_t number) {
    constexpr std::array<std::size_t, 7> sizes{1, 7, 8, 500, 4099, 13, datagram_ring::largest};
    return sizes[number % sizes.size()];
}

} // namespace

TEST_CASE("datagram_ring: what goes in comes out, whole, in order, with its mark") {
    datagram_ring ring;
    CHECK(ring.empty());
    CHECK(ring.front().bytes.empty());
    std::uint32_t in = 0, out = 0;
    bool was_full = false;
    std::uint64_t allocated = 0;
    // Between almost empty and full, so that every place of the ring is an end and a start.
    for (int round = 0; round < 3000; ++round) {
        for (unsigned burst = 0; burst < 1u + static_cast<unsigned>(round) % 5; ++burst) {
            const std::span<std::byte> place = ring.reserve();
            was_full = was_full || place.empty();
            if (place.empty()) break;
            REQUIRE(place.size() == datagram_ring::largest);
            const std::size_t size = size_of_number(in);
            write_numbered(place, size, in);
            allocated += test::allocations_in([&] { ring.publish(size, in); });
            ++in;
        }
        for (unsigned burst = 0; burst < 1u + static_cast<unsigned>(round) % 4 && out != in;
             ++burst) {
            const auto next = ring.front();
            REQUIRE(is_numbered(next.bytes, size_of_number(out), out));
            CHECK(next.mark == out);
            ring.pop();
            ++out;
        }
    }
    for (; out != in; ++out) {
        REQUIRE(is_numbered(ring.front().bytes, size_of_number(out), out));
        ring.pop();
    }
    CHECK(ring.empty());
    CHECK(was_full);
    CHECK(allocated == 0);
    CHECK(in > 3000);
}

TEST_CASE("datagram_ring: a full one has room again when the oldest is gone") {
    datagram_ring ring;
    unsigned count = 0;
    for (; !ring.reserve().empty(); ++count) ring.publish(datagram_ring::largest);
    CHECK(count >= 2);
    ring.front();
    ring.pop();
    while (ring.reserve().empty() && !ring.empty()) {
        ring.front();
        ring.pop();
    }
    CHECK_FALSE(ring.reserve().empty());
}

TEST_CASE("datagram_ring: between two threads nothing is torn, lost or seen twice") {
    datagram_ring ring;
    constexpr std::uint32_t total = 20'000;
    std::thread writer{[&ring] {
        for (std::uint32_t n = 0; n < total;) {
            const std::span<std::byte> place = ring.reserve();
            if (place.empty()) {
                std::this_thread::yield();
                continue;
            }
            const std::size_t size = 1 + n % 300;
            write_numbered(place, size, n);
            ring.publish(size, n++);
        }
    }};
    std::uint32_t good = 0;
    for (std::uint32_t n = 0; n < total;) {
        const auto next = ring.front();
        if (next.bytes.empty()) {
            std::this_thread::yield();
            continue;
        }
        good += is_numbered(next.bytes, 1 + n % 300, n) && next.mark == n ? 1u : 0u;
        ring.pop();
        ++n;
    }
    writer.join();
    CHECK(good == total);
    CHECK(ring.empty());
}
