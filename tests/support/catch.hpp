// Catch2, version 2 or 3, and the one thing that version 2 lacks: a test case that says why it
// cannot run here. Precompiled for all tests.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include <string_view>

namespace vmsig::test {

/// Prints "SKIPPED: why" and marks the running test case. A process whose cases were all skipped
/// ends with `skip_exit_code`, which ctest shows as skipped; a failed assertion still fails.
void mark_skipped(std::string_view why);

inline constexpr int skip_exit_code = 77;

} // namespace vmsig::test

/// Leaves the test case: VMSIG_SKIP("no /dev/kvm"). For the body of a test case or section only.
#define VMSIG_SKIP(why)                                                                            \
    do {                                                                                           \
        ::vmsig::test::mark_skipped(why);                                                          \
        return;                                                                                    \
    } while (false)
