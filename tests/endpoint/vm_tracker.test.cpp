// The tracked state follows the lifecycle events; every transition from every state has an answer,
// and repeating one changes nothing.
#include <vmsig/endpoint/vm_tracker.hpp>

#include <array>

#include <support/catch.hpp>

using namespace vmsig;

namespace {
constexpr std::array states{vm_state::unknown, vm_state::running, vm_state::paused,
                            vm_state::powered_off, vm_state::crashed};
constexpr std::array transitions{transition::none,        transition::started,
                                 transition::paused,      transition::resumed,
                                 transition::crashed,     transition::reset,
                                 transition::restored,    transition::migrated_in,
                                 transition::powered_off, transition::memory_replaced};
} // namespace

TEST_CASE("vm_tracker: a life") {
    vm_tracker vm;
    CHECK(vm.state() == vm_state::unknown);
    CHECK(vm.apply(transition::started) == vm_state::running);
    CHECK(vm.apply(transition::paused) == vm_state::paused);
    CHECK(vm.apply(transition::reset) == vm_state::paused);
    CHECK(vm.apply(transition::resumed) == vm_state::running);
    CHECK(vm.apply(transition::reset) == vm_state::running);
    CHECK(vm.apply(transition::crashed) == vm_state::crashed);
    CHECK(vm.apply(transition::reset) == vm_state::paused);
    CHECK(vm.apply(transition::started) == vm_state::running);
    CHECK(vm.apply(transition::powered_off) == vm_state::powered_off);
    CHECK(vm.apply(transition::restored) == vm_state::paused);
    CHECK(vm.state() == vm_state::paused);
}

TEST_CASE("vm_tracker: only started and resumed make a VM execute that did not") {
    for (const vm_state before : states)
        for (const transition t : transitions) {
            const bool starts = t == transition::started || t == transition::resumed;
            INFO(static_cast<int>(before) << " " << static_cast<int>(t));
            if (before != vm_state::running)
                CHECK((after(before, t) == vm_state::running) == starts);
        }
}

TEST_CASE("vm_tracker: repeating a transition changes nothing") {
    for (const vm_state before : states)
        for (const transition t : transitions)
            CHECK(after(after(before, t), t) == after(before, t));
}

TEST_CASE("vm_tracker: replaced memory and no transition leave the state alone") {
    for (const vm_state before : states) {
        CHECK(after(before, transition::none) == before);
        CHECK(after(before, transition::memory_replaced) == before);
    }
}

TEST_CASE("vm_tracker: a transition that it does not know leaves the state alone") {
    for (const vm_state before : states)
        CHECK(after(before, static_cast<transition>(200)) == before);
}
