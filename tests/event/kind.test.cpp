// The one table of kinds is complete and consistent: routing, replay and the docs come from it.
#include <vmsig/event/kind.hpp>

#include <set>
#include <vector>

#include <support/catch.hpp>

#include <vmsig/event/right.hpp>

using namespace vmsig;

namespace {

constexpr auto last_core_kind = kind::adapter_detached;

std::vector<kind> all_kinds() {
    std::vector<kind> kinds;
    for (unsigned n = 1; n <= static_cast<unsigned>(last_core_kind); ++n)
        kinds.push_back(static_cast<kind>(n));
    return kinds;
}

std::set<std::string_view> names_with(bool kind_traits::*flag) {
    std::set<std::string_view> names;
    for (const kind_traits& row : core_kinds)
        if (row.*flag) names.insert(row.name);
    return names;
}

} // namespace

TEST_CASE("kind: every kind has a row with a name of its own, and nothing else has") {
    std::set<std::string_view> names;
    for (const kind k : all_kinds()) {
        CHECK_FALSE(traits_of(k).name.empty());
        names.insert(traits_of(k).name);
    }
    CHECK(names.size() == all_kinds().size());
    CHECK(traits_of(kind::none).name.empty());
    for (auto n = static_cast<unsigned>(last_core_kind) + 1; n < core_kinds.size(); ++n)
        CHECK(core_kinds[n].name.empty());
}

TEST_CASE("kind: the first audiences are the rights, in their order") {
    CHECK(static_cast<unsigned>(audience::observe) == static_cast<unsigned>(right::observe));
    CHECK(static_cast<unsigned>(audience::memctx) == static_cast<unsigned>(right::memctx));
    CHECK(static_cast<unsigned>(audience::memread) == static_cast<unsigned>(right::memread));
    CHECK(static_cast<unsigned>(audience::memwrite) == static_cast<unsigned>(right::memwrite));
    CHECK(static_cast<unsigned>(audience::input) == static_cast<unsigned>(right::input));
    CHECK(static_cast<unsigned>(audience::power) == static_cast<unsigned>(right::power));
    CHECK(static_cast<unsigned>(audience::admin) == static_cast<unsigned>(right::admin));
    CHECK(static_cast<unsigned>(audience::any_right) == right_count);
    CHECK(static_cast<unsigned>(audience::addressee) == audience_count - 1);
}

TEST_CASE("kind: what may be dropped is never what must be kept") {
    for (const kind k : all_kinds()) {
        const kind_traits& row = traits_of(k);
        INFO(row.name);
        CHECK_FALSE((row.coalesces && row.folds));
        if (row.folds) CHECK(row.lane == lane::safety);
        if (row.coalesces) CHECK(row.lane != lane::safety);
    }
}

TEST_CASE("kind: lifecycle, epoch and lease notices fold and are never dropped") {
    const auto folding = names_with(&kind_traits::folds);
    for (const kind k : {kind::lifecycle, kind::epoch_changed, kind::memctx_invalidated,
                         kind::lease_granted, kind::lease_lost, kind::lease_changed})
        CHECK(folding.count(traits_of(k).name) == 1);
}

TEST_CASE("kind: VM state, memctx and lease holders are retained for late subscribers") {
    const auto retained = names_with(&kind_traits::retained);
    for (const kind k : {kind::lifecycle, kind::memctx_published, kind::lease_changed})
        CHECK(retained.count(traits_of(k).name) == 1);
    CHECK(retained.count("receipt") == 0);
    CHECK(retained.count("memctx_invalidated") == 0);
}

TEST_CASE("kind: an epoch concerns whoever holds any right, a memctx whoever was given it") {
    CHECK(traits_of(kind::epoch_changed).audience == audience::any_right);
    CHECK(traits_of(kind::memctx_published).audience == audience::memctx);
    CHECK(traits_of(kind::memctx_invalidated).audience == audience::memctx_takers);
    CHECK(traits_of(kind::memory_written).audience == audience::memory_readers);
    CHECK(traits_of(kind::lease_changed).audience == audience::observe);
    CHECK(traits_of(kind::receipt).audience == audience::addressee);
}

TEST_CASE("kind: an invalidation overtakes the publications of its source") {
    CHECK(traits_of(kind::memctx_invalidated).source == traits_of(kind::memctx_published).source);
    CHECK(traits_of(kind::memctx_invalidated).lane < traits_of(kind::memctx_published).lane);
}

TEST_CASE("kind: the core's sources leave room for the host's") {
    for (const kind k : all_kinds())
        CHECK(static_cast<unsigned>(traits_of(k).source) < first_host_source);
    CHECK(static_cast<unsigned>(kind::first_host) < max_kinds);
}
