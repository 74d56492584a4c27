// Kinds of event, and the one table that says for each who may see it and how it is treated.
// Routing, replay and the documentation all come from this table.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <vmsig/event/lane.hpp>
#include <vmsig/event/source.hpp>

namespace vmsig {

/// The host's own kinds are registered by name and follow `first_host`.
enum class kind : std::uint16_t {
    none,
    receipt,
    replay_begin,
    replay_end,
    gap,
    grant_changed,
    endpoint_removed,
    lifecycle,
    epoch_changed,
    memctx_published,
    memctx_invalidated,
    memctx_unavailable,
    memory_written,
    lease_granted,
    lease_lost,
    lease_asked,
    lease_wait_ended,
    lease_changed,
    leds_changed,
    console_output,
    adapter_attached,
    adapter_detached,
    first_host = 32,
};
inline constexpr std::uint16_t max_kinds = 128;

/// Who may see a kind. The first seven are the rights themselves, in their order.
enum class audience : std::uint8_t {
    observe,
    memctx,
    memread,
    memwrite,
    input,
    power,
    admin,
    any_right,      ///< whoever holds any right on the endpoint, whatever it subscribed to
    memory_readers, ///< memctx or memread
    memctx_takers,  ///< whoever was given the memctx of this epoch
    addressee,      ///< one control, named by the core
};
inline constexpr unsigned audience_count = 11;

struct kind_traits {
    std::string_view name{};
    vmsig::audience audience = audience::observe;
    vmsig::source source = source::lifecycle;
    vmsig::lane lane = lane::normal;
    bool coalesces = false; ///< in a queue: by key, the first at once, the last of the window kept
    bool folds = false;     ///< never dropped: folds into one reserved record per endpoint or cell
    bool retained = false;  ///< the latest one is replayed to late subscribers
};

inline constexpr std::array<kind_traits, static_cast<unsigned>(kind::first_host)> core_kinds = [] {
    std::array<kind_traits, static_cast<unsigned>(kind::first_host)> t{};
    auto row = [&t](kind k, std::string_view name, audience a, source s, lane l) -> kind_traits& {
        t[static_cast<unsigned>(k)] = {name, a, s, l, false, false, false};
        return t[static_cast<unsigned>(k)];
    };
    using enum audience;
    row(kind::receipt, "receipt", addressee, source::command, lane::high);
    row(kind::replay_begin, "replay_begin", addressee, source::lifecycle, lane::safety);
    row(kind::replay_end, "replay_end", addressee, source::lifecycle, lane::safety);
    row(kind::gap, "gap", addressee, source::lifecycle, lane::safety);
    row(kind::grant_changed, "grant_changed", addressee, source::lifecycle, lane::safety);
    row(kind::endpoint_removed, "endpoint_removed", any_right, source::lifecycle, lane::safety)
        .folds = true;
    auto& lifecycle = row(kind::lifecycle, "lifecycle", observe, source::lifecycle, lane::safety);
    lifecycle.folds = lifecycle.retained = true;
    row(kind::epoch_changed, "epoch_changed", any_right, source::lifecycle, lane::safety).folds =
        true;
    row(kind::memctx_published, "memctx_published", memctx, source::memory, lane::high).retained =
        true;
    row(kind::memctx_invalidated, "memctx_invalidated", memctx_takers, source::memory, lane::safety)
        .folds = true;
    row(kind::memctx_unavailable, "memctx_unavailable", memctx, source::memory, lane::high);
    row(kind::memory_written, "memory_written", memory_readers, source::memory, lane::normal);
    row(kind::lease_granted, "lease_granted", addressee, source::lease, lane::safety).folds = true;
    row(kind::lease_lost, "lease_lost", addressee, source::lease, lane::safety).folds = true;
    row(kind::lease_asked, "lease_asked", addressee, source::lease, lane::safety).folds = true;
    row(kind::lease_wait_ended, "lease_wait_ended", addressee, source::lease, lane::safety).folds =
        true;
    auto& changed = row(kind::lease_changed, "lease_changed", observe, source::lease, lane::safety);
    changed.folds = changed.retained = true;
    auto& leds = row(kind::leds_changed, "leds_changed", observe, source::input, lane::normal);
    leds.coalesces = leds.retained = true;
    row(kind::console_output, "console_output", observe, source::console, lane::bulk);
    row(kind::adapter_attached, "adapter_attached", observe, source::lifecycle, lane::high);
    row(kind::adapter_detached, "adapter_detached", observe, source::lifecycle, lane::safety);
    return t;
}();

constexpr const kind_traits& traits_of(kind core_kind) {
    return core_kinds[static_cast<unsigned>(core_kind)];
}

} // namespace vmsig
