// watching: what whoever watches a machine can see of it, and checks: the agent does, and so does
// the operator, wherever it is.
#pragma once

#include <string>

#include <fmt/format.h>

#include "fd_trials.hpp"
#include "seat.hpp"

namespace demo {

/// How often the guest has said this.
inline std::size_t said(const std::string& text, std::string_view what) {
    std::size_t n = 0;
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
        ++n;
    return n;
}

/// The memctx: what can be done with it, and what can not. Leaves `window` open.
template <class Bus>
void look_into(seat<Bus>& who, vmsig::endpoint_id vm, guest_window& window) {
    auto memctx = who.bus.memctx(vm);
    if (!who.check(memctx && memctx->fds_included,
                   "takes the memctx: a locator, and descriptors of the RAM"))
        return;
    const vmsig::memctx_locator l = memctx->locator;
    const bool sealed = l.level == vmsig::export_level::sealed;
    who.say(fmt::format("epoch {}, version {}, {} RAM regions, CR3 {:#x}, level {}", l.epoch.value,
                        l.version.value, l.region_count, l.roots().empty() ? 0 : l.roots()[0].root,
                        sealed ? "sealed" : "weaker"));
    const std::string_view possible = try_to_write(memctx->fds[0].get());
    who.check(possible.empty(),
              possible.empty() ? std::string{"the descriptor can not be written, mapped writable, "
                                             "truncated, nor reopened for writing"}
                               : fmt::format("the descriptor can be {}", possible));
    const bool opened = window.open(std::move(*memctx));
    const auto page = window.translate();
    const auto state = window.state();
    if (!who.check(
            opened && page && page->gpa != VMSIG_GUEST_STATE_ADDRESS && state &&
                state->magic == VMSIG_GUEST_STATE_MAGIC,
            fmt::format("page walk: {:#x} -> guest physical {:#x}, the guest's magic is there",
                        VMSIG_GUEST_STATE_ADDRESS, page ? page->gpa : 0)))
        return;
    const auto read = who.bus.submit(vmsig::read_memory(vm, window.place(0), 8));
    who.check(who.done(read) && who.word_read() == VMSIG_GUEST_STATE_MAGIC,
              "the bus reads the same for it, without a descriptor");
    who.check(who.heartbeat_moves(window), "the guest's heartbeat moves");
}

/// A reset, as it is told from `mark` on: of whom the memory of before was shown through `window`.
template <class Bus>
void live_through_reset(seat<Bus>& who, vmsig::endpoint_id vm, std::size_t mark,
                        guest_window& window) {
    who.until([&] {
        return who.find(kind::lifecycle, vm, mark) && who.find(kind::epoch_changed, vm, mark);
    });
    const std::size_t invalid = who.place(kind::memctx_invalidated, vm, mark);
    const std::size_t raised = who.place(kind::epoch_changed, vm, mark);
    const std::size_t happened = who.place(kind::lifecycle, vm, mark);
    if (!who.check(invalid < raised && raised < happened && happened < who.mark(),
                   "told in this order: memctx invalid, epoch raised, reset"))
        return;
    const auto before = window.locator().epoch.value;
    who.check(who.log()[raised].epoch.value == before + 1 &&
                  who.count(kind::epoch_changed, vm, mark) == 1,
              fmt::format("epoch {} -> {}, once", before, before + 1));
    who.check(who.until([&] { return who.find(kind::memctx_published, vm, mark); }),
              "the new memctx arrived");
    auto memctx = who.bus.memctx(vm);
    who.check(memctx && memctx->fds_included && window.open(std::move(*memctx)) &&
                  who.heartbeat_moves(window),
              "the heartbeat goes on in the new memory");
    const auto state = window.state();
    who.check(state && state->boots == 2, "the guest counts its second boot");
}

} // namespace demo
