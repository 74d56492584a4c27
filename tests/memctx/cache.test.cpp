// What a control is shown of a memctx only rises, an invalidation stands between epochs and none
// between versions, and nothing of an invalidated epoch is shown again (I3; faults 51, 74).
#include <vmsig/memctx/cache.hpp>

#include <algorithm>
#include <array>
#include <random>
#include <set>

#include <support/alloc_guard.hpp>
#include <support/catch.hpp>

using namespace vmsig;

namespace {
constexpr std::uint64_t far = ~std::uint64_t{0};
constexpr epoch_number e1{1};
constexpr epoch_number e2{2};

memctx_cache published(epoch_number epoch = e1) {
    memctx_cache cache;
    REQUIRE(cache.register_provider());
    REQUIRE(cache.publish(epoch, epoch, far));
    return cache;
}
} // namespace

TEST_CASE("memctx_cache: registering shows nothing, and a second provider is refused") {
    memctx_cache cache;
    CHECK(cache.state() == memctx_state::unregistered);
    CHECK(cache.register_provider());
    CHECK(cache.state() == memctx_state::registered);
    CHECK_FALSE(cache.valid());
    CHECK(cache.register_provider().error() == registration_error::already_registered);
    CHECK(cache.state() == memctx_state::registered);
}

TEST_CASE("memctx_cache: a publish without a provider is refused") {
    memctx_cache cache;
    CHECK(cache.publish(e1, e1, far).error() == publish_error::not_registered);
    CHECK(cache.drops() == 0);
}

TEST_CASE("memctx_cache: versions rise within an epoch and begin anew in the next") {
    memctx_cache cache = published();
    CHECK(cache.version() == version_number{1});
    CHECK(cache.publish(e1, e1, far).value() == version_number{2});
    CHECK(cache.publish(e1, e1, far).value() == version_number{3});
    CHECK(cache.invalidate(e1).was_valid);
    CHECK(cache.publish(e2, e2, far).value() == version_number{1});
    CHECK(cache.epoch() == e2);
}

TEST_CASE("memctx_cache: another epoch than the current one is dropped and counted") {
    memctx_cache cache = published(e2);
    CHECK(cache.publish(e1, e2, far).error() == publish_error::stale_epoch);
    CHECK(cache.publish(epoch_number{3}, e2, far).error() == publish_error::stale_epoch);
    CHECK(cache.drops() == 2);
    CHECK(cache.valid());
    CHECK(cache.version() == version_number{1});
}

TEST_CASE("memctx_cache: an invalidated epoch stays closed") {
    memctx_cache cache = published();
    (void)cache.invalidate(e1);
    CHECK(cache.state() == memctx_state::registered);
    CHECK(cache.closed(e1));
    CHECK(cache.publish(e1, e1, far).error() == publish_error::stale_epoch);
    CHECK_FALSE(cache.closed(e2));
}

TEST_CASE("memctx_cache: an invalidation goes to those who were given it, once") {
    memctx_cache cache = published();
    cache.give(3);
    cache.give(63);
    cache.give(3);
    cache.give(9);
    cache.revoke(9);
    const memctx_recall recall = cache.invalidate(e1);
    CHECK(recall.was_valid);
    CHECK(recall.given == (bit(3) | bit(63)));
    const memctx_recall again = cache.invalidate(e2);
    CHECK_FALSE(again.was_valid);
    CHECK(again.given == 0);
}

TEST_CASE("memctx_cache: unregistering recalls what was valid and closes its epoch") {
    memctx_cache cache = published();
    cache.give(1);
    const memctx_recall recall = cache.unregister();
    CHECK(recall.was_valid);
    CHECK(recall.given == bit(1));
    CHECK(cache.state() == memctx_state::unregistered);
    CHECK(cache.register_provider());
    CHECK(cache.closed(e1));
    CHECK_FALSE(cache.publish(e1, e1, far));
    CHECK(cache.publish(e2, e2, far).value() == version_number{1});
}

TEST_CASE("memctx_cache: a provider that showed nothing leaves its epoch open") {
    memctx_cache cache;
    REQUIRE(cache.register_provider());
    CHECK_FALSE(cache.unregister().was_valid);
    REQUIRE(cache.register_provider());
    CHECK(cache.publish(e1, e1, far));
    CHECK_FALSE(cache.closed(e2));
}

