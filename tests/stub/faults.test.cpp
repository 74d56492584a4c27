// Rule: the script makes the k-th call of a hook throw, once, and is silent otherwise.
#include <vmsig/stub/faults.hpp>

#include <support/catch.hpp>

using namespace vmsig;
using stub::device;
using stub::hook;

TEST_CASE("nothing is scripted at first") {
    stub::faults script;
    for (unsigned d = 0; d < stub::device_count; ++d)
        for (unsigned h = 0; h < stub::hook_count; ++h)
            CHECK_NOTHROW(script.enter(static_cast<device>(d), static_cast<hook>(h)));
}

TEST_CASE("the k-th call throws, those before and after it do not") {
    stub::faults script;
    script.throw_at(device::keyboard, hook::execute, 3);
    for (int call = 1; call <= 5; ++call) {
        script.enter(device::keyboard, hook::neutral);
        script.enter(device::memory, hook::execute);
        if (call == 3)
            CHECK_THROWS_AS(script.enter(device::keyboard, hook::execute), stub::scripted_failure);
        else
            CHECK_NOTHROW(script.enter(device::keyboard, hook::execute));
    }
}
