// Rule: a block lives as long as its references, and an id outlived names nothing, though its
// block is used again.
#include <vmsig/base/block_pool.hpp>

#include <map>
#include <random>
#include <set>
#include <vector>

#include <support/catch.hpp>

#include <support/alloc_guard.hpp>

using namespace vmsig;

namespace {

using block_id = slot_id<struct test_block_tag>;
using pool = block_pool<block_id>;

} // namespace

TEST_CASE("a pool has as many blocks as it was given") {
    pool p{3, 64};
    CHECK(p.block_bytes() == 64);
    std::set<std::byte*> places;
    for (std::uint16_t n = 1; n <= 3; ++n) {
        const block_id id = p.allocate(64);
        REQUIRE(id);
        CHECK(p.bytes(id).size() == 64);
        places.insert(p.bytes(id).data());
        CHECK(p.in_use() == n);
    }
    CHECK(places.size() == 3);
    CHECK_FALSE(p.allocate(1));
    CHECK(p.in_use() == 3);
}

TEST_CASE("a pool of nothing has nothing") {
    pool p{0, 64};
    CHECK_FALSE(p.allocate(1));
}

TEST_CASE("too large is refused, smaller has its own size") {
    pool p{1, 64};
    CHECK_FALSE(p.allocate(65));
    CHECK(p.in_use() == 0);
    CHECK(p.bytes(p.allocate(5)).size() == 5);
}

TEST_CASE("a block is freed by its last reference") {
    pool p{1, 8};
    const block_id id = p.allocate(8);
    p.retain(id);
    p.release(id);
    CHECK(p.live(id));
    p.release(id);
    CHECK_FALSE(p.live(id));
    CHECK(p.in_use() == 0);
}

TEST_CASE("an id that was freed is not the next occupant's") {
    pool p{1, 8};
    const block_id old = p.allocate(8);
    p.release(old);
    const block_id fresh = p.allocate(8);
    REQUIRE(fresh);
    CHECK(fresh != old);
    CHECK(fresh.slot() == old.slot());
    p.release(old);
    p.retain(old);
    CHECK(p.live(fresh));
    CHECK_FALSE(p.live(old));
    CHECK(p.bytes(old).empty());
    p.release(fresh);
    CHECK_FALSE(p.live(fresh));
}

TEST_CASE("ids that were never given out name nothing") {
    pool p{2, 8};
    p.allocate(8);
    for (const block_id id : {block_id{}, block_id::make(1, 1), block_id::make(60'000, 1)}) {
        CHECK_FALSE(p.live(id));
        CHECK(p.bytes(id).empty());
        p.release(id);
    }
    CHECK(p.in_use() == 1);
}

TEST_CASE("random use agrees with a map of reference counts") {
    std::mt19937 random{1};
    pool p{16, 32};
    std::map<block_id, int> references;
    std::vector<block_id> ever;
    int wrong = 0;
    for (int step = 0; step < 20'000; ++step) {
        const block_id some = ever.empty() ? block_id{} : ever[random() % ever.size()];
        switch (random() % 3) {
        case 0: {
            const block_id id = p.allocate(1 + random() % 32);
            wrong += (references.size() < 16) != static_cast<bool>(id) ? 1 : 0;
            if (!id) break;
            wrong += references.contains(id) ? 1 : 0;
            references[id] = 1;
            ever.push_back(id);
            break;
        }
        case 1:
            p.retain(some);
            if (references.contains(some)) ++references[some];
            break;
        default:
            p.release(some);
            if (references.contains(some) && --references[some] == 0) references.erase(some);
        }
        wrong += p.live(some) != references.contains(some) ? 1 : 0;
        wrong += p.in_use() != references.size() ? 1 : 0;
        if (ever.size() > 64) ever.erase(ever.begin());
    }
    CHECK(wrong == 0);
}

TEST_CASE("a pool allocates at construction only") {
    pool p{4, 32};
    const auto count = test::allocations_in([&] {
        for (int round = 0; round < 10; ++round) p.release(p.allocate(32));
    });
    CHECK(count == 0);
}

TEST_CASE("a pool tells what lives in a place, and how many places are left") {
    const auto place_of = [](block_id id) { return static_cast<std::uint16_t>(id.slot()); };
    pool p{2, 8};
    CHECK(p.unused() == 2);
    CHECK_FALSE(p.in_slot(0));
    const block_id first = p.allocate(8);
    const block_id second = p.allocate(8);
    CHECK(p.unused() == 0);
    CHECK(p.in_slot(place_of(first)) == first);
    CHECK(p.in_slot(place_of(second)) == second);
    p.release(first);
    CHECK(p.unused() == 1);
    CHECK_FALSE(p.in_slot(place_of(first)));
    const block_id third = p.allocate(8);
    CHECK(p.in_slot(place_of(third)) == third);
    CHECK(third != first);
}
