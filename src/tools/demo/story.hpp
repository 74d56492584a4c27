// story: the eight steps of the demo, on any kind of machine.
#pragma once

#include "steps_input.hpp"
#include "steps_memory.hpp"
#include "steps_power.hpp"

namespace demo {

/// Stops at the first step that did not hold. True when every one did.
template <class Machine>
bool tell(timeline& out, std::string_view backend, std::unique_ptr<Machine> (*make)()) {
    stage<Machine> s{out, backend, make};
    using step = void (*)(stage<Machine>&);
    const step steps[] = {boot<Machine>,  look<Machine>,  type<Machine>, preempt<Machine>,
                          write<Machine>, reset<Machine>, late<Machine>, other<Machine>};
    for (const step next : steps)
        if (out.failures() == 0) next(s);
    summary(s);
    return out.failures() == 0;
}

} // namespace demo
