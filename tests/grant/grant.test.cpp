// A grant permits exactly what the host said, per right, endpoint and source; narrowing never
// enlarges it (I5; faults 58 and 59).
#include <vmsig/grant/grant.hpp>

#include <array>
#include <random>

#include <support/alloc_guard.hpp>
#include <support/catch.hpp>

using namespace vmsig;

namespace {

constexpr endpoint_id vm = endpoint_id::make(0, 1);
constexpr endpoint_id vm2 = endpoint_id::make(1, 1);
constexpr endpoint_id later_vm = endpoint_id::make(0, 2);

using dice = std::mt19937_64;
unsigned below(dice& d, unsigned n) { return static_cast<unsigned>(d() % n); }

/// Two generations in each of three slots, and one that no test names: "to come".
constexpr std::array ids{endpoint_id::make(0, 1),  endpoint_id::make(0, 2),
                         endpoint_id::make(5, 1),  endpoint_id::make(5, 2),
                         endpoint_id::make(63, 1), endpoint_id::make(63, 7),
                         endpoint_id::make(9, 1)};
constexpr unsigned nameable = ids.size() - 1;

/// The reference: what was said, looked up without masks or slots.
struct predicate {
    std::array<std::array<bool, ids.size()>, right_count> allowed{};
    std::array<bool, right_count> everywhere{};
    std::array<bool, ids.size()> named{};
    vmsig::sources seen = vmsig::sources::all();

    void name(unsigned i) {
        for (unsigned j = 0; j < ids.size(); ++j) {
            if (ids[j].slot() != ids[i].slot()) continue;
            if (named[j] && ids[j] > ids[i]) return; // that machine is gone for good
        }
        for (unsigned j = 0; j < ids.size(); ++j) {
            if (j == i || ids[j].slot() != ids[i].slot()) continue;
            forget(j);
        }
        named[i] = true;
    }
    void forget(unsigned i) {
        named[i] = false;
        for (auto& endpoints : allowed) endpoints[i] = false;
    }
    bool permits(unsigned r, unsigned i, unsigned s) const {
        return has_bit(seen.bits, s) && (everywhere[r] || allowed[r][i]);
    }
    /// No newer machine is known in the slot of this one.
    bool newest(unsigned i) const {
        for (unsigned j = 0; j < ids.size(); ++j)
            if (named[j] && ids[j].slot() == ids[i].slot() && ids[j] > ids[i]) return false;
        return true;
    }
};

struct both {
    grant value;
    predicate reference;
};

/// A grant said in a few random sentences, and the reference told the same.
both random_grant(dice& d) {
    both g;
    for (unsigned sentence = below(d, 6); sentence > 0; --sentence) {
        std::array<bool, ids.size()> selection{};
        bool every = false;
        for (unsigned words = below(d, 4); words > 0; --words) {
            const unsigned i = below(d, nameable);
            if (below(d, 8) == 0) {
                every = true;
                g.value.on_every();
            } else {
                g.reference.name(i);
                selection[i] = true;
                g.value.on(ids[i]);
            }
        }
        // A sentence without `on` goes on with the selection before it: not said here.
        if (!every && selection == std::array<bool, ids.size()>{}) continue;
        const std::uint64_t wanted = d() & (bit(right_count) - 1);
        g.value.allow(rights::of_bits(wanted));
        for_each_bit(wanted, [&](unsigned r) {
            if (every) g.reference.everywhere[r] = true;
            for (unsigned i = 0; i < ids.size(); ++i)
                if (selection[i] && g.reference.named[i]) g.reference.allowed[r][i] = true;
        });
    }
    if (below(d, 2) == 0) {
        g.reference.seen = sources::of_bits(d());
        g.value.sources(g.reference.seen);
    }
    g.value.rank(below(d, 3)).highest_lane(static_cast<lane>(below(d, lane_count)));
    g.value.pending(below(d, 3)).pinned(below(d, 3)).waiters(below(d, 3)).timers(below(d, 3));
    return g;
}

/// Calls `f(right, endpoint, source)` for all of them.
template <class F>
void for_all(F&& f) {
    for (unsigned r = 0; r < right_count; ++r)
        for (unsigned i = 0; i < ids.size(); ++i)
            for (unsigned s = 0; s < max_sources; ++s) f(r, i, s);
}

bool permits(const grant& g, unsigned r, unsigned i, unsigned s) {
    return g.permits(static_cast<right>(r), ids[i], static_cast<source>(s));
}

bool scalars_within(const grant& g, const grant& ceiling) {
    return g.rank_value() <= ceiling.rank_value() &&
           g.highest_lane_value() >= ceiling.highest_lane_value() &&
           ceiling.sources_value().contains(g.sources_value()) &&
           ceiling.quotas_value().contains(g.quotas_value());
}

} // namespace

TEST_CASE("grant: empty by default") {
    const grant nothing;
    CHECK_FALSE(nothing.rights_on(vm).any());
    CHECK(nothing.rank_value() == 0);
    CHECK(nothing.highest_lane_value() == lane::high);
    CHECK(nothing.sources_value() == sources::all());
    CHECK(nothing.quotas_value() == quotas{});
}

