// Without room in its share a control is refused, and nobody else; what was reserved is never lost;
// draining gives room back (R11, fault 72).
#include <vmsig/audit/fail_closed_sink.hpp>

#include <array>
#include <memory>
#include <random>
#include <vector>

#include <support/alloc_guard.hpp>
#include <support/catch.hpp>

using namespace vmsig;

namespace {

using small_sink = fail_closed_sink<64 * 4 + 3, 4>;

audit_record from(unsigned share, std::uint64_t number = 0) {
    audit_record r;
    r.number = number;
    if (share < audit_control_shares) r.origin = origin_id::make(share, 1);
    return r;
}

std::vector<std::uint64_t> drained(small_sink& sink, std::size_t most = ~std::size_t{0}) {
    std::vector<std::uint64_t> numbers;
    sink.drain([&](const audit_record& r) { numbers.push_back(r.number); }, most);
    return numbers;
}

} // namespace

TEST_CASE("fail_closed_sink: whoever exhausts its share is refused alone") {
    small_sink sink;
    CHECK(sink.reserve(7, 2));
    CHECK(sink.reserve(7, 2));
    CHECK_FALSE(sink.reserve(7, 1));
    CHECK_FALSE(sink.write(from(7), audit_room::free));
    for (unsigned share = 0; share < audit_share_count; ++share)
        if (share != 7) CHECK(sink.reserve(share, share == audit_host_share ? 3 : 4));
    CHECK(sink.size() == 0);
}

TEST_CASE("fail_closed_sink: a reservation is all or nothing") {
    small_sink sink;
    CHECK_FALSE(sink.reserve(0, 5));
    CHECK_FALSE(sink.reserve(0, ~0u));
    CHECK(sink.room(0) == 4);
    CHECK_FALSE(sink.reserve(audit_share_count, 1));
    CHECK_FALSE(sink.reserve(~0u, 1));
}

TEST_CASE("fail_closed_sink: a share is in use until its records are drained") {
    small_sink sink;
    REQUIRE(sink.reserve(1, 2));
    REQUIRE(sink.write(from(1, 1), audit_room::reserved));
    REQUIRE(sink.write(from(1, 2), audit_room::reserved));
    CHECK(sink.room(1) == 2);
    REQUIRE(sink.write(from(1, 3), audit_room::free));
    REQUIRE(sink.write(from(1, 4), audit_room::free));
    CHECK_FALSE(sink.reserve(1, 1));
    CHECK(drained(sink, 1) == std::vector<std::uint64_t>{1});
    CHECK(sink.reserve(1, 1));
    sink.refund(1, 1);
    CHECK(drained(sink) == std::vector<std::uint64_t>{2, 3, 4});
    CHECK(sink.room(1) == 4);
    CHECK(drained(sink).empty());
}

TEST_CASE("fail_closed_sink: what draining causes to be written is drained too") {
    small_sink sink;
    REQUIRE(sink.write(from(2, 1), audit_room::free));
    std::vector<std::uint64_t> seen;
    sink.drain([&](const audit_record& r) {
        seen.push_back(r.number);
        if (r.number < 50) REQUIRE(sink.write(from(2, r.number + 1), audit_room::free));
    });
    CHECK(seen.size() == 50);
    CHECK(sink.size() == 0);
}

TEST_CASE("fail_closed_sink: against a reference, nothing reserved is lost or out of order") {
    std::mt19937_64 dice{72};
    small_sink sink;
    constexpr std::array<unsigned, 4> shares{0, 1, 63, audit_host_share};
    std::array<std::size_t, 4> reserved{};
    std::array<std::size_t, 4> queued{};
    std::uint64_t written = 0;
    std::uint64_t read = 0;
    std::uint64_t wrong = 0;
    const auto step = [&] {
        const std::size_t i = dice() % 4;
        const unsigned share = shares[i];
        const std::size_t all = share == audit_host_share ? small_sink::host_share : 4;
        const std::size_t room = all - reserved[i] - queued[i];
        switch (dice() % 5) {
        case 0:
            wrong += sink.reserve(share, 2) != (room >= 2);
            reserved[i] += room >= 2 ? 2 : 0;
            break;
        case 1:
            if (reserved[i] == 0) break;
            wrong += !sink.write(from(share, ++written), audit_room::reserved);
            --reserved[i], ++queued[i];
            break;
        case 2:
            wrong += sink.write(from(share, written + 1), audit_room::free) != (room > 0);
            if (room > 0) ++queued[i], ++written;
            break;
        case 3:
            if (reserved[i] > 0) sink.refund(share, 1), --reserved[i];
            break;
        default:
            sink.drain(
                [&](const audit_record& r) {
                    wrong += r.number != ++read;
                    for (std::size_t j = 0; j < 4; ++j)
                        queued[j] -= audit_share_of(r.origin) == shares[j];
                },
                dice() % 4);
        }
        wrong += sink.size() != written - read;
        wrong += sink.room(share) != all - reserved[i] - queued[i];
    };
    const auto allocations = vmsig::test::allocations_in([&] {
        for (int n = 0; n < 50000; ++n) step();
    });
    CHECK(wrong == 0);
    CHECK(allocations == 0);
    CHECK(read > 5000);
}

TEST_CASE("fail_closed_sink: the default leaves the host a share too") {
    const auto sink = std::make_unique<fail_closed_sink<>>();
    CHECK(sink->room(0) == 48);
    CHECK(sink->room(audit_host_share) == 4096 - 64 * 48);
}
