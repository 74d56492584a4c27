// What the bus promises to every control, as a suite for whoever brings controls to it: from the
// same thread, from another one, over a socket. It runs a core of its own with a scripted machine
// and looks at what comes to the control. What only a queue has (numbers without holes, gaps) is
// left to those who have one.
#pragma once

#include <vmsig/testing/control_bench.hpp>
#include <vmsig/testing/control_port.hpp>
#include <vmsig/testing/report.hpp>

namespace vmsig::testing {

/// Runs every rule on a fresh core, with a fresh carrier from `make()` (see control_port.hpp). With
/// `ask_arbitration` as the policy of the core, who is preempted is asked first; else by rank.
template <class Core, class Make>
void control_conformance(Make make, report& to);

} // namespace vmsig::testing

#include <vmsig/testing/detail/control_conformance.ipp>