TEST_CASE("memctx_cache: descriptors are shared once per control and epoch") {
    memctx_cache cache = published();
    CHECK_FALSE(cache.took_fds(4));
    cache.mark_fds_taken(4);
    CHECK(cache.took_fds(4));
    CHECK_FALSE(cache.took_fds(5));
    REQUIRE(cache.publish(e1, e1, far));
    CHECK(cache.took_fds(4));
    cache.revoke(4);
    CHECK(cache.took_fds(4));
    cache.mark_fds_lost(4);
    CHECK_FALSE(cache.took_fds(4));
    cache.mark_fds_taken(4);
    (void)cache.invalidate(e1);
    CHECK_FALSE(cache.took_fds(4));
    REQUIRE(cache.publish(e2, e2, far));
    cache.mark_fds_taken(4);
    cache.give(4);
    cache.forget(4);
    CHECK_FALSE(cache.took_fds(4));
    CHECK(cache.given() == 0);
}

TEST_CASE("memctx_cache: at its limit the version refuses, and the last one stays valid") {
    memctx_cache cache = published();
    while (cache.version().value < 7) REQUIRE(cache.publish(e1, e1, 7));
    CHECK(cache.publish(e1, e1, 7).error() == publish_error::exhausted);
    CHECK(cache.valid());
    CHECK(cache.version() == version_number{7});
    (void)cache.invalidate(e1);
    CHECK(cache.publish(e2, e2, 7));
}

namespace {

/// A cache, what three controls saw of it, and the naive model of what they should.
struct simulation {
    static constexpr unsigned controls = 3;
    struct view {
        epoch_number epoch; ///< of the last memctx seen
        version_number version;
        epoch_number invalidated; ///< by the last invalidation seen
        bool holds = false;
    };

    memctx_cache cache;
    epoch_number current{1};
    std::array<view, controls> seen{};
    std::set<unsigned> model_given;
    std::set<unsigned> model_fds;
    bool registered = false;
    bool valid = false;
    std::uint64_t drops = 0;
    std::uint64_t wrong = 0;
    std::uint64_t shown = 0;

    void show(unsigned c) { // I3, as the control checks it
        view& v = seen[c];
        const epoch_number e = cache.epoch();
        wrong += e <= v.invalidated;
        wrong += e < v.epoch || (e == v.epoch && cache.version() <= v.version && !v.holds);
        wrong += e > v.epoch && v.holds;
        v = {e, cache.version(), v.invalidated, true};
        ++shown;
        cache.give(c);
        model_given.insert(c);
    }
    void recall(const memctx_recall& r, epoch_number last) {
        wrong += r.was_valid != valid;
        for (unsigned c = 0; c < controls; ++c) {
            wrong += has_bit(r.given, c) != (model_given.count(c) != 0);
            if (has_bit(r.given, c)) seen[c].invalidated = last, seen[c].holds = false;
        }
        model_given.clear();
        model_fds.clear();
        valid = false;
    }
    void publish(epoch_number of) {
        const bool was_closed = cache.closed(current);
        const auto version = cache.publish(of, current, far);
        wrong += version.has_value() != (registered && of == current && !was_closed);
        drops += registered && !version.has_value();
        if (!version) return;
        valid = true;
        for (unsigned c = 0; c < controls; ++c)
            if (model_given.count(c) != 0) show(c);
    }
    void step(std::mt19937_64& dice) {
        const auto c = static_cast<unsigned>(dice() % controls);
        switch (dice() % 9) {
        case 0:
            wrong += cache.register_provider().has_value() == registered;
            registered = true;
            break;
        case 1:
            if (dice() % 4 != 0) break;
            recall(cache.unregister(), current);
            registered = false;
            break;
        case 2:
            recall(cache.invalidate(current), current);
            ++current.value;
            break;
        case 3: publish({current.value - dice() % 2}); break;
        case 4: publish(current); break;
        case 5:
            if (!valid) break;
            wrong += cache.took_fds(c) != (model_fds.count(c) != 0);
            cache.mark_fds_taken(c);
            model_fds.insert(c);
            break;
        case 6:
            cache.forget(c);
            model_given.erase(c);
            model_fds.erase(c);
            seen[c] = {};
            break;
        default:
            if (valid && model_given.count(c) == 0) show(c); // replay
        }
        wrong += cache.valid() != valid || cache.drops() != drops;
    }
};

} // namespace

TEST_CASE("memctx_cache: against a model, no control ever sees an old memctx") {
    std::mt19937_64 dice{3};
    simulation s;
    for (int n = 0; n < 100000; ++n) s.step(dice);
    CHECK(s.wrong == 0);
    CHECK(s.shown > 1000);
    CHECK(s.drops > 100);
}

TEST_CASE("memctx_cache: allocates nothing") {
    memctx_cache cache = published();
    const auto allocations = vmsig::test::allocations_in([&] {
        cache.give(1);
        (void)cache.publish(e1, e1, far);
        (void)cache.invalidate(e1);
        (void)cache.unregister();
    });
    CHECK(allocations == 0);
}
