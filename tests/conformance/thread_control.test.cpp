// Rule: a control on another thread gets what the bus promises to every control: the same rules as
// on the loop's thread.
#include "thread_carrier.hpp"

#include <vmsig/reactor/manual_reactor.hpp>
#include <vmsig/testing/control_conformance.hpp>

#include <support/catch.hpp>

using namespace vmsig;
using namespace vmsig::testing;

namespace {

struct limits : default_limits {
    static constexpr std::uint16_t endpoints = 2;
    static constexpr std::uint16_t adapters = 4;
    static constexpr std::uint16_t controls = 4;
};
struct traits : default_traits {
    using reactor = manual_reactor;
    using limits = ::limits;
};
using bus = core<traits>;

} // namespace

TEST_CASE("a control on another thread gets what every control is promised") {
    const auto told = [](const finding& f) {
        INFO(f.rule << ": " << f.expression << " (" << f.file << ":" << f.line << ")");
        CHECK(f.ok);
    };
    report to{told};
    control_conformance<bus>([] { return thread_carrier<bus>{}; }, to);
    CHECK(to.checks() > 150);
}
