// The cores that the tests of the core make: small tables, a clock that only the test moves, and a
// reactor that is metered, so that a test in which the core allocates in a turn has failed.
#pragma once

#include <vmsig/core/core.hpp>

#include <vmsig/audit/fail_closed_sink.hpp>
#include <vmsig/reactor/manual_reactor.hpp>

#include <support/metered.hpp>

namespace vmsig::test {

struct small_limits : default_limits {
    static constexpr std::uint16_t endpoints = 4;
    static constexpr std::uint16_t adapters = 12;
    static constexpr std::uint16_t controls = 6;
    static constexpr std::uint16_t host_watches = 4;
    static constexpr std::uint16_t posts = 16;
    static constexpr std::uint16_t deferred_events = 32;
    static constexpr std::uint16_t payload_blocks = 16;
    static constexpr std::uint32_t payload_bytes = 4096;
};
struct test_traits : default_traits {
    using reactor = metered<manual_reactor>;
    using limits = small_limits;
};
/// Epochs, serials and versions end at 7.
struct seven_limits : small_limits {
    static constexpr std::uint64_t counter_limit = 7;
};
struct seven_traits : test_traits {
    using limits = seven_limits;
};
struct asking_traits : test_traits {
    using arbitration = ask_arbitration;
};
struct fail_closed_traits : test_traits {
    using audit_sink = fail_closed_sink<1024, 12>;
};

} // namespace vmsig::test
