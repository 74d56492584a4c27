// Every payload of the bus fits inline, and no two claim one kind; five transitions are
// destructive.
#include <vmsig/event/payloads.hpp>

#include <array>
#include <set>
#include <tuple>
#include <type_traits>

#include <support/catch.hpp>

using namespace vmsig;

namespace {

using payloads = std::tuple<lifecycle, epoch_changed, memctx_published, memctx_invalidated,
                            memctx_unavailable, memory_written, receipt, lease_granted, lease_lost,
                            lease_asked, lease_wait_ended, lease_changed, grant_changed, gap,
                            leds_changed, console_output, adapter_attached, adapter_detached>;

template <class... P>
constexpr bool all_fit(std::tuple<P...>*) {
    return (core_payload<P> && ...);
}
static_assert(all_fit(static_cast<payloads*>(nullptr)));
static_assert(sizeof(console_output) == inline_payload_bytes);
static_assert(sizeof(lease_changed) <= inline_payload_bytes);

template <class... P>
std::set<kind> kinds(std::tuple<P...>*) {
    return {P::event_kind...};
}

} // namespace

TEST_CASE("payloads: one kind each, and each in the table") {
    const auto claimed = kinds(static_cast<payloads*>(nullptr));
    CHECK(claimed.size() == std::tuple_size_v<payloads>);
    for (const kind k : claimed) CHECK_FALSE(traits_of(k).name.empty());
}

TEST_CASE("payloads: the kinds without one are the bare notices") {
    const auto claimed = kinds(static_cast<payloads*>(nullptr));
    const std::set bare{kind::replay_begin, kind::replay_end, kind::endpoint_removed};
    for (unsigned n = 1; n <= static_cast<unsigned>(kind::adapter_detached); ++n) {
        const auto k = static_cast<kind>(n);
        INFO(traits_of(k).name);
        CHECK((claimed.count(k) == 1) != (bare.count(k) == 1));
    }
}

TEST_CASE("payloads: reset, restored, migrated in, powered off and replaced memory destroy") {
    for (const transition t : {transition::reset, transition::restored, transition::migrated_in,
                               transition::powered_off, transition::memory_replaced})
        CHECK(destructive(t));
    for (const transition t : {transition::none, transition::started, transition::paused,
                               transition::resumed, transition::crashed})
        CHECK_FALSE(destructive(t));
}