TEST_CASE("grant: chaining says what it reads like") {
    const grant g = grant{}
                        .on(vm)
                        .on(vm2)
                        .allow(right::observe | right::input)
                        .on(vm2)
                        .allow(right::power)
                        .rank(10)
                        .highest_lane(lane::normal)
                        .sources(source::lifecycle | source::input)
                        .pending(2)
                        .pinned(3)
                        .waiters(4)
                        .timers(5);
    CHECK(g.rights_on(vm) == (right::observe | right::input));
    CHECK(g.rights_on(vm2) == (right::observe | right::input | right::power));
    CHECK(g.permits(right::observe, vm, source::input));
    CHECK_FALSE(g.permits(right::observe, vm, source::console));
    CHECK(g.rank_value() == 10);
    CHECK(g.clamp(lane::safety) == lane::normal);
    CHECK(g.clamp(lane::bulk) == lane::bulk);
    CHECK(g.quotas_value()[resource::pending] == 2);
    CHECK(g.quotas_value()[resource::pinned] == 3);
    CHECK(g.quotas_value()[resource::waiter] == 4);
    CHECK(g.quotas_value()[resource::timer] == 5);
}

TEST_CASE("grant: several allows add up on one selection") {
    const grant g = grant{}.on(vm).allow(right::observe).allow(right::power);
    CHECK(g.rights_on(vm) == (right::observe | right::power));
}

TEST_CASE("grant: allow with nothing selected allows nothing") {
    const grant g = grant{}.allow(rights::all());
    for (const endpoint_id id : ids) CHECK_FALSE(g.rights_on(id).any());
}

TEST_CASE("grant: on_every reaches endpoints to come, and never nobody") {
    const grant g = grant{}.on_every().allow(rights::all());
    for (const endpoint_id id : ids) CHECK(g.rights_on(id).bits == bit(right_count) - 1);
    CHECK_FALSE(g.rights_on({}).any());
    for (unsigned r = 0; r < right_count; ++r) CHECK_FALSE(g.permits(static_cast<right>(r), {}));
}

TEST_CASE("grant: the successor in a slot starts without any right") {
    grant g = grant{}.on(vm).allow(right::power);
    CHECK_FALSE(g.rights_on(later_vm).any());
    g.on(later_vm);
    CHECK_FALSE(g.rights_on(later_vm).any());
    g.allow(right::observe);
    CHECK(g.rights_on(later_vm) == rights{right::observe});
    CHECK_FALSE(g.rights_on(vm).any());
}

TEST_CASE("grant: naming a machine that is gone changes nothing for its successor") {
    const grant g = grant{}.on(later_vm).allow(right::observe).on(vm).allow(right::power);
    CHECK(g.rights_on(later_vm) == rights{right::observe});
    CHECK_FALSE(g.rights_on(vm).any());
}

TEST_CASE("grant: a removed endpoint is forgotten, another generation is not") {
    grant g = grant{}.on(later_vm).on(vm2).allow(right::observe);
    g.forget(vm);
    CHECK(g.rights_on(later_vm).any());
    g.forget(later_vm);
    g.allow(right::input); // the selection has forgotten it too
    CHECK_FALSE(g.rights_on(later_vm).any());
    CHECK(g.rights_on(vm2) == (right::observe | right::input));
}

TEST_CASE("grant: agrees with the reference for every right, endpoint and source") {
    dice d{59};
    for (int round = 0; round < 400; ++round) {
        both g = random_grant(d);
        if (below(d, 3) == 0) {
            const unsigned i = below(d, nameable);
            g.value.forget(ids[i]);
            g.reference.forget(i);
        }
        unsigned wrong = 0;
        for_all([&](unsigned r, unsigned i, unsigned s) {
            wrong += permits(g.value, r, i, s) != g.reference.permits(r, i, s);
        });
        REQUIRE(wrong == 0);
    }
}

TEST_CASE("grant: narrowing keeps what both allow, and nothing else") {
    dice d{5};
    for (int round = 0; round < 400; ++round) {
        const both a = random_grant(d);
        const both b = random_grant(d);
        grant narrowed = a.value;
        narrowed.intersect(b.value);
        unsigned enlarged = 0;
        unsigned lost = 0;
        for_all([&](unsigned r, unsigned i, unsigned s) {
            const bool allowed = a.reference.permits(r, i, s) && b.reference.permits(r, i, s);
            const bool alive = a.reference.newest(i) && b.reference.newest(i);
            enlarged += permits(narrowed, r, i, s) && !allowed;
            lost += alive && allowed && !permits(narrowed, r, i, s);
        });
        REQUIRE(enlarged == 0);
        REQUIRE(lost == 0);
        REQUIRE(a.value.covers(narrowed));
        REQUIRE(b.value.covers(narrowed));
        REQUIRE(scalars_within(narrowed, a.value));
        REQUIRE(scalars_within(narrowed, b.value));
        narrowed.allow(rights::all()); // it selects nothing
        REQUIRE(a.value.covers(narrowed));
    }
}

TEST_CASE("grant: covers means nowhere beyond") {
    dice d{7};
    unsigned covered = 0;
    for (int round = 0; round < 3000; ++round) {
        both a = random_grant(d);
        both b = random_grant(d);
        if (below(d, 2) == 0) { // else hardly any pair is comparable
            a.value.rank(9).highest_lane(lane::safety).sources(sources::all());
            a.value.pending(9).pinned(9).waiters(9).timers(9);
            a.reference.seen = sources::all();
        }
        bool within = scalars_within(b.value, a.value);
        for (unsigned r = 0; r < right_count; ++r)
            for (unsigned i = 0; i < ids.size(); ++i)
                within = within && (a.reference.everywhere[r] || a.reference.allowed[r][i] ||
                                    !(b.reference.everywhere[r] || b.reference.allowed[r][i]));
        REQUIRE(a.value.covers(b.value) == within);
        covered += within;
    }
    CHECK(covered > 20);
}

TEST_CASE("grant: asks and narrows without allocation") {
    grant g = grant{}.on(vm).allow(right::observe);
    const auto allocations = vmsig::test::allocations_in([&] {
        const grant copy = g;
        g.intersect(copy).forget(vm2);
        (void)g.covers(copy);
    });
    CHECK(allocations == 0);
}
