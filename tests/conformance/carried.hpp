// The rules for controls, on a bus whose control a carrier brings there: over a socket, from
// another thread.
#pragma once

#include <vmsig/reactor/manual_reactor.hpp>
#include <vmsig/testing/control_conformance.hpp>

#include <support/catch.hpp>

namespace vmsig::test {

struct carried_limits : default_limits {
    static constexpr std::uint16_t endpoints = 2;
    static constexpr std::uint16_t adapters = 4;
    static constexpr std::uint16_t controls = 4;
};
struct carried_traits : default_traits {
    using reactor = manual_reactor;
    using limits = carried_limits;
};
using carried_bus = core<carried_traits>;

template <class Carrier, class Bus = carried_bus>
void keeps_every_rule() {
    const auto told = [](const testing::finding& f) {
        INFO(f.rule << ": " << f.expression << " (" << f.file << ":" << f.line << ")");
        CHECK(f.ok);
    };
    testing::report to{told};
    testing::control_conformance<Bus>([] { return Carrier{}; }, to);
    CHECK(to.checks() > 150);
}

} // namespace vmsig::test
