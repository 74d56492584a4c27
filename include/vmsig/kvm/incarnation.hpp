// incarnation: what the adapters of one machine agree upon about the guest that runs. Kept by the
// host adapter, who hears of every change.
//
// A commanded reset or power off has raised the epoch before the adapter is handed it, so from that
// instant on the bus speaks of an incarnation that is not there yet. Until it is, memory is neither
// shown nor written, and keys wait.
#pragma once

#include <cstdint>

namespace vmsig::kvm {

struct incarnation {
    std::uint64_t number = 0; ///< as in kvm::status; of the one that runs or ran last
    std::uint32_t ending = 0; ///< verbs under way that destroy it
    bool alive = false;       ///< begun, and its end is not announced

    /// What runs is what the bus's current epoch stands for.
    constexpr bool settled() const { return alive && ending == 0; }
};

} // namespace vmsig::kvm
