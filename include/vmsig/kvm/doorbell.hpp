// doorbell: the sensor of a machine's doorbell, by which the guest says that something in its
// memory has changed. A part of the host adapter, whose loop it shares.
#pragma once

#include <cstdint>

#include <vmsig/adapter/handle.hpp>
#include <vmsig/kvm/vm.hpp>

namespace vmsig::kvm {

/// Payload of the kind "kvm.doorbell". Coalesced: the latest stands for all before.
struct doorbell_rung {
    std::uint64_t count = 0; ///< since the machine was made
};

class doorbell {
public:
    static constexpr kind_traits traits{
        .name = "kvm.doorbell", .source = source::memory, .coalesces = true};

    explicit doorbell(vm& machine)
        : vm_{machine} {}

    /// Under which number it is registered.
    void announce_as(kind k) { kind_ = k; }
    int fd() const { return vm_.doorbell_fd(); }
    /// Emits.
    void rung(adapter_handle bus);

private:
    vm& vm_;
    kind kind_ = kind::none;
    std::uint64_t count_ = 0;
};

} // namespace vmsig::kvm
