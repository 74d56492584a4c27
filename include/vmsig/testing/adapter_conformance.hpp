// The contract of `adapter` (adapter/adapter.hpp) as a suite for the author of one. It runs the
// adapters of one machine under a real core and looks at both sides of the seam. What a kind of
// machine cannot show (it cannot reset itself, there is no place to write to) is left out.
#pragma once

#include <concepts>

#include <vmsig/testing/adapter_bench.hpp>
#include <vmsig/testing/report.hpp>

namespace vmsig::testing {

/// What the suite needs: a machine, made anew for each rule, with `for_each_adapter(f)`, which
/// calls `f(adapter&)` for each of its adapters in the order of attachment; and, if it likes,
///
///     memory_at scratch()              8 aligned bytes that nobody else writes, in this epoch
///     void guest_resets()              the guest is about to reset itself
///     static constexpr int patience    how often `pass` is called before a rule gives up
template <class D>
concept adapter_driver = requires(D& d) {
    { d.pass() } -> std::same_as<void>; ///< the machine goes on for a while
};

/// Runs every rule on a fresh driver from `make()`. `Core`: a vmsig::core whose reactor suits the
/// adapters.
template <class Core, class Make>
void adapter_conformance(Make make, report& to);

} // namespace vmsig::testing

#include <vmsig/testing/detail/adapter_conformance.ipp>
