// The ring keeps the last N records and never refuses.
#include <vmsig/audit/ring_sink.hpp>

#include <vector>

#include <support/catch.hpp>

using namespace vmsig;

namespace {

audit_record numbered(std::uint64_t n) {
    audit_record r;
    r.number = n;
    return r;
}

template <std::size_t N>
std::vector<std::uint64_t> last(const ring_sink<N>& ring, std::size_t n) {
    std::vector<std::uint64_t> numbers;
    ring.for_each_last(n, [&](const audit_record& r) { numbers.push_back(r.number); });
    return numbers;
}

} // namespace

TEST_CASE("ring_sink: keeps the last N, oldest first") {
    ring_sink<4> ring;
    CHECK(last(ring, 4).empty());
    for (std::uint64_t n = 1; n <= 3; ++n) REQUIRE(ring.write(numbered(n), audit_room::free));
    CHECK(last(ring, 99) == std::vector<std::uint64_t>{1, 2, 3});
    CHECK(last(ring, 2) == std::vector<std::uint64_t>{2, 3});
    for (std::uint64_t n = 4; n <= 10; ++n) REQUIRE(ring.write(numbered(n), audit_room::reserved));
    CHECK(ring.count() == 10);
    CHECK(last(ring, 99) == std::vector<std::uint64_t>{7, 8, 9, 10});
    CHECK(last(ring, 1) == std::vector<std::uint64_t>{10});
    CHECK(last(ring, 0).empty());
}

TEST_CASE("ring_sink: never refuses") {
    ring_sink<1> ring;
    for (int i = 0; i < 100; ++i) {
        REQUIRE(ring.reserve(audit_host_share, ~0u));
        REQUIRE(ring.write(numbered(1), audit_room::free));
    }
    ring.refund(0, 2);
    CHECK(last(ring, 1).size() == 1);
}

TEST_CASE("ring_sink: the default keeps 4096") {
    ring_sink<> ring;
    for (std::uint64_t n = 1; n <= 4097; ++n) REQUIRE(ring.write(numbered(n), audit_room::free));
    std::uint64_t first = 0;
    std::size_t kept = 0;
    ring.for_each_last(10'000, [&](const audit_record& r) {
        if (kept++ == 0) first = r.number;
    });
    CHECK(kept == default_audit_ring_records);
    CHECK(kept == 4096);
    CHECK(first == 2);
}

TEST_CASE("ring_sink: what is written while it is read pushes out the oldest, which are not read") {
    ring_sink<4> ring;
    for (std::uint64_t n = 1; n <= 4; ++n) REQUIRE(ring.write(numbered(n), audit_room::free));
    std::vector<std::uint64_t> read;
    ring.for_each_last(4, [&](const audit_record& r) {
        read.push_back(r.number);
        if (read.size() == 1) // two more than there is room for
            for (std::uint64_t n = 5; n <= 6; ++n)
                REQUIRE(ring.write(numbered(n), audit_room::free));
    });
    CHECK(read == std::vector<std::uint64_t>{1, 3, 4}); // 2 is gone, 5 and 6 came later
}
