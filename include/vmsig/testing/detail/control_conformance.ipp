// control_conformance: what the rules share, and their order.
#pragma once

#include <vmsig/testing/detail/control_rules_commands.ipp>
#include <vmsig/testing/detail/control_rules_leases.ipp>
#include <vmsig/testing/detail/control_rules_stream.ipp>

namespace vmsig::testing {

template <class Core, class Make>
void control_conformance(Make make, report& to) {
    detail::control_stream_rules<Core, Make> stream{make, to};
    stream.late_subscriber();
    stream.order();
    stream.nothing_by_default();
    stream.each_right_alone();
    stream.subscriptions();
    stream.epochs();
    stream.memctx();
    stream.reads();
    stream.narrowing();
    stream.leaving();
    detail::control_command_rules<Core, Make> commands{make, to};
    commands.receipts();
    commands.refusals();
    commands.cancelling();
    commands.times();
    commands.order();
    commands.fences();
    commands.quotas();
    detail::control_lease_rules<Core, Make> leases{make, to};
    leases.ownership();
    leases.waiting();
    if constexpr (detail::control_lease_rules<Core, Make>::asks)
        leases.asking();
    else
        leases.preemption();
    leases.expiry();
    leases.neutral();
}

} // namespace vmsig::testing
