// A core with one machine, a control that holds every lease of it, and another one; and what the
// machine has executed: what the tests of execution share.
#pragma once

#include "harness.hpp"

namespace vmsig::test {

struct staffed : bench<> {
    agent a, b;
    machine m;
    lease keys, host, writes;
    staffed() {
        bus.attach_adapter(m, vm);
        keys = own(a, lease_class::input);
        host = own(a, lease_class::power);
        writes = own(a, lease_class::memwrite);
        join(b, full(vm));
    }
    correlation_id submit(const command& c) {
        const auto s = a.bus.submit(c);
        REQUIRE(s.why == refusal::none);
        return s.id;
    }
    std::vector<correlation_id> order() const {
        std::vector<correlation_id> ids;
        for (const auto& e : m.executed)
            if (e.refused == outcome::none) ids.push_back(e.id);
        return ids;
    }
    std::vector<std::uint16_t> pressed() const {
        std::vector<std::uint16_t> codes;
        for (const auto& e : m.executed)
            for (const input_change& c : e.frame)
                codes.push_back(static_cast<std::uint16_t>(c.value ? c.code : 1000 + c.code));
        return codes;
    }
};

} // namespace vmsig::test
