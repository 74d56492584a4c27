// The probe says whether a machine runs here, and why not.
#include <vmsig/kvm/probe.hpp>

#include <cerrno>
#include <cstdlib>

#include "machine.hpp"
#include "support/fd_count.hpp"

using namespace vmsig;
using kvm::probe_verdict;

TEST_CASE("a hidden KVM is not probed") {
    ::setenv("VMSIG_HIDE_KVM", "1", 1);
    const auto result = kvm::probe(seconds(1));
    ::unsetenv("VMSIG_HIDE_KVM");
    CHECK(result.verdict == probe_verdict::hidden);
    CHECK_FALSE(result);
    CHECK(to_string(result) == "hidden by VMSIG_HIDE_KVM");
}

TEST_CASE("no time is too little time, and leaves nothing behind") {
    VMSIG_NEEDS_KVM();
    const int fds = test::open_fd_count();
    CHECK(kvm::probe({}).verdict == probe_verdict::timed_out);
    CHECK(test::open_fd_count() == fds);
}

TEST_CASE("every verdict has its words") {
    const auto says = [](probe_verdict verdict, os_error error) {
        return to_string(kvm::probe_result{verdict, error});
    };
    CHECK(says(probe_verdict::usable, {}) == "KVM is usable");
    CHECK(says(probe_verdict::no_device, {ENOENT, "open /dev/kvm"}) ==
          "there is no KVM device: open /dev/kvm: No such file or directory");
    CHECK(says(probe_verdict::no_permission, {EACCES, "open /dev/kvm"}) ==
          "KVM may not be used: open /dev/kvm: Permission denied");
    CHECK(says(probe_verdict::no_capability, {ENOTSUP, "KVM_CAP_IRQFD"}) ==
          "KVM lacks KVM_CAP_IRQFD");
    CHECK(says(probe_verdict::timed_out, {}) == "the guest was not ready in time");
}
