// memory_place: which memory a command line means.
#pragma once

#include "context.hpp"

namespace ctl {

struct memory_place {
    vmsig::memory_at at;
    std::optional<vmsig::memctx_export> memory; ///< if it had to be asked for
};
/// ADDRESS with --root or --vcpu. Asks for the memctx when a vCPU is named.
memory_place place_of(context& c, const machine& m);
/// The locator and, once per epoch, the descriptors. Throws `trouble`.
vmsig::memctx_export memctx_of(connection& bus, const machine& m);

} // namespace ctl
