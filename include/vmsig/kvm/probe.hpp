// Can this process run a kvm::vm? Answered by running one.
#pragma once

#include <string>

#include <vmsig/base/os_error.hpp>
#include <vmsig/base/time.hpp>

namespace vmsig::kvm {

enum class probe_verdict : unsigned char {
    usable,
    hidden,        ///< VMSIG_HIDE_KVM is set, to other than 0
    no_device,     ///< no /dev/kvm
    no_permission, ///< to open it
    no_capability, ///< `error.operation` names what KVM lacks
    system_fault,  ///< `error`
    guest_failed,  ///< KVM gave up on the guest
    timed_out,     ///< the guest did not say that it is ready
};

struct probe_result {
    probe_verdict verdict = probe_verdict::timed_out;
    os_error error;
    constexpr explicit operator bool() const { return verdict == probe_verdict::usable; }
};

/// Blocks until the guest is ready, at most for `limit` and what set-up and clean-up take.
probe_result probe(duration limit) noexcept;

/// One line for people.
std::string to_string(const probe_result& result);

} // namespace vmsig::kvm
